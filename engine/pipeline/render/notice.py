"""Messages about Trailbell itself: a test of a channel, and what was muted. They hold nothing of any event."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from engine.model import ActivePolicySet, Channel, Language, Message, PolicySet, Severity
from engine.pipeline.render.body import body
from engine.pipeline.render.escape import harmless
from engine.pipeline.render.languages import WORDS
from engine.pipeline.render.layout import Content
from engine.pipeline.render.marks import NOTICE
from engine.pipeline.render.parts import Part, Style, own, sentence
from engine.policy.changes import QuieterChange

MOST_LISTED: Final = 20
"""Rules that a notice lists."""

CHANGES_MOST: Final = 8
"""Changes that make a set quieter and that a notice lists."""

_RULE_MAX_LENGTH: Final = 80
_DETAIL_MAX_LENGTH: Final = 160

SOON: Final = timedelta(days=7)
"""A silence that ends within this time is about to end."""


class _Texts(NamedTuple):
    """One language. Names in braces are filled by `str.format`."""

    test: str
    arrived: str
    says: str
    muted: str
    none: str
    times: str
    never: str
    ends: str
    ended: str
    further: str
    changed: str
    quieter: str
    published: str
    publisher: str
    sign: str
    refused: str
    none_left: str
    before: str
    since: str
    why: str
    stays: str
    rings: str
    void: str
    which: str
    mend: str
    how: str


_TEXTS: Final[Mapping[Language, _Texts]] = {
    Language.EN: _Texts(
        test="Test of the channel {channel}",
        arrived="It works",
        says="Trailbell posts its messages here. This one is a manual test; it is not about an event.",
        muted="What was muted on {day} (UTC)",
        none="nothing was muted or silenced",
        times="{count} events: {reason}",
        never="Not used that day",
        ends="Silences that end soon",
        ended="Silences that have ended and can be deleted",
        further="and {count} more",
        changed="The policies changed",
        quieter="The policies changed and are quieter",
        published="Published",
        publisher="{time}, by {publisher} in their own words; {sign}",
        sign="CloudTrail's Sign events of the key name who signed",
        refused="A policy set was refused",
        none_left="No policy set could be read",
        before="Before",
        since="Now",
        why="Why",
        stays="Still active",
        rings="Every event rings here, strictly masked, until a set can be read",
        void="Mutes and silences that do nothing any more",
        which="They do not name their callers by what AWS verified, so what they kept away rings",
        mend="To mend them",
        how="trailbell lint --engine says what would pin each",
    ),
    Language.JA: _Texts(
        test="チャンネル {channel} のテスト",
        arrived="届きました",
        says="Trailbell の通知はここに届きます。これは手動で送信したテストで、イベントの通知ではありません。",
        muted="{day}（UTC）にミュートされたもの",
        none="ミュートもサイレンスもありませんでした",
        times="{count} 件、{reason}",
        never="この日は一度も使われていないもの",
        ends="まもなく終わるサイレンス",
        ended="終了し、削除できるサイレンス",
        further="ほか {count} 件",
        changed="ポリシーが変わりました",
        quieter="ポリシーが変わり、通知が減ります",
        published="公開",
        publisher="{time}、公開者の申告では {publisher}。{sign}",
        sign="署名者は CloudTrail に残る鍵の Sign イベントで確認できます",
        refused="ポリシーセットを拒否しました",
        none_left="使えるポリシーセットがありません",
        before="変更前",
        since="変更後",
        why="理由",
        stays="引き続き有効なもの",
        rings="読み込めるようになるまで、すべてのイベントをここに厳しくマスクして通知します",
        void="効かなくなったミュートとサイレンス",
        which="AWS が確認した値で呼び出し元を特定していないため、止めていたイベントも通知されます",
        mend="直し方",
        how="trailbell lint --engine が、追加すべき条件を示します",
    ),
}


class _Rule(NamedTuple):
    """A mute or a silence, by `policy/id`; `until` None: it stands; `start` None: it has begun."""

    name: str
    reason: str
    until: datetime | None = None
    start: datetime | None = None


def trial_notice(channel: Channel, revision: str) -> Message:
    """A message that says of itself that it is a test."""
    texts = _TEXTS[channel.language]
    lines = ((texts.arrived, texts.says),)
    return _message(channel, texts.test.format(channel=channel.name), lines, revision)


def muted_notice(counts: Mapping[str, int], policies: PolicySet, channel: Channel, day: date, now: datetime) -> Message:
    """What each mute and silence did on a day (`counts` by `policy/id`), which silences end soon, which rules did nothing."""
    texts = _TEXTS[channel.language]
    rules = {rule.name: rule for rule in _rules(policies)}
    lines = (*_fired(counts, rules, texts), *_quiet(counts, rules, texts, now))
    return _message(channel, texts.muted.format(day=day.isoformat()), lines, policies.revision)


def changed_notice(
    channel: Channel, before: PolicySet | None, active: ActivePolicySet, changes: Sequence[QuieterChange] = ()
) -> Message:
    """That another policy set is active; `before` None: it is not known which one was. `changes` is what makes it quieter."""
    texts = _TEXTS[channel.language]
    after, time = active.policies, f"{active.published:%Y-%m-%d %H:%M:%S} UTC"
    published = texts.publisher.format(time=time, publisher=active.publisher, sign=texts.sign)
    lines = [
        *([(texts.before, _named(before))] if before is not None else ()),
        (texts.since, _named(after)),
        (texts.published, published if active.publisher is not None else f"{time}; {texts.sign}"),
        *((harmless(f"{mark} {rule}", _RULE_MAX_LENGTH), harmless(detail, _DETAIL_MAX_LENGTH)) for mark, rule, detail in changes),
    ]
    shown = lines[: len(lines) - max(len(changes) - CHANGES_MOST, 0)]
    if len(shown) < len(lines):
        shown.append(("…", texts.further.format(count=len(lines) - len(shown))))
    return _message(channel, texts.quieter if changes else texts.changed, tuple(shown), after.revision)


def refused_notice(channel: Channel, reason: str, policies: PolicySet, *, emergency: bool = False) -> Message:
    """That a policy set did not prove good, and which is in force instead; `emergency`: none is, and everything rings."""
    texts = _TEXTS[channel.language]
    title = texts.none_left if emergency else texts.refused
    stays = texts.rings if emergency else _named(policies)
    return _message(channel, title, ((texts.why, reason), (texts.stays, stays)), policies.revision, Severity.WARNING)


def void_notice(channel: Channel, rules: Sequence[str], policies: PolicySet) -> Message:
    """That these mutes and silences (as `policy/id`) of the active set are not allowed, and so are void."""
    texts = _TEXTS[channel.language]
    more = (("…", texts.further.format(count=len(rules) - MOST_LISTED)),) if len(rules) > MOST_LISTED else ()
    lines = ((texts.which, ", ".join(rules[:MOST_LISTED])), *more, (texts.mend, texts.how))
    return _message(channel, texts.void, lines, policies.revision, Severity.WARNING)


def _named(policies: PolicySet) -> str:
    return f"{policies.revision} (commit {policies.commit[:12]})" if policies.commit else policies.revision


def _rules(policies: PolicySet) -> Iterator[_Rule]:
    for policy in policies.policies:
        yield from (_Rule(f"{policy.name}/{route.id}", route.mute) for route in policy.routes if route.mute is not None)
        for silence in policy.silences:
            yield _Rule(f"{policy.name}/{silence.id}", silence.reason, silence.until, silence.start)


def _fired(counts: Mapping[str, int], rules: Mapping[str, _Rule], texts: _Texts) -> Iterator[tuple[str, str]]:
    """Each rule that muted or silenced, the most frequent first. A rule that no longer exists is listed without its reason."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for name, count in ordered[:MOST_LISTED]:
        reason = rules[name].reason if name in rules else "?"
        yield name, texts.times.format(count=f"{count:,}", reason=reason)
    if len(ordered) > MOST_LISTED:
        yield "…", texts.further.format(count=len(ordered) - MOST_LISTED)
    if not ordered:
        yield "0", texts.none


def _quiet(counts: Mapping[str, int], rules: Mapping[str, _Rule], texts: _Texts, now: datetime) -> Iterator[tuple[str, str]]:
    ended = [rule for rule in rules.values() if rule.until is not None and rule.until <= now]
    soon = [rule for rule in rules.values() if rule.until is not None and now < rule.until <= now + SOON]
    begun = [rule for rule in rules.values() if rule.start is None or rule.start <= now]
    idle = [rule for rule in begun if rule.name not in counts and rule not in ended]
    for label, listed in ((texts.ends, soon), (texts.ended, ended), (texts.never, idle)):
        if listed:
            yield label, ", ".join(_dated(rule) for rule in listed[:MOST_LISTED])
            if len(listed) > MOST_LISTED:
                yield "…", texts.further.format(count=len(listed) - MOST_LISTED)


def _dated(rule: _Rule) -> str:
    return rule.name if rule.until is None else f"{rule.name} ({rule.until:%Y-%m-%d %H:%M} UTC)"


def _message(
    channel: Channel, title: str, lines: tuple[tuple[str, str], ...], revision: str, severity: Severity = Severity.INFO
) -> Message:
    words = WORDS[channel.language]
    content = Content(
        mark=NOTICE,
        headline=sentence("{title}", {"title": own(title, Style.BOLD)}),
        bullets=tuple((own(label, Style.BOLD), Part(words.colon), own(text)) for label, text in lines),
        footer=() if any(revision in text for _, text in lines) else (revision.removeprefix("sha256:"),),
        severity=severity,
    )
    return Message(channel.name, body(content, channel), ())
