"""Events as people have them at hand: each export gives the events that its log file gives, and says what it cannot read."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, events_in
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from engine.bulk import exports
from engine.bulk.exports import decode_file, is_export
from engine.cli import trailbell
from engine.model import DecodeError, Event, PassedOver
from engine.pipeline.audit import decision_record, line
from engine.pipeline.decide import decide
from engine.pipeline.decode import decode_stream
from engine.policy.load import load

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "examples/tour"
RECORDS: list[dict[str, Any]] = [dict(event.record) for event in events_in(ROOT / "tests/events")]
POLICIES = load(TOUR / "policies")


def lines_of(values: list[Any]) -> str:
    return "".join(f"{json.dumps(value)}\n" for value in values)


def table(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def lowered(value: Any) -> Any:
    """A struct as Athena casts it to JSON: names in small letters, and a null for what is not there."""
    if isinstance(value, list):
        return [lowered(member) for member in value]
    if not isinstance(value, dict):
        return value
    return {name.lower(): lowered(member) for name, member in value.items()} | {"invokedby": value.get("invokedBy")}


def athena(record: dict[str, Any]) -> dict[str, Any]:
    """A record as a row of Athena: text, JSON where CloudTrail has objects."""
    row: dict[str, Any] = dict.fromkeys(map(str.lower, exports._NAMES), "")
    for name, value in record.items():
        if name in exports._STRUCTS:
            row[name.lower()] = json.dumps(lowered(value))
        elif isinstance(value, bool):
            row[name.lower()] = json.dumps(value)
        else:
            row[name.lower()] = json.dumps(value) if isinstance(value, (dict, list, type(None))) else value
    return row


ATHENA = [athena(record) for record in RECORDS]
HEADS = list(ATHENA[0])
ATHENA_ROWS = [HEADS, *([str(row[name]) for name in HEADS] for row in ATHENA)]


def messages(name: str) -> list[dict[str, Any]]:
    return [{"@timestamp": "2026-11-02 02:30:00.000", name: json.dumps(record), "@ptr": "x"} for record in RECORDS]


def audit(record: dict[str, Any]) -> dict[str, Any]:
    event = Event(record, "test")
    policies = POLICIES._replace(audit=POLICIES.audit._replace(event=True))
    return decision_record(event, decide(event, policies, NOW), None, policies, NOW)


LOOKED_UP = [{"EventId": record.get("eventID"), "CloudTrailEvent": json.dumps(record)} for record in RECORDS]
EXPORTS: dict[str, str] = {
    "lookup-events": json.dumps({"Events": LOOKED_UP, "NextToken": "x"}, indent=4),
    "lookup-events by line": lines_of(LOOKED_UP),
    "log group": "".join(f"2026-11-02T02:30:00.000Z {json.dumps(record)}\n" for record in RECORDS),
    "log events": json.dumps({"events": [{"timestamp": 1, "message": json.dumps(record)} for record in RECORDS]}),
    "insights csv": table([["@timestamp", "@message"], *(["2026-11-02", json.dumps(record)] for record in RECORDS)]),
    "insights json": json.dumps(messages("@message")),
    "insights json, parsed": json.dumps([{"@timestamp": "x", "@message": record} for record in RECORDS]),
    "insights cli": json.dumps(
        {"results": [[{"field": name, "value": value} for name, value in row.items()] for row in messages("@message")]}
    ),
    "audit": lines_of([{"type": "delivery", "channel": "x"}, *map(audit, RECORDS)]),
    "audit from a log group": "".join(f"2026-11-02T02:30:00.000Z {json.dumps(audit(record))}\n" for record in RECORDS),
    "athena csv": table(ATHENA_ROWS),
    "athena json lines": lines_of(ATHENA),
    "athena cli": json.dumps(
        {"ResultSet": {"Rows": [{"Data": [{"VarCharValue": cell} for cell in row]} for row in ATHENA_ROWS]}}
    ),
}


def read(text: str | bytes) -> list[Any]:
    stream = io.BufferedReader(io.BytesIO(text.encode() if isinstance(text, str) else text))  # type: ignore[arg-type]
    return list(decode_file(stream, "input"))


def events(text: str | bytes) -> list[dict[str, Any]]:
    found = read(text)
    assert not [item for item in found if isinstance(item, DecodeError)]
    return [dict(item.record) for item in found if isinstance(item, Event)]


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_gives_the_records_that_it_was_made_of(name: str, pack: Callable[[str], bytes]) -> None:
    found = events(pack(EXPORTS[name]))
    if not name.startswith("athena"):
        assert found == RECORDS
        return
    # Athena's table has no other columns, and a struct has no empty members.
    known = [{field: value for field, value in record.items() if field in exports._NAMES} for record in RECORDS]
    assert [without_nothing(record) for record in found] == [without_nothing(record) for record in known]


def without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nothing(member) for name, member in value.items() if member not in (None, "")}
    return [without_nothing(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", EXPORTS)
def test_every_command_decides_an_export_as_it_decides_the_records(name: str, tmp_path: Path) -> None:
    plain, exported = tmp_path / "plain.jsonl", tmp_path / ("export.csv" if "csv" in name else "export.json")
    plain.write_text(lines_of(RECORDS), "utf-8")
    exported.write_text(EXPORTS[name], "utf-8")
    for command in (["decide"], ["replay", "--format", "json"]):
        outputs = []
        for path in (plain, exported):
            words = [command[0], str(path), "--policies", str(TOUR / "policies"), "--now", "2026-11-02T12:00:00Z", *command[1:]]
            done = CliRunner().invoke(trailbell, words)
            assert done.exit_code == 0, done.output
            outputs.append(done.stdout)
        assert outputs[0] == outputs[1]


@pytest.mark.parametrize("path", sorted((ROOT / "tests/payloads").glob("*")), ids=lambda path: path.name)
def test_what_a_lambda_receives_is_no_export(path: Path) -> None:
    with path.open("rb") as stream:
        assert not is_export(stream)
        found = list(decode_file(stream, "input"))
        stream.seek(0)
        assert found == list(decode_stream(stream, "input"))


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode) | st.sampled_from(list(EXPORTS.values())).map(str.encode))
def test_whatever_a_file_holds_its_reader_ends_without_an_exception(content: bytes) -> None:
    for cut in (len(content), len(content) // 2, 5):
        for item in read(content[:cut]):
            assert isinstance(item, (Event, DecodeError, PassedOver))


ROW = ATHENA[0]
MASKED_AUDIT = {"type": "decision", "decision": {}, "event": {"time": "x", "event": "GetObject", "bucket": "b***"}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (lines_of([ROW | {"useridentity": "{type=AssumedRole, arn=null}"}]), "select json_format(cast(useridentity as json))"),
        (lines_of([ROW | {"requestparameters": "{bucketName=b}"}]), "requestparameters is not JSON"),
        (lines_of([{name: value for name, value in ROW.items() if name != "useridentity"}]), "has no column useridentity"),
        (table([["eventname", "eventsource"], ["a", "b"]]), "has no column useridentity"),
        (table([*ATHENA_ROWS[:2], ["x"]]), "row 2: has another number of columns than the first row"),
        (table([HEADS]) + 'x,"y" z,\n', "row 1: is not CSV"),
        (table([["@message"]]) + "x" * 3_000_000, "row 1: is not CSV, or a line of it is too long"),
        (lines_of([MASKED_AUDIT]), "whose event is masked; only the audit level open"),
        (lines_of([audit(RECORDS[0]) | {"cut_from": 300_000}]), "its event is cut"),
        ('2026-11-02T02:30:00.000Z {"eventName": \n', "line 1: is not JSON"),
        ("2026-11-02T02:30:00.000Z " + "{" * 3_000_000, "line 1: is longer than 2,097,152 characters"),
        ('{"Events": [{"CloudTrailEvent": "{}"}, 5]}', "Events[0].CloudTrailEvent: is not a CloudTrail record"),
        ('{"Events": [{"CloudTrailEvent": "{}"}, 5]}', "Events[1]: is not a CloudTrail record"),
        ('{"Events": [', "is cut off"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text: str, reason: str) -> None:
    found = [f"{item.where}: {item.reason}" for item in read(text) if isinstance(item, DecodeError)]
    assert [error for error in found if reason in error], found
    assert all(error.startswith("input") for error in found)


def test_a_damaged_export_gives_what_comes_before_the_damage() -> None:
    text = "".join(
        f"2026-11-02T02:30:00.000Z {json.dumps({**record, 'n': number})}\n" for number, record in enumerate(RECORDS * 9)
    )
    packed = gzip.compress(text.encode())
    found = read(packed[: len(packed) // 2])
    assert len([item for item in found if isinstance(item, Event)]) > 10
    assert isinstance(found[-1], DecodeError)


def test_a_line_of_a_log_that_is_no_json_is_passed_over() -> None:
    text = f"2026-11-02T02:30:00.000Z START RequestId: 1\n2026-11-02T02:30:00.000Z {json.dumps(RECORDS[0])}\n"
    assert [type(item) for item in read(text)] == [PassedOver, Event]


def test_a_message_opens_nothing_further() -> None:
    inner = json.dumps({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": "AWSLogs/CloudTrail/x.json.gz"}}}]})
    assert [type(item) for item in read(json.dumps({"Events": [{"CloudTrailEvent": inner}]}))] == [DecodeError]


def test_a_long_cut_record_is_told_from_a_whole_one() -> None:
    long = RECORDS[0] | {"requestParameters": {"bucketName": "b", "key": "k" * 400_000}}
    (item,) = read(line(audit(long)) + "\n")
    assert isinstance(item, DecodeError)
    assert "cut" in item.reason


def test_a_large_export_is_read_by_several_processes_beside_others(tmp_path: Path) -> None:
    one = EXPORTS["log group"]
    (tmp_path / "a.json").write_text(one * (1 + (17 << 20) // len(one)), "utf-8")
    (tmp_path / "b.jsonl").write_text(lines_of(RECORDS) * (1 + (9 << 20) // len(lines_of(RECORDS))), "utf-8")
    outputs = []
    for jobs in ("1", "2"):
        words = ["decide", str(tmp_path), "--policies", str(TOUR / "policies"), "--now", "2026-11-02T12:00:00Z", "--jobs", jobs]
        done = CliRunner().invoke(trailbell, words)
        assert done.exit_code == 0, done.output[-500:]
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert outputs[0].count("\n") > 10_000
