"""How events are masked: the fields of a message, the operators that suit them, levels, the key of pseudonyms."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from engine.model.safe_repr import repr_only


class Operator(StrEnum):
    """How one field is masked; `OPERATOR_RANK` orders them by strictness."""

    KEEP = "keep"
    NETWORK = "network"
    LAST4 = "last4"
    MASK = "mask"
    HASH = "hash"
    DROP = "drop"


OPERATOR_RANK: Final[Mapping[Operator, int]] = {
    Operator.KEEP: 0,
    Operator.NETWORK: 1,
    Operator.LAST4: 1,
    Operator.MASK: 1,
    Operator.HASH: 2,
    Operator.DROP: 3,
}


class Field(StrEnum):
    """The message fields, in the order in which a message shows them."""

    TIME = "time"
    EVENT = "event"
    BUCKET = "bucket"
    KEY = "key"
    COPY_SOURCE = "copy_source"
    SIZE = "size"
    REGION = "region"
    SOURCE_IP = "source_ip"
    USER_AGENT = "user_agent"
    CLIENT = "client"
    CLASS = "class"
    EVIDENCE = "evidence"
    ACTOR_TYPE = "actor_type"
    NAME = "name"
    ROLE = "role"
    SESSION = "session"
    ARN = "arn"
    PRINCIPAL = "principal"
    ACCOUNT = "account"
    ACCESS_KEY = "access_key"
    MFA = "mfa"
    ERROR_CODE = "error_code"
    ERROR_MESSAGE = "error_message"
    EVENT_ID = "event_id"
    REQUEST_ID = "request_id"


_PLAIN = frozenset({Operator.KEEP, Operator.DROP})
_OPAQUE = _PLAIN | {Operator.HASH}
_NAMED = _OPAQUE | {Operator.MASK}

FIELD_OPERATORS: Final[Mapping[Field, frozenset[Operator]]] = {
    Field.TIME: _PLAIN,
    Field.EVENT: _PLAIN,
    Field.BUCKET: _NAMED,
    Field.KEY: _NAMED,
    Field.COPY_SOURCE: _NAMED,
    Field.SIZE: _PLAIN,
    Field.REGION: _PLAIN,
    Field.SOURCE_IP: _NAMED | {Operator.NETWORK},
    Field.USER_AGENT: _NAMED,
    Field.CLIENT: _NAMED,
    Field.CLASS: _PLAIN,
    Field.EVIDENCE: _PLAIN,
    Field.ACTOR_TYPE: _PLAIN,
    Field.NAME: _NAMED,
    Field.ROLE: _NAMED,
    Field.SESSION: _NAMED,
    Field.ARN: _NAMED,
    Field.PRINCIPAL: _NAMED,
    Field.ACCOUNT: _NAMED,
    Field.ACCESS_KEY: _NAMED | {Operator.LAST4},
    Field.MFA: _PLAIN,
    Field.ERROR_CODE: _PLAIN,
    Field.ERROR_MESSAGE: _OPAQUE,
    Field.EVENT_ID: _OPAQUE,
    Field.REQUEST_ID: _OPAQUE,
}
"""Which operators suit which field. `mask` is the field's own way: see `engine.pipeline.mask`."""

CLIENT_ON: Final = " on "
"""What stands in the value of `client` between the program and the platform."""

INHERITED_OPERATORS: Final[Mapping[Field, Field]] = {Field.SIZE: Field.EVENT, Field.CLIENT: Field.USER_AGENT}
"""Fields that a level need not list: it then masks them as it masks the other field."""

OPEN: Final = "open"
"""The built-in level that keeps every field; the least strict."""


@repr_only("name", "rank")
class Level(NamedTuple):
    """A masking level. `rank` orders levels by strictness (`open` is 0); a field that `operators` lacks is dropped.

    `account_names`: the aliases that take the place of masked account ids.
    """

    name: str
    rank: int
    operators: Mapping[Field, Operator]
    account_names: Mapping[str, str] = MappingProxyType({})


@repr_only("epoch")
class HashKey(NamedTuple):
    """The key of the `hash` operator: at least 32 random bytes, and the epoch that is shown with every pseudonym."""

    epoch: str
    secret: bytes
