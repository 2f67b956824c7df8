"""What a verdict does, as far as people notice: by this two policy sets are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.model import Suppression, Verdict


class Effect(NamedTuple):
    """The class, who is notified (channel, level, severity), and what mutes or silences the event (how, `policy/id`)."""

    actor: str
    requests: tuple[tuple[str, str, str], ...]
    quieted_by: tuple[tuple[str, str], ...]
    selected: bool = True

    @property
    def text(self) -> str:
        """Who is notified, and what muted or silenced the event."""
        if not self.selected:
            return "not looked at"
        heard = ", ".join(f"{channel} ({level}, {severity})" for channel, level, severity in self.requests) or "nobody"
        by = ", ".join(f"{how} by {rule}" for how, rule in self.quieted_by)
        return f"{heard}, {by}" if by else heard


NOT_SELECTED: Final = Effect("", (), (), selected=False)


def effect_of(verdict: Verdict | None) -> Effect:
    """The effect of a verdict; None: the set does not look at the event."""
    if verdict is None:
        return NOT_SELECTED
    requests = ((request.channel, request.level.name, request.severity.value) for request in verdict.requests)
    quieted = (*_quieted("muted", verdict.mutes), *_quieted("silenced", verdict.silences))
    return Effect(verdict.actor.name, tuple(sorted(requests)), tuple(quieted))


def _quieted(how: str, rules: Iterable[Suppression]) -> Iterator[tuple[str, str]]:
    return ((how, f"{rule.policy}/{rule.id}") for rule in rules)
