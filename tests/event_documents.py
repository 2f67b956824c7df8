"""Random documents whose fields have the shapes that the linter knows, and expressions over these fields."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from engine.lint import forms
from engine.lint.fields import S3_EVENT, FieldShape

_TEXTS: Final = ("", "a", "b", "nightly", "Boto3/1.34", "exports/2026/a.csv", "true", "1", "日本", "payments")
_OF_FORM: Final = {
    forms.ACCOUNT: ("111122223333", "444455556666", "anonymous"),
    forms.ADDRESS: ("192.0.2.1", "10.1.2.3", "2001:db8::1"),
    forms.ARN: ("arn:aws:s3:::payments", "arn:aws:iam::111122223333:role/nightly"),
    forms.BUCKET: ("payments", "payments-prod", "ledger", "a.b"),
    forms.CALLER_ARN: ("arn:aws:sts::111122223333:assumed-role/nightly/1", "arn:aws:iam::111122223333:user/ann"),
    forms.REGION: ("eu-west-1", "us-east-1", "ap-northeast-1"),
    forms.ROLE: ("nightly", "payments-nightly", "AWSReservedSSO_Analyst_1"),
    forms.SENDER: ("192.0.2.1", "AWS Internal", "s3.amazonaws.com"),
    forms.SOURCE: ("s3.amazonaws.com", "s3express.amazonaws.com"),
}

_scalars = st.one_of(st.none(), st.booleans(), st.sampled_from((0, 1, -1, 2.5, 10)), st.sampled_from(_TEXTS))
_anything = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(("a", "b", "ARN")), inner, max_size=2)),
    max_leaves=4,
)


def of_shape(shape: FieldShape) -> st.SearchStrategy[Any]:
    """Values of a shape."""
    kinds: list[st.SearchStrategy[Any]] = [] if shape.always else [st.none()]
    if "string" in shape.types:
        texts = sorted(shape.values) if shape.values is not None else _OF_FORM.get(shape.form, _TEXTS) if shape.form else _TEXTS
        kinds.append(st.sampled_from(texts))
    if "boolean" in shape.types:
        kinds.append(st.booleans())
    if "number" in shape.types:
        kinds.append(st.sampled_from((0, 1, 1000, 2.5)))
    if "array" in shape.types:
        kinds.append(st.lists(_anything if shape.elements is None else of_shape(shape.elements), max_size=3))
    if "object" in shape.types:
        kinds.append(_object(shape))
    return st.one_of(kinds)


def _object(shape: FieldShape) -> st.SearchStrategy[Any]:
    if shape.fields is None:
        return st.dictionaries(st.sampled_from(("a", "b")), _anything, max_size=2)
    needed = {name: of_shape(inner) for name, inner in shape.fields.items() if inner.always}
    other = {name: of_shape(inner) for name, inner in shape.fields.items() if not inner.always}
    return st.fixed_dictionaries(needed, optional=other)


documents = of_shape(S3_EVENT.shape)

PATHS: Final = (
    *("bucket", "key", "copy.bucket", "actor.role", "actor.account", "actor.type", "actor.cross_account", "source.ip"),
    *("source.kind", "source.private", "access.denied", "access.kind", "eventName", "readOnly", "errorCode", "awsRegion"),
    *("userIdentity.arn", "userIdentity.type", "userAgent", "recipientAccountId", "sourceIPAddress", "resources"),
    *("resources[0].ARN", "resources[].accountId", "resources[].type", 'requestParameters."max-keys"', "tlsDetails.tlsVersion"),
    *("additionalEventData.bytesTransferredOut", "sessionCredentialFromConsole", "userIdentity.sessionContext.attributes"),
)  # fmt: skip
LITERALS: Final = (
    *("'payments'", "'Payments'", "'payments-*'", "'nightly'", "'arn:aws:iam::111122223333:role/x'", "'111122223333'", "'1111'"),
    *("'GetObject'", "'GetObjects'", "'read'", "'reads'", "'ipv4'", "'eu-west-1'", "'eu-west-9'", "'10.0.0.0/8'", "'192.0.2.1'"),
    *("'true'", "''", "'AssumedRole'", "`true`", "`false`", "`null`", "`1`", "`0`", "`[]`"),
    *('`["payments"]`', "['a', 'payments']"),
)  # fmt: skip
PATTERNS: Final = (
    *("glob({0}, 'p*')", "glob({0}, '*')", "glob({0}, 'P*')", "glob({0}, '{{a,b}}*')", "regex({0}, '^Get')", "regex({0}, 'a|b')"),
    *("regex({0}, '')", "regex({0}, '^.*$')", "regex({0}, '(?i)P')", "cidr({0}, '10.0.0.0/8')", "cidr({0}, '0.0.0.0/0')"),
    *("starts_with({0}, 'p')", "ends_with({0}, '')", "contains({0}, 'a')", "contains({0}, '/')"),
    *("contains(['payments', 'a'], {0})", "contains(['read', 'GetObject', 'Nope'], {0})"),
    *("contains(['111122223333'], {0})", "glob(lower({0}), 'p*')"),
)  # fmt: skip

paths = st.sampled_from(PATHS)
literals = st.sampled_from(LITERALS)
operands = st.one_of(
    paths,
    paths,
    literals,
    paths.map(lambda path: f"lower({path})"),
    paths.map(lambda path: f"length({path})"),
    paths.map(lambda path: f"to_string({path})"),
    paths.map(lambda path: f"not_null({path}, 'none')"),
    st.tuples(paths, paths).map(lambda two: f"({two[0]} || {two[1]})"),
    st.tuples(paths, literals).map(lambda two: f"({two[0]} || {two[1]})"),
    st.tuples(paths, paths).map(lambda two: f"({two[0]} && {two[1]})"),
    paths.map(lambda path: f"{path}[0]"),
    paths.map(lambda path: f"{path}[*].a"),
    paths.map(lambda path: f"max({path})"),
    paths.map(lambda path: f"[{path}, bucket]"),
    paths.map(lambda path: f"({path} | type(@))"),
)
tests = st.one_of(
    st.tuples(operands, st.sampled_from(("==", "!=", "==", "!=", "<", ">=")), operands).map(" ".join),
    st.tuples(st.sampled_from(PATTERNS), operands).map(lambda two: two[0].format(two[1])),
    paths,
)
conditions = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("&&", "||")), inner).map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"),
        inner.map(lambda one: f"!({one})"),
        st.tuples(paths, inner).map(lambda two: f"length(resources[?{two[1]}]) > `0`"),
    ),
    max_leaves=4,
)

_of_path = st.sampled_from(
    (*PATTERNS[:10], "{0} == 'payments'", "{0} == 'nightly'", "{0} != 'payments'", "{0} == `null`", "{0} != `null`")
)
related = st.tuples(
    st.sampled_from(("bucket", "actor.role", "key", "userAgent")),
    st.lists(st.tuples(_of_path, st.booleans()), min_size=2, max_size=3),
).map(lambda drawn: [f"{'!' * negated}({test.format(drawn[0])})" for test, negated in drawn[1]])
"""Several conditions on one field."""
