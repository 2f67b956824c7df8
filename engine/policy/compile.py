"""Compiles checked policy files into one immutable policy set."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

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
    IncidentKey,
    IncidentRule,
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
from engine.policy.dates import day_ranges
from engine.policy.definitions import definitions
from engine.policy.durations import seconds_of
from engine.policy.levels import with_inherited
from engine.policy.matchers import MatcherFactory, from_source
from engine.policy.revision import revision
from engine.policy.scopes import bucket_scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo

    from engine.model import VoidFor

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_File = "Mapping[str, Any]"


def compile_set(
    files: Sequence[tuple[str, Mapping[str, Any]]], commit: str | None = None, factory: MatcherFactory | None = None
) -> PolicySet:
    """A policy set out of (path, content) in path order, those of a base last. The content must have passed all load checks.

    Without a `factory` every expression is parsed. Where several files have a `default`, the first one holds, which is the set's
    own; the decisions of all of them take the default's place, so that a base's file means the same behind another default.
    """
    contents = [content for _, content in files]
    defined = definitions(contents)
    factory = factory or from_source(defined=defined)
    account_names: Mapping[str, str] = next(
        (content["account_names"] for content in contents if content.get("account_names")), {}
    )
    levels = _levels(contents, account_names)
    by_name = {level.name: level for level in levels}
    actors = [_actor(content, factory) for content in actors_in_order(contents)]
    void_for = factory.void_for(contents)
    ids = {alias: account for account, alias in account_names.items()}
    referenced = _Referenced(by_name, ids, defined.lists, factory)
    known = tuple(actor for actor in actors if actor.name != UNKNOWN)
    evidence = in_order((actor, evidence) for actor in known for evidence in actor.evidence)
    return PolicySet(
        revision=revision(contents),
        commit=commit,
        policies=tuple(_limited(_policy(path, content, referenced), void_for) for path, content in files),
        actors=known,
        unknown=next((actor for actor in actors if actor.name == UNKNOWN), ActorClass(UNKNOWN, Kind.UNKNOWN)),
        evidence=evidence,
        levels=levels,
        channels=MappingProxyType({content["name"]: _channel(content, by_name) for content in _parts(contents, "channels")}),
        default=_default(contents, by_name),
        selection=_selection(next((content["events"] for content in contents if content.get("events")), {})),
        audit=_audit(next((content["audit"] for content in contents if content.get("audit")), {"masking": OPEN}), by_name),
        first=factory.first([item.matcher.expressions for _, item in evidence]),
        definitions=defined,
    )


def _parts(contents: Sequence[Mapping[str, Any]], section: str) -> Iterator[Mapping[str, Any]]:
    return (part for content in contents for part in content.get(section, ()))


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
    return (built_in, *(_level(content, rank, names) for rank, content in enumerate(_parts(contents, "masking"), 1)))


def _level(content: Mapping[str, Any], rank: int, account_names: Mapping[str, str]) -> Level:
    operators = {Field(name): Operator(value) for name, value in content["fields"].items()}
    return Level(content["level"], rank, MappingProxyType(with_inherited(operators)), account_names)


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
    """Evidence in the order in which it is asked; of the same rank, in the order of the classes."""
    return tuple(sorted(evidence, key=lambda pair: evidence_rank(never_mute=pair[0].never_mute, strength=pair[1].strength)))


def _actor(content: Mapping[str, Any], factory: MatcherFactory) -> ActorClass:
    evidence = tuple(
        Evidence(item["id"], localized(item["says"]), Strength(item["strength"]), factory.matcher(expressions(item["when"])))
        for item in content.get("evidence", ())
    )
    return ActorClass(
        name=content["class"],
        kind=Kind(content.get("kind", UNKNOWN)),
        emoji=content.get("emoji"),
        title=localized(content["title"]) if "title" in content else None,
        never_mute=content.get("never_mute", False),
        evidence=evidence,
    )


def _channel(content: Mapping[str, Any], levels: Mapping[str, Level]) -> Channel:
    digest, fields = content.get("digest"), content.get("fields")
    return Channel(
        name=content["name"],
        webhook=WebhookRef(sns=content["sns"]) if "sns" in content else WebhookRef(**content["webhook"]),
        masking_floor=levels[content.get("masking_floor", "standard")],
        timezone=_zone(content.get("timezone")),
        language=Language(content.get("language", Language.EN)),
        digest=DigestRule(digest["after"], tuple(map(Field, digest["by"]))) if digest else None,
        fallback=content.get("fallback"),
        fields=tuple(map(Field, fields)) if fields else None,
        incident=_incident(content["incident"]) if "incident" in content else None,
        fallback_after=float(seconds_of(content["fallback_after"])) if "fallback_after" in content else None,
        mention=MappingProxyType({Severity(name): tuple(whom) for name, whom in content.get("mention", {}).items()}),
    )


def _incident(content: Mapping[str, Any]) -> IncidentRule:
    rule = IncidentRule()
    return IncidentRule(
        by=tuple(map(_alike_in, content["by"])) if "by" in content else rule.by,
        window=float(seconds_of(content["window"])) if "window" in content else rule.window,
        after=content.get("after", rule.after),
    )


def _alike_in(name: str) -> Field | IncidentKey:
    return IncidentKey(name) if name in set(IncidentKey) else Field(name)


def _zone(name: str | None) -> tzinfo:
    if name is None or name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415  2 ms, which a set in UTC does without

    return ZoneInfo(name)


def _default(contents: Sequence[Mapping[str, Any]], levels: Mapping[str, Level]) -> Default:
    holder = next(content for content in contents if "default" in content)
    return Default(holder["name"], tuple(holder["default"]["notify"]), levels[holder["default"]["masking"]])


def _selection(content: Mapping[str, Any]) -> Selection:
    names = content.get("names")
    return Selection(Selects(content.get("select", Selects.S3_DATA)), frozenset(names) if names else None)


def _audit(content: Mapping[str, Any], levels: Mapping[str, Level]) -> AuditRule:
    return AuditRule(levels[content["masking"]], content.get("event", True))


class _Referenced(NamedTuple):
    """What the files of a set may refer to: levels by name, account ids by alias, lists; and what makes matchers."""

    levels: Mapping[str, Level]
    accounts: Mapping[str, str]
    lists: Mapping[str, frozenset[str]]
    factory: MatcherFactory


def _policy(path: str, content: Mapping[str, Any], referenced: _Referenced) -> Policy:
    accounts = content.get("accounts")
    scope = bucket_scope(content.get("buckets", ()))
    return Policy(
        name=content["name"],
        owner=content["owner"],
        path=path,
        description=content.get("description", ""),
        buckets=scope.patterns or None,
        accounts=frozenset(referenced.accounts.get(account, account) for account in accounts) if accounts else None,
        exclusions=scope.exclusions,
        anchored=scope.bounded,
        holds_default="default" in content,
        masking_floor=referenced.levels[content["masking_floor"]] if "masking_floor" in content else None,
        routes=tuple(_route(route, referenced) for route in content.get("routes", ())),
        silences=tuple(_silence(silence, referenced.factory) for silence in content.get("silences", ())),
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


def _route(content: Mapping[str, Any], referenced: _Referenced) -> Route:
    return Route(
        id=content["id"],
        matcher=referenced.factory.matcher(expressions(content["when"])) if "when" in content else None,
        notify=tuple(content.get("notify", ())),
        mute=content.get("mute"),
        level=referenced.levels[content["masking"]] if "masking" in content else None,
        severity=Severity(content.get("severity", Severity.WARNING)),
        continues=content.get("continue", False),
        title=localized(content["title"]) if "title" in content else None,
        runbook=content.get("runbook"),
        during=windows(content["during"], referenced.lists) if "during" in content else (),
        detail=Detail(content.get("detail", Detail.SHORT)),
    )


def _silence(content: Mapping[str, Any], factory: MatcherFactory) -> Silence:
    channels = content.get("channels")
    when = factory.matcher(expressions(content["when"]))
    return Silence(
        id=content["id"],
        matcher=when,
        until=_utc(content["until"]),
        reason=content["reason"],
        channels=frozenset(channels) if channels else None,
        start=_utc(content["from"]) if "from" in content else None,
    )


def _utc(time: str) -> datetime:
    return datetime.fromisoformat(time).astimezone(UTC)


def windows(during: Any, lists: Mapping[str, frozenset[str]]) -> tuple[Window, ...]:  # noqa: ANN401  a window, or several
    """The windows of a `during`. `lists` are those of the set."""
    return tuple(_window(window, lists) for window in (during if isinstance(during, list) else [during]))


def _window(content: Mapping[str, Any], lists: Mapping[str, frozenset[str]]) -> Window:
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in content.get("hours", "00:00-24:00").split("-"))
    return Window(
        days=frozenset(day for part in content.get("days", ("mon-sun",)) for day in _days(part)),
        start=start,
        end=end,
        timezone=_zone(content["timezone"]),
        dates=day_ranges(content["dates"], lists) if "dates" in content else None,
        exceptions=day_ranges(content.get("except", ()), lists),
    )


def _days(part: str) -> Iterator[int]:
    """`fri-mon` runs over the week's end."""
    first, _, last = part.partition("-")
    start, end = _DAYS.index(first), _DAYS.index(last or first)
    return (day % 7 for day in range(start, end + 1 + (7 if end < start else 0)))
