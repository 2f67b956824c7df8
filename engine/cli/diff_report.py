"""The changes of `trailbell diff` as text, as JSON, and as Markdown for a comment on a pull request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from engine.cli.preview import preview
from engine.cli.terminal import PaintedText, heading
from engine.model import Deployment
from engine.pipeline.render.escape import harmless
from engine.pipeline.setting import Setting
from engine.workbench.explain import explain
from engine.workbench.policy_diff import KIND_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.model import HashKey
    from engine.pipeline.effect import Effect
    from engine.workbench.policy_diff import ChangeGroup, PolicyDiff

COMMENT: Final = "<!-- trailbell diff -->"
"""The first line of the Markdown, by which a workflow finds the comment that it updates."""

COMMENT_SIZE: Final = 65_000
"""Characters; GitHub takes 65,536 in a comment."""

_BUCKETS_SHOWN: Final = 4
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]<>#|~@&])")
_WIDTH: Final = 100


def messages_of(group: ChangeGroup, diff: PolicyDiff, key: HashKey) -> dict[str, tuple[Any, Any]]:
    """The payloads of a change's example before and after, by channel, where they differ; None: no message."""
    sides = []
    for policies, effect in ((diff.before, group.before), (diff.after, group.after)):
        messages = explain(group.example, Setting(policies, Deployment(), key), diff.now).messages if effect.selected else {}
        sides.append({name: message.payload for name, message in messages.items()})
    before, after = sides
    names = [*before, *(name for name in after if name not in before)]
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return {name: (old, new) for name, (old, new) in pairs.items() if _shown(old) != _shown(new)}


def as_text(diff: PolicyDiff, key: HashKey, shown: int, width: int, *, colour: bool) -> Iterator[str]:
    """The changes for a terminal, with the messages of the first `shown`."""
    yield summary(diff)
    for number, group in enumerate(diff.counts.groups()):
        yield ""
        yield heading(_kinds(group), f"  {_head(group)}")
        yield f"  before  {_effect_text(group.before, group.after)}"
        yield f"  after   {_effect_text(group.after, group.before)}"
        yield f"  such as {group.example.where}"
        if number < shown:
            for name, sides in messages_of(group, diff, key).items():
                for word, payload in zip(("before", "after"), sides, strict=True):
                    yield heading(f"  #{name} {word}", "" if payload else "  no message")
                    if payload:
                        yield PaintedText(preview(payload, width, colour=colour))


def as_json(diff: PolicyDiff, key: HashKey) -> dict[str, Any]:
    """The changes as JSON; buckets are counted as the levels show them."""
    return {
        "events": diff.counts.events,
        "changed": diff.counts.changed,
        "kinds": {kind.value: count for kind, count in diff.counts.kinds().items()},
        "changes": [_group_json(group, diff, key) for group in diff.counts.groups()],
    }


def as_markdown(diff: PolicyDiff, key: HashKey) -> str:
    """The changes as a comment: as many as fit, each with its message before and after, then how many more there are."""
    groups = diff.counts.groups()
    parts = [f"{COMMENT}\n### Who hears what\n\n{_escaped(summary(diff))}\n"]
    if groups:
        parts.append("\n| change | events | of | before | after |\n|---|---:|---|---|---|\n")
    rest = [f"\nand {len(groups):,} more changes; `trailbell diff` shows them all\n"]
    room = COMMENT_SIZE - sum(map(len, parts + rest))
    details: list[str] = []
    for number, group in enumerate(groups):
        row = _row(group)
        detail = _detail(group, diff, key)
        if len(row) > room:
            rest = [f"\nand {len(groups) - number:,} more changes; `trailbell diff` shows them all\n"]
            break
        parts.append(row)
        room -= len(row)
        if len(detail) <= room // 2:  # rows go before messages
            details.append(detail)
            room -= len(detail)
    else:
        rest = []
    return "".join([*parts, *rest, *details])


def summary(diff: PolicyDiff) -> str:
    """How many events change, and in which way."""
    if not diff.counts.changed:
        return f"none of {diff.counts.events:,} events changes"
    kinds = ", ".join(f"{count:,} {KIND_TEXT[kind]}" for kind, count in diff.counts.kinds().items())
    return f"{diff.counts.changed:,} of {diff.counts.events:,} events change: {kinds}"


def _kinds(group: ChangeGroup) -> str:
    return ", ".join(KIND_TEXT[kind] for kind in group.kinds)


def _head(group: ChangeGroup) -> str:
    events = "1 event" if group.count == 1 else f"{group.count:,} events"
    span = ""
    if group.first is not None and group.last is not None:
        days = [f"{time:%Y-%m-%d}" for time in (group.first, group.last)]
        span = f", {days[0]}" if days[0] == days[1] else f", {days[0]} to {days[1]}"
    return f"{events} of {_actors(group)} on {_buckets(group)}{span}"


def _actors(group: ChangeGroup) -> str:
    names = dict.fromkeys(filter(None, (group.before.actor, group.after.actor)))
    return " -> ".join(names)


def _buckets(group: ChangeGroup) -> str:
    names = sorted(group.buckets, key=lambda name: (-group.buckets[name], name))
    more = len(names) - _BUCKETS_SHOWN
    return ", ".join(names[:_BUCKETS_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _effect_text(effect: Effect, other: Effect) -> str:
    return f"{effect.text}  as {effect.actor}" if other.actor and effect.actor != other.actor and effect.actor else effect.text


def _group_json(group: ChangeGroup, diff: PolicyDiff, key: HashKey) -> dict[str, Any]:
    return {
        "kinds": [kind.value for kind in group.kinds],
        "events": group.count,
        "before": _effect_json(group.before),
        "after": _effect_json(group.after),
        "buckets": group.buckets,
        "first": group.first.isoformat() if group.first else None,
        "last": group.last.isoformat() if group.last else None,
        "example": group.example.where,
        "messages": {name: {"before": old, "after": new} for name, (old, new) in messages_of(group, diff, key).items()},
    }


def _effect_json(effect: Effect) -> dict[str, Any] | None:
    if not effect.selected:
        return None
    return {
        "class": effect.actor,
        "channels": [{"channel": name, "level": level, "severity": severity} for name, level, severity in effect.requests],
        "quieted_by": [{"how": how, "rule": rule} for how, rule in effect.quieted_by],
    }


# --- Markdown -----------------------------------------------------------------------------------------------------------------


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line. `@` is escaped so that nobody is notified."""
    return _MARKDOWN.sub(lambda match: f"&#{ord(match[1])};", harmless(text))


def _row(group: ChangeGroup) -> str:
    cells = (
        f"**{_escaped(_kinds(group))}**",
        f"{group.count:,}",
        _escaped(f"{_actors(group)} on {_buckets(group)}"),
        _escaped(_effect_text(group.before, group.after)),
        _escaped(_effect_text(group.after, group.before)),
    )
    return f"| {' | '.join(cells)} |\n"


def _detail(group: ChangeGroup, diff: PolicyDiff, key: HashKey) -> str:
    """The messages of a change, folded away. They stand in code blocks whose fence is longer than any in them."""
    blocks = []
    for name, sides in messages_of(group, diff, key).items():
        for word, payload in zip(("before", "after"), sides, strict=True):
            text = preview(payload, _WIDTH) if payload else "no message"
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
            blocks.append(f"{_escaped(f'#{name}')} {word}\n\n{fence}text\n{text}\n{fence}\n")
    if not blocks:
        return ""
    head = f"{_escaped(_kinds(group))}: {_escaped(_head(group))}"
    return f"\n<details><summary>{head}</summary>\n\n{''.join(blocks)}</details>\n"


def _shown(payload: Mapping[str, Any] | None) -> str | None:
    return None if payload is None else preview(payload, _WIDTH)
