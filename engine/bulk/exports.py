"""Events as people have them at hand, which no Lambda receives: query results, exports of log groups, our own audit records.

What a file is, its first bytes tell: a JSON object by its first name, a line by the time before it, CSV by its column heads. A
message or a column opens nothing further: it is one record, or the audit record of one.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from io import BufferedReader
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, TypeAlias

from engine.bulk.sources import open_source
from engine.errors import DamagedError, FetchError
from engine.model import DecodeError
from engine.pipeline.decode import decode_stream
from engine.pipeline.decode.inflate import text_of
from engine.pipeline.decode.location import PayloadPath
from engine.pipeline.decode.record import READER, event, is_record
from engine.pipeline.decode.values import read_values

if TYPE_CHECKING:
    from engine.bulk.sources import InputSource
    from engine.pipeline.decode.location import Decoded

HEAD: Final = 4 << 10
LONGEST_LINE: Final = 2 << 20
"""The most characters of a line and of a column. A log event has at most 1 MiB."""

NOT_A_RECORD: Final = "is not a CloudTrail record"
NOT_JSON: Final = "is not JSON"
TOO_LONG: Final = f"is longer than {LONGEST_LINE:,} characters"
MASKED: Final = "is an audit record whose event is masked; only the audit level open keeps what can be decided again"
CUT: Final = "is an audit record that was too long for its log line, so its event is cut"
NO_EVENT: Final = "is an audit record without an event"
LOG_LINE: Final = "a log line that is no JSON object"
STRUCT: Final = (
    "{0} is Athena's text of a struct, which does not say where a value ends: select json_format(cast({0} as json)) as {0}"
)
LACKING: Final = "has no column {}: a decision needs eventsource, eventname, useridentity and requestparameters"
NOT_CSV: Final = "is not CSV, or a line of it is too long; what follows is not read"
SHORT_ROW: Final = "has another number of columns than the first row"

_Found: TypeAlias = Iterator["Decoded"]

# --- what a file is -----------------------------------------------------------------------------------------------------------

_GZIP: Final = b"\x1f\x8b"
_TIMED: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?[ \t]+")
_FIRST_NAME: Final = re.compile(
    r'[\s\ufeff]{0,64}\[?\s{0,64}\{\s{0,64}"([^"\\]{1,64})"\s{0,8}:\s{0,8}(\[\s{0,64}\{|"[^"\\]{0,32}"|)'
)
_JSON_NAMES: Final = frozenset(
    {
        *("Events", "NextToken", "EventId", "CloudTrailEvent", "ResultSet", "UpdateCount"),
        *("events", "searchedLogStreams", "nextToken", "nextForwardToken", "nextBackwardToken", "logStreamName", "ingestionTime"),
        *("results", "queryLanguage", "statistics", "status", "encryptionKey"),
    }
)
_AUDIT_TYPES: Final = frozenset({"decision", "undecided", "booked", "delivery", "self_test"})
"""Types of audit records; a record of CloudTrail has no `type` at its top."""


def is_export(stream: BinaryIO) -> bool:
    """Whether a file is one of these by its first bytes, which stay unread. A stream that cannot be looked into is none."""
    return _kind(stream) is not None


def decode_source(source: InputSource) -> _Found:
    """Everything in a source, or why it could not be opened."""
    opened = open_source(source)
    if isinstance(opened, DecodeError):
        yield opened
        return
    with opened as stream:
        yield from decode_file(stream, source.where)


def decode_file(stream: BinaryIO, where: str) -> _Found:
    """Everything in a file called `where`: one of these exports, or what the Lambda's reader reads."""
    kind = _kind(stream)
    if kind is None:
        yield from decode_stream(stream, where)
        return
    location = PayloadPath(root=where)
    try:
        yield from kind(text_of(stream), location)
    except (DamagedError, FetchError) as fault:
        yield location.unreadable(str(fault))


def _kind(stream: BinaryIO) -> Callable[[Iterator[str], PayloadPath], _Found] | None:
    if not isinstance(stream, BufferedReader):
        return None
    head = stream.peek(HEAD)
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(31).decompress(head, HEAD)
        except zlib.error:
            return None
    text = head.decode("utf-8", "replace").lstrip("\ufeff")
    if _TIMED.match(text):
        return _timed_lines
    first = _FIRST_NAME.match(text)
    if first:
        return _json if _is_exported(first[1], first[2].strip('"')) else None
    try:
        heads = next(csv.reader([text.split("\n", 1)[0]]), [])
    except csv.Error:
        return None
    return _csv if _columns(heads) or _MESSAGE in heads or _LOOKED_UP in heads else None


def _is_exported(name: str, value: str) -> bool:
    return (
        name in _JSON_NAMES
        or name.startswith("@")
        or (name == "type" and value in _AUDIT_TYPES)
        or (name in _COLUMNS and name != _COLUMNS[name])
    )


# --- values -------------------------------------------------------------------------------------------------------------------

_MESSAGE: Final = "@message"
_LOOKED_UP: Final = "CloudTrailEvent"


def _json(pieces: Iterator[str], location: PayloadPath) -> _Found:
    for item in read_values(pieces):
        here = location.at(item.path)
        if item.error:
            yield here.unreadable(item.error)
        else:
            yield from _value(item.value, here)


def _value(value: object, location: PayloadPath) -> _Found:
    """Everything in one value of an export."""
    if not isinstance(value, dict):
        yield from _list(value, location)
    elif isinstance(value.get("Events"), list):  # aws cloudtrail lookup-events
        yield from _members(value["Events"], location.at(".Events"))
    elif isinstance(value.get("events"), list):  # aws logs filter-log-events, get-log-events
        yield from _members(value["events"], location.at(".events"))
    elif isinstance(value.get("results"), list):  # aws logs get-query-results
        yield from _members(map(_named, value["results"]), location.at(".results"))
    elif isinstance(value.get("ResultSet"), dict):  # aws athena get-query-results
        yield from _rows(iter(_athena_rows(value["ResultSet"])), location)
    elif _LOOKED_UP in value:
        yield from _message(value[_LOOKED_UP], location.at(f".{_LOOKED_UP}"))
    elif _MESSAGE in value:
        yield from _message(value[_MESSAGE], location.at(f".{_MESSAGE}"))
    elif "message" in value and "timestamp" in value:
        yield from _message(value["message"], location.at(".message"))
    elif _columns(value) and not is_record(value):
        yield _row(value, location)
    else:
        yield _record(value, location)


def _list(value: object, location: PayloadPath) -> _Found:
    if isinstance(value, list):
        yield from _members(value, location)
    else:
        yield location.unreadable(NOT_A_RECORD)


def _members(elements: Iterable[object], location: PayloadPath) -> _Found:
    for index, element in enumerate(elements):
        here = location.at(f"[{index}]")
        yield from _value(element, here) if isinstance(element, dict) else iter([here.unreadable(NOT_A_RECORD)])


def _message(message: object, location: PayloadPath) -> _Found:
    """The record that a message is: as text, or as the object that a console has already made of it."""
    if isinstance(message, dict):
        yield _record(message, location)
        return
    text = message.strip() if isinstance(message, str) else ""
    if not text.startswith("{"):
        yield location.passed_over(LOG_LINE)
        return
    try:
        value = READER.decode(text)
    except (ValueError, RecursionError):
        yield location.unreadable(NOT_JSON)
        return
    yield _record(value, location)


def _record(value: object, location: PayloadPath) -> Decoded:
    """The event of a record, or of the audit record of one."""
    if isinstance(value, dict) and value.get("type") in _AUDIT_TYPES and not is_record(value):
        held = value.get("event")
        if held is None:
            return location.passed_over(NO_EVENT)
        here = location.at(".event")
        if "cut_from" in value:
            return here.unreadable(CUT)
        return event(held, here) if is_record(held) else here.unreadable(MASKED)
    return event(value, location) if is_record(value) else location.unreadable(NOT_A_RECORD)


def _named(fields: object) -> object:
    """A row of Logs Insights as an object: it comes as a list of fields with their values."""
    if not isinstance(fields, list):
        return fields
    return {str(field.get("field")): field.get("value") for field in fields if isinstance(field, dict)}


# --- lines --------------------------------------------------------------------------------------------------------------------


class _Line(NamedTuple):
    """A line with its end, and its number; None: it is too long."""

    number: int
    text: str | None


def _lines(pieces: Iterator[str]) -> Iterator[_Line]:
    """The lines of a text, in bounded memory."""
    number, rest, lost = 1, "", False
    for piece in pieces:
        *whole, rest = (rest + piece).split("\n")
        for text in whole:
            yield _Line(number, None if lost or len(text) > LONGEST_LINE else f"{text}\n")
            number, lost = number + 1, False
        if len(rest) > LONGEST_LINE:
            rest, lost = "", True
    if rest or lost:
        yield _Line(number, None if lost else rest)


def _timed_lines(pieces: Iterator[str], location: PayloadPath) -> _Found:
    """An export of a log group: a time and a message on each line."""
    for line in _lines(pieces):
        here = location.at(f" line {line.number}")
        if line.text is None:
            yield here.unreadable(TOO_LONG)
        elif line.text.strip():
            yield from _message(_TIMED.sub("", line.text.lstrip("\ufeff"), count=1), here)


# --- rows ---------------------------------------------------------------------------------------------------------------------

_NAMES: Final = (
    *("eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent"),
    *("errorCode", "errorMessage", "requestParameters", "responseElements", "additionalEventData", "requestID", "eventID"),
    *("resources", "eventType", "apiVersion", "readOnly", "recipientAccountId", "serviceEventDetails", "sharedEventID"),
    *("vpcEndpointId", "vpcEndpointAccountId", "eventCategory", "addendum", "sessionCredentialFromConsole", "edgeDeviceDetails"),
    *("tlsDetails", "managementEvent", "inScopeOf"),
)
_COLUMNS: Final = {name.lower(): name for name in _NAMES}
"""Athena's names of columns, which are in small letters.

Source: https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table.html
"""

_INSIDE: Final = (
    *("principalId", "accountId", "invokedBy", "accessKeyId", "userName", "identityProvider", "credentialId", "sessionContext"),
    *("mfaAuthenticated", "creationDate", "sessionIssuer", "ec2RoleDelivery", "webIdFederationData", "federatedProvider"),
    *("onBehalfOf", "userId", "identityStoreArn", "inScopeOf", "sourceArn", "sourceAccount", "issuerType", "assumedRoot"),
    *("sourceIdentity", "credentialsIssuedTo", "tlsVersion", "cipherSuite", "clientProvidedHostHeader"),
)
_SPELLED: Final = {name.lower(): name for name in _INSIDE}
_RESOURCE: Final = _SPELLED | {"arn": "ARN", "arnprefix": "ARNPrefix"}
_STRUCTS: Final = ("userIdentity", "resources", "tlsDetails", "inScopeOf")
"""Columns whose own names are in small letters, too. What is JSON in CloudTrail's files is so in the others."""

_OBJECTS: Final = (*_STRUCTS, "requestParameters", "responseElements", "additionalEventData", "serviceEventDetails", "addendum")
_TRUTHS: Final = ("readOnly", "managementEvent")
_NEEDED: Final = ("eventsource", "eventname", "useridentity", "requestparameters")


def _columns(names: Iterable[str]) -> bool:
    """Whether these are Athena's columns of a table over CloudTrail's log files."""
    return len({name.lower() for name in names} & _COLUMNS.keys()) > 1


def _csv(pieces: Iterator[str], location: PayloadPath) -> _Found:
    csv.field_size_limit(LONGEST_LINE)
    read = csv.reader(map(_whole, _lines(_without_mark(pieces))), strict=True)
    yield from _rows(_cells(read), location)


def _whole(line: _Line) -> str:
    if line.text is None:
        raise csv.Error
    return line.text


def _without_mark(pieces: Iterator[str]) -> Iterator[str]:
    yield from (piece.removeprefix("\ufeff") for piece in islice(pieces, 1))
    yield from pieces


def _cells(read: Iterator[list[str]]) -> Iterator[list[Any] | None]:
    """The rows of CSV. What does not follow its grammar (None) ends it, since it is not known where the next row begins."""
    try:
        yield from (row for row in read if row)
    except csv.Error:
        yield None


def _athena_rows(result: dict[str, Any]) -> list[list[Any]]:
    rows = result.get("Rows")
    data = [row.get("Data") if isinstance(row, dict) else None for row in rows] if isinstance(rows, list) else []
    return [
        [cell.get("VarCharValue") if isinstance(cell, dict) else None for cell in cells] if isinstance(cells, list) else []
        for cells in data
    ]


def _rows(rows: Iterator[list[Any] | None], location: PayloadPath) -> _Found:
    """The events of a table whose first row has the names of its columns."""
    heads = [str(name) for name in next(rows, None) or ()]
    message = next((name for name in (_MESSAGE, _LOOKED_UP) if name in heads), None)
    lacking = [name for name in _NEEDED if name not in {head.lower() for head in heads}]
    if message is None and lacking:
        yield location.unreadable(LACKING.format(lacking[0]))
        return
    for number, row in enumerate(rows, 1):
        here = location.at(f" row {number}")
        if row is None:
            yield here.unreadable(NOT_CSV)
        elif len(row) != len(heads):
            yield here.unreadable(SHORT_ROW)
        elif message is not None:
            yield from _message(row[heads.index(message)], here)
        else:
            yield _row(dict(zip(heads, row, strict=True)), here)


def _row(cells: dict[str, Any], location: PayloadPath) -> Decoded:
    """The event of a row of Athena: names as CloudTrail spells them, structs and parameters out of their JSON."""
    names = {name.lower() for name in cells}
    lacking = [name for name in _NEEDED if name not in names]
    if lacking:
        return location.unreadable(LACKING.format(lacking[0]))
    record: dict[str, Any] = {}
    for column, cell in cells.items():
        name = _COLUMNS.get(column.lower())
        if name is None or cell is None or cell == "":
            continue
        try:
            value = _cell(name, cell)
        except (ValueError, RecursionError):
            return location.unreadable(STRUCT.format(name.lower()) if name in _STRUCTS else f"{name.lower()} {NOT_JSON}")
        if value is not None:
            record[name] = value
    return event(record, location) if is_record(record) else location.unreadable(NOT_A_RECORD)


def _cell(name: str, cell: Any) -> Any:  # noqa: ANN401  any JSON value
    """The value of a column; None where there is none. Raises `ValueError` where it is not what CloudTrail's field holds."""
    if name in _TRUTHS and isinstance(cell, str):
        return {"true": True, "false": False}.get(cell.lower(), cell)
    if name not in _OBJECTS:
        return cell
    value = READER.decode(cell) if isinstance(cell, str) else cell
    if not isinstance(value, (dict, list, type(None))):
        raise ValueError(NOT_JSON)  # noqa: TRY004  as for what is not JSON at all
    return _spelled(value, _RESOURCE if name == "resources" else _SPELLED) if name in _STRUCTS else value


def _spelled(value: Any, names: dict[str, str]) -> Any:  # noqa: ANN401  any JSON value
    """A struct with the names as CloudTrail spells them, and without its empty members, which a struct always has."""
    if isinstance(value, list):
        return [_spelled(member, names) for member in value]
    if not isinstance(value, dict):
        return value
    return {names.get(name.lower(), name): _spelled(member, names) for name, member in value.items() if member is not None}
