"""The account ids of a record, wherever it names one, and the ways in which an id may be written.

A member names one whose name ends in `accountId`, as a text or as a number, and so do `sourceAccount` and the headers of an
expected owner. In any text an ARN names one, and the path or the name of a log file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.model import repr_only
from engine.pipeline.mask.encodings import fold, readings, with_one_separator
from engine.pipeline.mask.operators import NO_ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.model import Record

_MIN_LENGTH: Final = 4
"""Of what stands in the place of an account id; anything shorter would hide half of the message."""

_DIGITS: Final = 12
_MAX_OTHERS: Final = 64
_NUMBER: Final = re.compile(r"[0-9]{12}", re.ASCII)
_RUN: Final = re.compile(r"[0-9]{12,}", re.ASCII)
_GROUPS: Final = re.compile(r"(?=([0-9]{4})([- ])([0-9]{4})\2([0-9]{4}))", re.ASCII)
_RESOURCES_READ: Final = 50
_MEMBER: Final = re.compile(r"account_?id\Z|source-?account\Z|bucket-?owner\Z", re.ASCII | re.IGNORECASE)

_IN_TEXT: Final = re.compile(
    r":([0-9]{12})(?![0-9])"  # an ARN, which may be cut behind the id
    r"|awslogs/(?:o-[a-z0-9]{1,32}/)?(?:aws-account-id=)?([0-9]{12})(?![0-9])"
    r"|(?<![0-9])([0-9]{12})_(?:cloudtrail|config|vpcflowlogs|elasticloadbalancing|waflogs)",
    re.ASCII,
)
"""Where a folded text names an account id.

Sources: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html, and for flow logs with
Hive's names https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

_SHAPES: Final = bytes.maketrans(b"123456789._ ", b"000000000---")
"""Every digit as 0, every separator as a dash: so a search for the shape of an id is a search for a text."""


def may_name_an_account(text: str) -> bool:
    """Whether a folded text has something in it that reads like an account id."""
    shape = text.encode("utf-8", "surrogatepass").translate(_SHAPES)
    return b"0" * _DIGITS in shape or b"0000-0000-0000" in shape


@repr_only()
class AccountIds(NamedTuple):
    """The account ids of a record as they are searched for: those of twelve digits, and what else stands in the place of one.

    The time of a search does not depend on how many `numbers` there are. `others` have one separator and are at most 64;
    `too_many`: there were more.
    """

    numbers: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()
    too_many: bool = False

    def spans(self, plain: str) -> Iterator[tuple[int, int]]:
        """Where ids stand in a folded text with one separator: as they are, or in groups, as the console prints them."""
        for other in self.others:
            yield from ((start, start + len(other)) for start in occurrences(plain, other))
        if not self.numbers or not may_name_an_account(plain):
            return
        for run in _RUN.finditer(plain):
            for start in range(run.start(), run.end() - _DIGITS + 1):
                if plain[start : start + _DIGITS] in self.numbers:
                    yield start, start + _DIGITS
        for groups in _GROUPS.finditer(plain):
            if f"{groups[1]}{groups[3]}{groups[4]}" in self.numbers:
                yield groups.start(), groups.end(4)


def searched(ids: Iterable[str]) -> AccountIds:
    """Folded account ids as they are searched for."""
    numbers: set[str] = set()
    others: set[str] = set()
    for account in ids:
        (numbers if _NUMBER.fullmatch(account) else others).add(account)
    return AccountIds(frozenset(numbers), tuple(sorted(map(with_one_separator, others)))[:_MAX_OTHERS], len(others) > _MAX_OTHERS)


def occurrences(text: str, value: str) -> Iterator[int]:
    """Where a value stands in a text, those that overlap included."""
    start = text.find(value)
    while start >= 0:
        yield start
        start = text.find(value, start + 1)


def usual_account_ids(record: Record) -> frozenset[str]:
    """The account ids, folded, in the places where nearly every record has them; quickly found."""
    identity, resources = record.get("userIdentity"), record.get("resources")
    context = identity.get("sessionContext") if identity.__class__ is dict else None
    issuer = context.get("sessionIssuer") if context.__class__ is dict else None
    ids: set[str] = set()
    for holder in (record, identity, issuer, *(resources[:_RESOURCES_READ] if resources.__class__ is list else ())):
        if holder.__class__ is dict:
            for name in ("accountId", "recipientAccountId"):
                if isinstance(account := holder.get(name), str):
                    ids.add(account)
            for name in ("arn", "ARN"):
                if isinstance(arn := holder.get(name), str):
                    ids.update(arn.split(":", 5)[4:5])
    return _ids(ids)


def all_account_ids(record: Record) -> frozenset[str]:
    """Every account id that a record names anywhere, folded."""
    return _ids(account for name, value in _leaves(record) for account in _named_by(name, value)) | usual_account_ids(record)


def _ids(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(fold(text) for text in texts if len(text) >= _MIN_LENGTH and not NO_ACCOUNT_ID.fullmatch(text))


def _leaves(record: Record) -> Iterator[tuple[str, Any]]:
    """Every value of a record that holds no others, with the name of the member in which it stands, or its list."""
    waiting: list[tuple[str, Any]] = [("", record)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += ((str(member), inner) for member, inner in value.items())
        elif isinstance(value, list):
            waiting += ((name, inner) for inner in value)
        else:
            yield name, value


def _named_by(name: str, value: object) -> Iterator[str]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if _MEMBER.search(name) and 0 <= value < 10**_DIGITS:
            yield f"{int(value):0{_DIGITS}}"
    elif isinstance(value, str):
        if _MEMBER.search(name):
            yield value
        for reading in readings(value) if len(value) >= _DIGITS else ():
            yield from (match[match.lastindex or 0] for match in _IN_TEXT.finditer(fold(reading)))
