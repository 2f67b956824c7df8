"""What a response to a post means.

Sources: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (handling errors), and
https://docs.slack.dev/apis/web-api/rate-limits (Retry-After).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from engine.model import HttpResponse

DEAD_WEBHOOK_SECONDS: Final = 300.0
"""For how long a webhook that Slack says is gone, or whose token it refuses, is believed to stay so."""

_GONE_BODIES: Final = frozenset(
    {"no_service", "no_service_id", "no_team", "team_disabled", "channel_not_found", "channel_is_archived", "user_not_found"}
)
_TOKEN_BODIES: Final = frozenset({"invalid_token", "action_prohibited"})
"""Usually with 403; revoked webhooks were reported to answer 400 `invalid_token` as well."""

_REFUSED_BODIES: Final = frozenset(
    {"invalid_blocks", "invalid_payload", "no_text", "invalid_attachments", "too_many_attachments", "msg_blocks_too_long"}
)

_OK: Final = 200
_BAD_REQUEST: Final = 400
_FORBIDDEN: Final = 403
_GONE: Final = frozenset({404, 410})
_TOO_LARGE: Final = 413
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


class Meaning(StrEnum):
    """What became of a message. `UNANSWERED`: nobody knows. `BLOCKS_REFUSED`: it may be taken without its blocks."""

    TAKEN = "taken"
    PAUSE = "pause"
    GONE = "gone"
    BLOCKS_REFUSED = "blocks refused"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


class Answer(NamedTuple):
    """The meaning of a response, and a short fixed phrase that says why: never Slack's body."""

    meaning: Meaning
    reason: str


def answer_of(response: HttpResponse) -> Answer:
    """What a response means."""
    status, body = response.status, response.body.strip()
    if status is None:
        return Answer(Meaning.UNANSWERED, f"no answer ({response.fault.value if response.fault else 'unknown'})")
    if status == _OK:
        taken = body == "ok"
        return Answer(Meaning.TAKEN, "ok") if taken else Answer(Meaning.REFUSED, "an answer that is not Slack's ok")
    if status == _TOO_MANY_REQUESTS:
        return Answer(Meaning.PAUSE, "Slack asks for a pause")
    if status >= _SERVER_ERROR:
        return Answer(Meaning.UNANSWERED, "Slack is out of order")
    return _refusal(status, body)


def _refusal(status: int, body: str) -> Answer:
    if status in _GONE or body in _GONE_BODIES:
        return Answer(Meaning.GONE, "the webhook or its channel is gone")
    if status == _FORBIDDEN or body in _TOKEN_BODIES:
        return Answer(Meaning.GONE, "Slack refuses the webhook's token")
    blocks = status == _TOO_LARGE or (status == _BAD_REQUEST and body in _REFUSED_BODIES)
    return Answer(Meaning.BLOCKS_REFUSED if blocks else Meaning.REFUSED, "Slack refuses the message")


def refusal_ttl(response: HttpResponse) -> float:
    """For how many seconds a refusal may be cached (0: not at all).

    It may be if the webhook is gone, its token is refused, or Slack asked for a pause.
    """
    meaning = answer_of(response).meaning
    if meaning is Meaning.PAUSE:
        return response.retry_after or 0.0
    return DEAD_WEBHOOK_SECONDS if meaning is Meaning.GONE else 0.0
