"""Hypothesis strategies that several test files share, and the small functions that go with them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from payload_files import EXPECTED, payload

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
