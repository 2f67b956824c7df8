"""Decisions as JSON Lines, as many as there are records: what many have in common, all but the event's id, is encoded once."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING, Any, Final

from engine.cache import BoundedCache
from engine.pipeline.audit import line, verdict_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import Verdict

VERDICTS_SIZE: Final = 10_000

_BEFORE_ID: Final = '{"event_id":'
_BEFORE_TEXT_ID: Final = f'{_BEFORE_ID}"'
_AS_IN_JSON: Final = bytes({*range(0x20, 0x7F)} - {*b'"\\'})
"""Characters that stand in JSON as they are."""


class DecisionLines:
    """Encodes decisions; the lines are those of `decision_json`."""

    def __init__(self, size: int = VERDICTS_SIZE) -> None:
        self._tails: BoundedCache[int, tuple[Verdict, str]] = BoundedCache(size)
        """By the verdict's identity, which no other object can have while the verdict is kept here."""

    def of(self, event_ids: Sequence[object], tails: Sequence[str]) -> bytes:
        """The lines of decisions, from what was recorded as the events' ids and from the tails of their verdicts."""
        if not event_ids:
            return b""
        if not _are_plain(event_ids):
            pairs = zip(event_ids, tails, strict=True)
            lines = (f"{_BEFORE_ID}{_encoded_id(event_id)}{tail[1 : -len(_BEFORE_TEXT_ID)]}" for event_id, tail in pairs)
            return "".join(lines).encode("ascii")
        parts: list[Any] = [_BEFORE_TEXT_ID] * (2 * len(event_ids) + 1)
        parts[1::2] = event_ids
        parts[2::2] = tails
        parts[-1] = parts[-1][: -len(_BEFORE_TEXT_ID)]
        return "".join(parts).encode("ascii")

    def tail(self, verdict: Verdict) -> str:
        """What follows the event's id in the lines of a verdict, from its closing quote to the id in the next line."""
        known = self._tails.get(id(verdict))
        if known is None:
            known = self._tails[id(verdict)] = verdict, f'",{line(verdict_json(verdict))[1:]}\n{_BEFORE_TEXT_ID}'
        return known[1]


def _are_plain(event_ids: Sequence[Any]) -> bool:
    """Whether all of these are texts that stand in JSON as they are."""
    try:
        together = "".join(event_ids)
    except TypeError:
        return False
    return all(event_ids) and not together.encode("utf-8", "surrogatepass").translate(None, _AS_IN_JSON)


def _encoded_id(event_id: object) -> str:
    return _quoted(event_id) if event_id.__class__ is str and event_id else "null"
