"""Hypothesis strategies that several test files share, and the small functions that go with them."""

from __future__ import annotations

import json
from datetime import UTC, date, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from builders import NOW, OPEN_LEVEL, STANDARD, STRICT, actor, channel, event, policy, policy_set, route, silence
from hypothesis import strategies as st
from payload_files import EXPECTED, payload

from engine.model import ALWAYS_VOID_FOR, Default, Severity, Strength, VoidReason, Window

VOID_FOR = st.frozensets(st.sampled_from([VoidReason.ACCOUNT, VoidReason.BUCKET, VoidReason.NOT_ALLOWED])).map(
    lambda reasons: (*reasons, *ALWAYS_VOID_FOR)
)
"""What makes a mute or a silence void."""

PAYLOADS = [payload(name) for name in EXPECTED]

TEXTS = st.one_of(
    st.text(alphabet=st.characters(), max_size=20),
    st.text(alphabet=st.characters(categories=["Cs"]), max_size=3),
    st.sampled_from(
        [
            '{"Records":[',
            "[[[[" * 2000,
            '{"a":' * 2000,
            '{"eventName":1e999,"eventSource":NaN}',
            "H4sIAAAA",
            "aws:sqs",
            "ObjectCreated:Put",
            "AWS API Call via CloudTrail",
            "CloudTrail validation message.",
            *map(json.dumps, PAYLOADS),
        ]
    ),
)
NAMES = st.one_of(
    st.sampled_from(
        ["Records", "records", "body", "messageId", "eventSource", "Sns", "Message", "Type", "detail", "detail-type", "kinesis"]
    ),
    st.sampled_from(["data", "recordId", "awslogs", "logEvents", "messageType", "s3", "bucket", "object", "key", "s3ObjectKey"]),
    TEXTS,
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
JSON = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=5)), max_leaves=25
)


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: object) -> Any:
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = replaced(value[path[0]], path[1:], new)
    return copied


def depth(value: object) -> int:
    level, deep = [value], 0
    while level := [one for one in level if isinstance(one, dict | list)]:
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
        deep += 1
    return deep


# --- policy sets and events ---------------------------------------------------------------------------------------------------

PATHS = (
    *("bucket", "key", "actor.role", "userAgent", "errorCode", "access.kind", "readOnly", "odd", "odd.inner", "actor.kind"),
    *("actor", "actor.nothing", "copy", "source.private", "userIdentity.type", "requestParameters.bucketName"),
    *("copy.bucket", "actor.cross_account", "actor.strength"),
    "resources[0].ARN",
)
TEXTS = (
    "",
    "a",
    "ab",
    "payments-prod",
    "payments",
    "prod",
    "2026/11/ledger.csv",
    "ledger",
    "GetObject",
    "read",
    "person",
    "x" * 5,
)

paths = st.sampled_from(PATHS)
texts = st.sampled_from(TEXTS)
literals = st.one_of(
    texts.map(lambda text: f"'{text}'"), st.sampled_from(["`null`", "`true`", "`false`", "`0`", "`1`", "`1.0`", "`[]`", '`"ab"`'])
)
globs = st.sampled_from(["*", "payments-*", "*-prod", "*ledger*", "p?yments-prod", "payments-prod", "", "2026/*.csv", "a*b"])
atoms = st.one_of(
    st.builds(lambda path, literal: f"{path} == {literal}", paths, literals),
    st.builds(lambda path, literal: f"{literal} == {path}", paths, literals),
    st.builds(lambda path, literal: f"{path} != {literal}", paths, literals),
    st.builds(lambda path, pattern: f"glob({path}, '{pattern}')", paths, globs),
    st.builds(
        lambda name, path, text: f"{name}({path}, '{text}')",
        st.sampled_from(["starts_with", "ends_with", "contains"]),
        paths,
        texts,
    ),
    st.builds(lambda path, text: f"regex({path}, '^{text}')", paths, texts),
    st.builds(lambda path: f"contains(['payments-prod', 'ledger'], {path})", paths),
    st.builds(lambda path, name: f"in_list({path}, '{name}')", paths, st.sampled_from(["few", "many"])),
    st.sampled_from(["holds('of-few')", "holds('either')", "in_list(lower(actor.role), 'many')", "in_list(odd || key, 'many')"]),
    st.builds(lambda path: f"length({path}) > `2`", paths),
    st.builds(lambda path: f"{path} > `0`", paths),
    paths,
    st.sampled_from(["`true`", "length(@) > `5`", "contains(keys(actor), 'role')", "not_null(actor, bucket) == 'ab'"]),
)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(lambda left, right: f"{left} && {right}", inner, inner),
        st.builds(lambda left, right: f"({left} || {right})", inner, inner),
        st.builds(lambda one: f"!({one})", inner),
    ),
    max_leaves=5,
)
values = st.one_of(
    texts, st.none(), st.booleans(), st.sampled_from([0, 1, 1.0, -2.5]), st.just([]), st.just(["ab"]), st.just({"inner": "ab"})
)

BUCKETS = ("payments-prod", "payments-dev", "ledger", "ab-s3alias")
sources = values | st.builds("{}{}/k".format, st.sampled_from(["", "/", "%2F"]), st.sampled_from(BUCKETS))
named_buckets = st.sampled_from([{"ARN": f"arn:aws:s3:::{name}", "accountId": "1"} for name in BUCKETS])


SUNDAY = date(2026, 11, 1).toordinal()
"""The day of the first of the times of `events`, in UTC."""
windows = st.builds(
    Window,
    st.sampled_from([frozenset({5}), frozenset({6}), frozenset(range(7))]),
    st.sampled_from([0, 600, 1320]),
    st.sampled_from([570, 1080, 1440]),
    st.sampled_from([UTC, ZoneInfo("Asia/Tokyo")]),
    st.sampled_from([None, ((SUNDAY, SUNDAY),), ((SUNDAY - 9, SUNDAY - 3), (SUNDAY + 1, SUNDAY + 5))]),
    st.sampled_from([(), ((SUNDAY, SUNDAY + 1),)]),
)


@st.composite
def routes(draw: st.DrawFn, number: int) -> Any:
    parts: dict[str, Any] = {"continues": draw(st.booleans())}
    if draw(st.integers(0, 3)) == 0:
        parts = {"mute": "a job", "void_for": draw(VOID_FOR)}
    else:
        parts["notify"] = (draw(st.sampled_from(["watch", "security", "ops"])),)
        parts["severity"] = draw(st.sampled_from(list(Severity)))
    if draw(st.integers(0, 3)) == 0:
        parts["during"] = tuple(draw(st.lists(windows, min_size=1, max_size=2)))
    return route(f"r{number}", draw(st.one_of(expressions, st.none())), **parts)


@st.composite
def sets(draw: st.DrawFn) -> Any:
    policies = []
    for number in range(draw(st.integers(1, 4))):
        buckets = draw(st.one_of(st.none(), st.lists(globs.filter(bool), min_size=1, max_size=3).map(tuple)))
        many = draw(st.sampled_from([0, 1, 3, 5, 12]))
        limits = {"void_for": draw(VOID_FOR)}
        starts = st.sampled_from([None, NOW - timedelta(hours=3), NOW + timedelta(hours=3)])
        of_silence = {"start": draw(starts), **limits}
        silences = (silence("s", draw(expressions), NOW + timedelta(days=1), **of_silence),) if draw(st.booleans()) else ()
        accounts = draw(st.sampled_from([None, None, frozenset({"111122223333"}), frozenset({"444455556666"})]))
        made = [draw(routes(one)) for one in range(many)]
        if draw(st.booleans()):  # so many on few paths that an index is worth it
            made += [route(f"m{one}", f"bucket == 'other-{one}'", notify=("ops",)) for one in range(60)]
        exclusions = tuple(draw(st.lists(globs.filter(bool), max_size=2))) if buckets else ()
        policies.append(policy(f"p{number}", *made, buckets=buckets, exclusions=exclusions, accounts=accounts, silences=silences))
    names = draw(st.lists(st.sampled_from(["some", "others", "more"]), unique=True))
    strengths = st.sampled_from(Strength)
    actors = tuple(actor(name, draw(expressions), strength=draw(strengths), never_mute=draw(st.booleans())) for name in names)
    return policy_set(*policies, actors=actors)


LEVELS = (OPEN_LEVEL, STANDARD, STRICT)


@st.composite
def levelled_sets(draw: st.DrawFn) -> Any:
    """Such sets with levels, floors, silences of some channels, routes to several ones, and a default in a file that asks."""
    some_channels = st.lists(st.sampled_from(["watch", "security", "ops"]), min_size=1, max_size=2, unique=True)
    levels = st.sampled_from(LEVELS)
    found = draw(sets())
    policies = []
    for place, one in enumerate(found.policies):
        made = tuple(
            each._replace(level=draw(st.none() | levels), notify=tuple(draw(some_channels))) if each.notify else each
            for each in one.routes[:12]
        )
        silences = tuple(each._replace(channels=draw(st.none() | some_channels.map(frozenset))) for each in one.silences)
        floor = draw(st.none() | levels)
        holds = place == 0 and draw(st.booleans())
        policies.append(one._replace(routes=made, silences=silences, masking_floor=floor, holds_default=holds))
    channels = {name: channel(name, draw(levels)) for name in ("watch", "security", "ops")}
    holder = draw(st.sampled_from(["base", "p0"]))
    default = Default(holder, tuple(draw(some_channels)), draw(levels))
    return found._replace(policies=tuple(policies), channels=MappingProxyType(channels), default=default)


events = st.fixed_dictionaries(
    {"odd": values, "userAgent": values, "errorCode": values, "readOnly": values},
    optional={
        "requestParameters": st.fixed_dictionaries(
            {"bucketName": values | st.sampled_from(BUCKETS), "key": values}, optional={"x-amz-copy-source": sources}
        ),
        "resources": st.lists(named_buckets, max_size=2),
        "eventTime": st.sampled_from(["2026-11-01T09:30:00Z", "2026-11-02T09:30:00Z", "2026-11-03T09:30:00Z", None]),
        "recipientAccountId": st.sampled_from(["111122223333", "999999999999", 7]),
    },
).map(lambda changes: event(**changes))
