"""Files that were found sound, to one immutable policy set."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from engine.model import (
    OPEN,
    UNKNOWN,
    ActorClass,
    AuditRule,
    Channel,
    Default,
    Detail,
    DigestRule,
    Evidence,
    Field,
    Kind,
    Language,
    Level,
    LocalizedText,
    Operator,
    Policy,
    PolicySet,
    Route,
    Selection,
    Selects,
    Severity,
    Silence,
    Strength,
    WebhookRef,
    Window,
)
from engine.policy.levels import with_inherited
from engine.policy.matchers import MatcherFactory, from_source
from engine.policy.revision import revision

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo

    from engine.model import VoidFor

_FEWEST_LITERALS: Final = 3
"""Characters that each pattern of a `buckets` scope demands, for its policy to take the default's place.

A bucket's name has as many at least. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_File = "Mapping[str, Any]"


def compile_set(
    files: Sequence[tuple[str, Mapping[str, Any]]], commit: str | None = None, factory: MatcherFactory | None = None
) -> PolicySet:
    """A policy set out of (path, content) in path order, those of a base last. The content must have passed all load checks.

    Without a `factory` every expression is parsed. Where several files have a `default`, the first one holds, which is the set's
    own; the decisions of all of them take the default's place, so that a base's file means the same behind another default.
    """
    factory = factory or from_source()
    contents = [content for _, content in files]
    account_names: Mapping[str, str] = next(
        (content["account_names"] for content in contents if content.get("account_names")), {}
    )
    levels = _levels(contents, account_names)
    by_name = {level.name: level for level in levels}
    actors = [_actor(one, factory) for one in actors_in_order(contents)]
    void_for = factory.void_for(contents)
    known = tuple(actor for actor in actors if actor.name != UNKNOWN)
    evidence = in_order((actor, evidence) for actor in known for evidence in actor.evidence)
    return PolicySet(
        revision=revision(contents),
        commit=commit,
        policies=tuple(_limited(_policy(path, content, by_name, account_names, factory), void_for) for path, content in files),
        actors=known,
        unknown=next((actor for actor in actors if actor.name == UNKNOWN), ActorClass(UNKNOWN, Kind.UNKNOWN)),
        evidence=evidence,
        levels=levels,
        channels=MappingProxyType({one["name"]: _channel(one, by_name) for one in _parts(contents, "channels")}),
        default=_default(contents, by_name),
        selection=_selection(next((content["events"] for content in contents if content.get("events")), {})),
        audit=_audit(next((content["audit"] for content in contents if content.get("audit")), {"masking": OPEN}), by_name),
        first=factory.first([one.matcher.expressions for _, one in evidence]),
    )


def _parts(contents: Sequence[Mapping[str, Any]], section: str) -> Iterator[Mapping[str, Any]]:
    return (one for content in contents for one in content.get(section, ()))


def actors_in_order(contents: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The classes of all files in the order in which they are asked: those that say `before` or `after` beside that class."""
    every = list(_parts(contents, "actors"))
    ordered = [actor for actor in every if not {"before", "after"} & actor.keys()]
    behind: dict[str, str] = {}
    for actor in every:
        if "before" in actor:
            ordered.insert(_place(ordered, actor["before"]), actor)
        elif "after" in actor:
            ordered.insert(_place(ordered, behind.get(actor["after"], actor["after"])) + 1, actor)
            behind[actor["after"]] = actor["class"]
    return ordered


def _place(actors: Sequence[Mapping[str, Any]], name: str) -> int:
    return next(place for place, actor in enumerate(actors) if actor["class"] == name)


def _levels(contents: Sequence[Mapping[str, Any]], account_names: Mapping[str, str]) -> tuple[Level, ...]:
    built_in = Level(OPEN, 0, MappingProxyType(dict.fromkeys(Field, Operator.KEEP)))
    names = MappingProxyType(dict(account_names))
    return (built_in, *(_level(one, rank, names) for rank, one in enumerate(_parts(contents, "masking"), 1)))


def _level(one: Mapping[str, Any], rank: int, account_names: Mapping[str, str]) -> Level:
    operators = {Field(name): Operator(value) for name, value in one["fields"].items()}
    return Level(one["level"], rank, MappingProxyType(with_inherited(operators)), account_names)


def expressions(when: str | Sequence[str]) -> tuple[str, ...]:
    """A `when`: the expressions that must all hold."""
    return (when,) if isinstance(when, str) else tuple(when)


def localized(text: str | Mapping[str, str]) -> LocalizedText:
    """A text of a policy: in English only, or by language."""
    return LocalizedText(text) if isinstance(text, str) else LocalizedText(**text)


def evidence_rank(*, never_mute: bool, strength: str) -> int:
    """When evidence is asked: 0 of a class with `never_mute`, 1 where it is attested, 2 where it is claimed; the lowest first.

    So a claim makes an event louder, never quieter: it overrules nothing that AWS vouches for, except towards `never_mute`.
    """
    if never_mute:
        return 0
    return 1 if strength == Strength.ATTESTED else 2


def in_order(evidence: Iterable[tuple[ActorClass, Evidence]]) -> tuple[tuple[ActorClass, Evidence], ...]:
    """Evidence in the order in which it is asked; of one rank, in the order of the classes."""
    return tuple(sorted(evidence, key=lambda one: evidence_rank(never_mute=one[0].never_mute, strength=one[1].strength)))


def _actor(one: Mapping[str, Any], factory: MatcherFactory) -> ActorClass:
    evidence = tuple(
        Evidence(sign["id"], localized(sign["says"]), Strength(sign["strength"]), factory.matcher(expressions(sign["when"])))
        for sign in one.get("evidence", ())
    )
    return ActorClass(
        name=one["class"],
        kind=Kind(one.get("kind", UNKNOWN)),
        emoji=one.get("emoji"),
        title=localized(one["title"]) if "title" in one else None,
        never_mute=one.get("never_mute", False),
        evidence=evidence,
    )


def _channel(one: Mapping[str, Any], levels: Mapping[str, Level]) -> Channel:
    digest, fields = one.get("digest"), one.get("fields")
    return Channel(
        name=one["name"],
        webhook=WebhookRef(**one["webhook"]),
        masking_floor=levels[one.get("masking_floor", "standard")],
        timezone=_zone(one.get("timezone")),
        language=Language(one.get("language", Language.EN)),
        digest=DigestRule(digest["after"], tuple(map(Field, digest["by"]))) if digest else None,
        fallback=one.get("fallback"),
        fields=tuple(map(Field, fields)) if fields else None,
    )


def _zone(name: str | None) -> tzinfo:
    if name is None or name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415  2 ms, which a set in UTC does without

    return ZoneInfo(name)


def _default(contents: Sequence[Mapping[str, Any]], levels: Mapping[str, Level]) -> Default:
    holder = next(content for content in contents if "default" in content)
    return Default(holder["name"], tuple(holder["default"]["notify"]), levels[holder["default"]["masking"]])


def _selection(one: Mapping[str, Any]) -> Selection:
    names = one.get("names")
    return Selection(Selects(one.get("select", Selects.S3_DATA)), frozenset(names) if names else None)


def _audit(one: Mapping[str, Any], levels: Mapping[str, Level]) -> AuditRule:
    return AuditRule(levels[one["masking"]], one.get("event", True))


def _policy(
    path: str, one: Mapping[str, Any], levels: Mapping[str, Level], account_names: Mapping[str, str], factory: MatcherFactory
) -> Policy:
    ids = {alias: account for account, alias in account_names.items()}
    buckets, accounts = one.get("buckets"), one.get("accounts")
    return Policy(
        name=one["name"],
        owner=one["owner"],
        path=path,
        description=one.get("description", ""),
        buckets=tuple(buckets) if buckets else None,
        accounts=frozenset(ids.get(account, account) for account in accounts) if accounts else None,
        anchored=bool(buckets) and all(_literals(bucket) >= _FEWEST_LITERALS for bucket in buckets or ()),
        holds_default="default" in one,
        masking_floor=levels[one["masking_floor"]] if "masking_floor" in one else None,
        routes=tuple(_route(route, levels, factory) for route in one.get("routes", ())),
        silences=tuple(_silence(silence, factory) for silence in one.get("silences", ())),
    )


def _limited(policy: Policy, void_for: VoidFor) -> Policy:
    """A policy whose mutes and silences know what makes them void."""
    name = policy.name
    return policy._replace(
        routes=tuple(
            route._replace(void_for=void_for[name, "routes", route.id]) if route.mute is not None else route
            for route in policy.routes
        ),
        silences=tuple(silence._replace(void_for=void_for[name, "silences", silence.id]) for silence in policy.silences),
    )


def _literals(pattern: str) -> int:
    """How many characters of a glob stand for themselves."""
    return len(pattern) - pattern.count("*") - pattern.count("?")


def _route(one: Mapping[str, Any], levels: Mapping[str, Level], factory: MatcherFactory) -> Route:
    return Route(
        id=one["id"],
        matcher=factory.matcher(expressions(one["when"])) if "when" in one else None,
        notify=tuple(one.get("notify", ())),
        mute=one.get("mute"),
        level=levels[one["masking"]] if "masking" in one else None,
        severity=Severity(one.get("severity", Severity.WARNING)),
        continues=one.get("continue", False),
        title=localized(one["title"]) if "title" in one else None,
        runbook=one.get("runbook"),
        during=_window(one["during"]) if "during" in one else None,
        detail=Detail(one.get("detail", Detail.SHORT)),
    )


def _silence(one: Mapping[str, Any], factory: MatcherFactory) -> Silence:
    channels = one.get("channels")
    until = datetime.fromisoformat(one["until"])
    when = factory.matcher(expressions(one["when"]))
    return Silence(one["id"], when, until, one["reason"], frozenset(channels) if channels else None)


def _window(one: Mapping[str, Any]) -> Window:
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in one["hours"].split("-"))
    days = frozenset(day for part in one.get("days", ("mon-sun",)) for day in _days(part))
    return Window(days, start, end, _zone(one["timezone"]))


def _days(part: str) -> Iterator[int]:
    """`fri-mon` runs over the week's end."""
    first, _, last = part.partition("-")
    start, end = _DAYS.index(first), _DAYS.index(last or first)
    return (day % 7 for day in range(start, end + 1 + (7 if end < start else 0)))
