"""Masked events, decisions and channels for tests of messages; the masking itself is another's."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from builders import STANDARD, channel

from engine.model import (
    ActorClass,
    Channel,
    Decision,
    Deployment,
    Evidence,
    Field,
    Kind,
    Level,
    LocalizedText,
    MaskedEvent,
    Matcher,
    Message,
    Operator,
    Request,
    Severity,
    Strength,
    Verdict,
)

EVENT_ID = "11111111-2222-4333-8444-555555555555"
DEPLOYED = Deployment(region="ap-northeast-1", log_group="/aws/lambda/trailbell")
TOKYO = ZoneInfo("Asia/Tokyo")

EVIDENCE = Evidence(
    "identity-center-role",
    LocalizedText("signed in through IAM Identity Center", "IAM Identity Center でサインイン"),
    Strength.ATTESTED,
    Matcher(("`true`",), lambda _: True),
)
HUMAN = ActorClass("human", Kind.PERSON, emoji=":bust_in_silhouette:", title=LocalizedText("Person", "人"), evidence=(EVIDENCE,))
UNKNOWN = ActorClass("unknown", Kind.UNKNOWN)

VALUES = MappingProxyType(
    {
        Field.TIME: "2026-11-01T00:30:00Z",
        Field.EVENT: "GetObject",
        Field.BUCKET: "payments-prod",
        Field.KEY: "2026/11/ledger.csv",
        Field.SIZE: "18274",
        Field.REGION: "ap-northeast-1",
        Field.SOURCE_IP: "203.0.113.0/24",
        Field.USER_AGENT: "[aws-cli/2.15.0 Python/3.11.6 Darwin/23.1.0]",
        Field.CLIENT: "aws-cli on macOS",
        Field.CLASS: "human",
        Field.EVIDENCE: "identity-center-role",
        Field.ACTOR_TYPE: "AssumedRole",
        Field.NAME: "analyst@example.com",
        Field.ROLE: "AWSReservedSSO_Analyst_0123456789abcdef",
        Field.SESSION: "analyst@example.com",
        Field.ARN: "arn:aws:sts::************:assumed-role/AWSReservedSSO_Analyst_0123456789abcdef/analyst@example.com",
        Field.PRINCIPAL: "AROAEXAMPLEEXAMPLEEXA:analyst@example.com",
        Field.ACCOUNT: "************",
        Field.ACCESS_KEY: "***MPLE",
        Field.MFA: "false",
        Field.EVENT_ID: EVENT_ID,
        Field.REQUEST_ID: "C3D13FE58DE4C810",
    }
)
"""A person reads an object, as the level `standard` leaves it."""


def masked(
    changes: dict[Field, str | None] | None = None, level: Level = STANDARD, hash_missing: int = 0, *, denied: bool = False
) -> MaskedEvent:
    """`VALUES` with changes; None takes a field away. What the level drops is not in it."""
    values = {**VALUES, **(changes or {})}
    shown = {
        field: value
        for field, value in values.items()
        if value is not None and level.operators.get(field, Operator.DROP) is not Operator.DROP
    }
    return MaskedEvent(level, MappingProxyType(shown), hash_missing, denied)


def decision(actor: ActorClass = HUMAN, **parts: Any) -> Decision:
    """A decision for a class, by its first evidence."""
    verdict = {
        "actor": actor,
        "evidence": actor.evidence[0] if actor.evidence else None,
        "requests": (),
        "routes": ("payments/people",),
        "mutes": (),
        "silences": (),
        "defaulted": False,
        "failures": (),
        "revision": "sha256:0123456789ab",
    }
    return Decision(EVENT_ID, Verdict(**{**verdict, **parts}))


def request(level: Level = STANDARD, **parts: Any) -> Request:
    """What the route `payments/people` asks of the channel `watch`."""
    return Request(
        **{
            "channel": "watch",
            "level": level,
            "severity": Severity.WARNING,
            "policy": "payments",
            "route": "people",
            "routes": ("payments/people",),
            **parts,
        }
    )


def tokyo(**parts: Any) -> Channel:
    """The channel `watch`, in Tokyo's time."""
    return channel("watch", **parts)._replace(timezone=TOKYO)


def lines(made: Message) -> list[str]:
    """What the blocks of a message say, line by line; an emoji stands as `:name:`, a link as its label."""
    shown: list[str] = []
    for block in made.payload["blocks"]:
        if block["type"] == "context":
            shown.append("".join(element["text"] for element in block["elements"]))
            continue
        for element in block["elements"]:
            sections = element["elements"] if element["type"] == "rich_text_list" else [element]
            for section in sections:
                shown += _text(section["elements"]).split("\n")
    return shown


def _text(pieces: list[dict[str, Any]]) -> str:
    return "".join(f":{piece['name']}:" if piece["type"] == "emoji" else piece["text"] for piece in pieces)


def linked(made: Message) -> dict[str, str]:
    """The addresses of a message's links by their labels, in order."""
    return {
        piece["text"]: piece["url"]
        for block in made.payload["blocks"]
        if block["type"] == "rich_text"
        for element in block["elements"]
        if element["type"] == "rich_text_section"
        for piece in element["elements"]
        if piece["type"] == "link"
    }


def pieces(made: Message) -> list[dict[str, Any]]:
    """The elements of the rich text of a message."""
    return [
        piece
        for block in made.payload["blocks"]
        if block["type"] == "rich_text"
        for element in block["elements"]
        for section in (element["elements"] if element["type"] == "rich_text_list" else [element])
        for piece in section["elements"]
    ]
