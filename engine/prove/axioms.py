"""What is taken for granted of every event: what CloudTrail writes, and how facts are derived from fields.

Each holds of thousands of published records, and a test says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.pipeline.facts import USERS
from engine.pipeline.facts.target import COPIES, POINT_ALIASES
from engine.prove.paths import (
    ACCOUNT,
    ARN,
    BUCKET,
    BUCKET_NAME,
    COPY_BUCKET,
    COPY_KEY,
    COPY_SOURCE,
    EVENT_NAME,
    FACT_TEXTS,
    KEY,
    NAME,
    REQUEST_KEY,
    ROLE,
    SERVICE,
    SESSION,
    TYPE,
    USER,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from engine.prove.circuit import Circuit, Literal
    from engine.prove.fields import Fields, TextField

_TWELVE_DIGITS: Final = "^[0-9]{12}$"
_ROLE_ARN: Final = r"^arn:[a-z-]+:sts::[0-9]{12}:assumed-role/[^/]+/[^/]+$"
_ROLE_NAME: Final = r"^[A-Za-z0-9_+=,.@:-]+$"
"""Roles of AWS itself have a colon, as `aws:ec2-instance`.
Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html (instance identity roles)"""
_SESSION_NAME: Final = r"^[A-Za-z0-9_+=,.@-]+$"
"""Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (RoleSessionName)"""
_ANY_ROLE_ARN: Final = r"^[^:]*:[^:]*:[^:]*:[^:]*:[^:]*:assumed-role/"


def axioms_of(fields: Fields, field: TextField) -> Iterator[Literal]:
    """What a field or a fact has to do with others."""
    if field.path in _AXIOMS:
        yield from _AXIOMS[field.path](fields, field)
    if field.path in FACT_TEXTS:
        yield fields.circuit.any_of([field.null, -field.equals("")])


def _implies(circuit: Circuit, one: Literal, other: Literal) -> Literal:
    return circuit.any_of([-one, other])


def _of_account(fields: Fields, field: TextField) -> Iterator[Literal]:
    digits = field.asks("regex", _TWELVE_DIGITS)
    of_account = fields.text(TYPE).equals("AssumedRole", "IAMUser", "Root")
    yield _implies(fields.circuit, of_account, fields.circuit.all_of([field.text, digits]))


def _of_role(fields: Fields, field: TextField) -> Iterator[Literal]:
    yield fields.circuit.same(field.null, -fields.text(TYPE).equals("AssumedRole"))
    named = field.asks("regex", _ROLE_NAME if field.path == ROLE else _SESSION_NAME)
    yield _implies(fields.circuit, field.text, named)


def _of_arn(fields: Fields, field: TextField) -> Iterator[Literal]:
    is_role = fields.text(TYPE).equals("AssumedRole")
    whole, begun = (field.asks("regex", form) for form in (_ROLE_ARN, _ANY_ROLE_ARN))
    yield _implies(fields.circuit, fields.circuit.all_of([field.text, is_role]), whole)
    yield _implies(fields.circuit, fields.circuit.all_of([field.text, -is_role]), -begun)


def _of_name(fields: Fields, field: TextField) -> Iterator[Literal]:
    """The name is the user's, the session's or the service's, the first that there is; a user's ARN may say it, too."""
    is_user = fields.text(TYPE).equals(*USERS)
    nobody: list[Literal] = []
    for path in (USER, SESSION, SERVICE):
        other = fields.text(path)
        empty = fields.circuit.any_of([-other.text, other.equals("")])
        yield _implies(fields.circuit, fields.circuit.all_of([*nobody, -empty]), fields.same_text(NAME, path))
        yield _implies(fields.circuit, field.null, empty)
        nobody += [empty, -is_user] if path == USER else [empty]
    yield _implies(fields.circuit, fields.circuit.all_of(nobody), field.null)


def _of_bucket_name(fields: Fields, field: TextField) -> Iterator[Literal]:
    """The request names the bucket, unless it names an access point (`facts.target.names_bucket`)."""
    refused = [field.asks("suffix", alias) for alias in POINT_ALIASES]
    refused.append(field.asks("prefix", "arn:"))
    names = fields.circuit.all_of([field.text, -field.equals(""), *(-literal for literal in refused)])
    yield _implies(fields.circuit, names, -fields.text(BUCKET).null)
    yield _implies(fields.circuit, names, fields.same_text(BUCKET_NAME, BUCKET))


def _of_request_key(fields: Fields, field: TextField) -> Iterator[Literal]:
    given = fields.circuit.all_of([field.text, -field.equals("")])
    yield _implies(fields.circuit, given, -fields.text(KEY).null)
    yield _implies(fields.circuit, given, fields.same_text(REQUEST_KEY, KEY))


def _of_copy(fields: Fields, field: TextField) -> Iterator[Literal]:
    copies = fields.circuit.any_of([-fields.text(COPY_SOURCE).null, fields.text(EVENT_NAME).equals(*COPIES)])
    yield fields.circuit.same(field.null, -copies)


def _of_copy_source(fields: Fields, _: TextField) -> Iterable[Literal]:
    fields.text(COPY_BUCKET)
    return ()


def _of_copy_key(fields: Fields, field: TextField) -> Iterator[Literal]:
    yield _implies(fields.circuit, -field.null, -fields.text(COPY_BUCKET).null)


_AXIOMS: Final[Mapping[tuple[str, ...], Callable[[Fields, TextField], Iterable[Literal]]]] = {
    ACCOUNT: _of_account,
    ROLE: _of_role,
    SESSION: _of_role,
    ARN: _of_arn,
    NAME: _of_name,
    BUCKET_NAME: _of_bucket_name,
    REQUEST_KEY: _of_request_key,
    COPY_BUCKET: _of_copy,
    COPY_SOURCE: _of_copy_source,
    COPY_KEY: _of_copy_key,
}
