"""By what events are alike for a channel, as far as its masking level shows it. They are compared as they were recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.model import Field, IncidentKey, IncidentRule, Kind, Severity
from engine.outbox.rows import CRITICAL_WINDOW_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model import Channel, DigestRule, MaskedEvent, Request
    from engine.workbench.simulation import SimulatedIncident

HIDDEN: Final = "(hidden)"
"""What stands for a value that the level does not show."""


class Likeness(NamedTuple):
    """What the events of one incident or digest of a channel have in common, by the names in the rule's `by`.

    `window`: for how many seconds at most (None: within one batch).
    """

    rule: IncidentRule | DigestRule
    window: float | None
    shared: Mapping[str, str]

    def json(self) -> dict[str, Any]:
        """As `explain --format json` shows it."""
        kind = "digest" if self.window is None else "incident"
        window = {} if self.window is None else {"window_seconds": int(self.window)}
        return {"kind": kind, "alike": dict(self.shared), "after": self.rule.after, **window}


def likeness(channel: Channel, masked: MaskedEvent, request: Request, kind: Kind) -> Likeness | None:
    """What an event has in common with others that the channel hears of together; None: it is told each event."""
    rule = channel.incident or channel.digest
    if rule is None:
        return None
    window = None
    if isinstance(rule, IncidentRule):
        window = min(rule.window, CRITICAL_WINDOW_SECONDS) if request.severity is Severity.CRITICAL else rule.window
    return Likeness(rule, window, _shared(rule.by, masked.values, masked.access_kind, kind))


def shared_by(incident: SimulatedIncident) -> Mapping[str, str]:
    """What the events of an incident have in common."""
    digest = incident.digest
    actor = digest.lead.get("actor")
    values = {Field(name): text for name, text in digest.shared.items()}
    return _shared(incident.rule.by, values, digest.flags.get("access_kind"), Kind(actor[1]) if actor else None)


def _shared(
    by: Sequence[Field | IncidentKey], values: Mapping[Field, str], access_kind: str | None, kind: Kind | None
) -> dict[str, str]:
    shown: dict[str, str] = {}
    for key in by:
        if key is IncidentKey.ACTOR:
            shown[key.value] = _actor(values, kind)
        elif key is IncidentKey.ACCESS:
            shown[key.value] = access_kind or HIDDEN
        elif key is Field.BUCKET:
            source = values.get(Field.COPY_SOURCE, "").partition("/")[0]
            shown[key.value] = values.get(key, HIDDEN) + (f", copied from {source}" if source else "")
        else:
            shown[key.value] = values.get(key, HIDDEN)
    return shown


def _actor(values: Mapping[Field, str], kind: Kind | None) -> str:
    """Role or name; of everyone but robots and services also the session."""
    role, name = values.get(Field.ROLE), values.get(Field.SESSION) or values.get(Field.NAME)
    parts = (role or name,) if kind in {Kind.ROBOT, Kind.SERVICE} else (role, name)
    return " / ".join(dict.fromkeys(part for part in parts if part)) or HIDDEN
