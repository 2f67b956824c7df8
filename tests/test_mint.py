"""Fixtures out of real events: nothing that identifies somebody stays, and they are decided and shown as the events are."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, SHIPPED, events_in
from click.testing import CliRunner

from engine.cli import trailbell
from engine.edge.secrets import random_key
from engine.model import Deployment, Event
from engine.pipeline.audit import decision_json
from engine.pipeline.decide import decide
from engine.pipeline.select import passed_over
from engine.pipeline.setting import Setting
from engine.policy.load import load
from engine.workbench.mint import AWS_WORDS, Mint, MintError, minted, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "examples/tour"
ACCOUNT, ADDRESS, KEY = "210987654321", "8.8.4.4", "ASIA" + "Q3EGRMKJ7TXYW2LP"
ROLE_ID = "AROAQ3EGRMKJ7TXYW2LPZ"


def real_looking(record: Any) -> Any:
    """A record of the tour with an account, an address and keys that are not those of documentation."""
    text = json.dumps(record)
    text = text.replace("111122223333", ACCOUNT).replace("ASIAIOSFODNN7EXAMPLE", KEY).replace("AROAIDPPEZS35WEXAMPLE", ROLE_ID)
    return json.loads(re.sub(r"\b(203\.0\.113|198\.51\.100|192\.0\.2)\.[0-9]+\b", ADDRESS, text))


def texts(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, (*path, name))
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, path)
    elif isinstance(value, str):
        yield path, value


@pytest.mark.parametrize(("policies", "folder"), [(TOUR / "policies", TOUR / "events"), (SHIPPED, ROOT / "tests/events")])
def test_a_fixture_is_decided_and_laid_out_as_its_event_and_names_nobody(policies: Path, folder: Path) -> None:
    setting = Setting(load(policies), Deployment(), random_key())
    kept = {word.casefold() for word in words_of(setting.policies)} | AWS_WORDS | {"example"}
    mint = Mint(words_of(setting.policies))
    for event in events_in(folder):
        event = event._replace(record=real_looking(event.record))  # noqa: PLW2901  the same with other values
        fixture = minted(event, setting, mint, NOW)
        before, after = (decision_json(decide(each, setting.policies, NOW)) for each in (event, Event(fixture.record, "")))
        assert {**before, "event_id": 0} == {**after, "event_id": 0}
        shown = json.dumps({name: value for name, value in fixture.record.items() if name != "userAgent"})
        for secret in (ACCOUNT, ADDRESS, KEY, ROLE_ID):
            assert secret not in shown or secret in kept
        if fixture.kept:
            continue
        names = event.record["requestParameters"] or {}
        session = str(event.record["userIdentity"].get("arn", "")).rpartition("/")[2]
        for text in (session, str(names.get("key", "")), event.record.get("requestID", "")):
            words = [word for word in re.findall(r"[^\W_]{5,}", str(text)) if word.casefold() not in kept]
            assert not set(words) & set(re.findall(r"[^\W_]+", shown)), event.where


def test_one_word_has_one_replacement_in_all_events_and_fields() -> None:
    mint = Mint(())
    first, second = (
        mint.record({"requestParameters": {"bucketName": "acme-billing", "Host": "acme-billing.s3.amazonaws.com"}, "n": number})
        for number in (1, 2)
    )
    bucket = first["requestParameters"]["bucketName"]
    assert first["requestParameters"]["Host"] == f"{bucket}.s3.amazonaws.com"
    assert second["requestParameters"] == first["requestParameters"]
    assert re.fullmatch("[a-z]{4}-[a-z]{7}", bucket)
    assert bucket != "acme-billing"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("4d7f0a1b2c3e4f5061728394a5b6c7d8", "[0-9a-f]{32}"),
        ("d57798c2-67ba-5b3b-a17a-42f960dee5cf", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("i-0a1b2c3d4e5f67890", "i-[0-9a-f]{17}"),
        ("Alice.Smith@acme.example", "[A-Z][a-z]{4}\\.[A-Z][a-z]{4}@example\\.com"),
        ("arn:aws:iam::210987654321:role/Billing", "arn:aws:iam::111122223333:role/[A-Z][a-z]{6}"),
        (KEY, "ASIA[A-Z]{9}EXAMPLE"),
        ("8.8.4.4", "203\\.0\\.113\\.1"),
        ("10.7.1.9", "10\\.0\\.0\\.1"),
        ("2a00:1450:4001::1", "2001:db8::1"),
        ("fd12::7", "fd00::1"),
        ("127.0.0.1", "127\\.0\\.0\\.1"),
        ("acme%2Fledger%2Fq3.csv", "[a-z]{4}%2F[a-z]{6}%2F[a-z][0-9]\\.csv"),
        ("s3.amazonaws.com", "s3\\.amazonaws\\.com"),
        ("8.8.4.4, 10.7.1.9", "203\\.0\\.113\\.1, 10\\.0\\.0\\.2"),
    ],
)
def test_the_form_of_a_text_stays(text: str, form: str) -> None:
    (result,) = Mint(()).record([text])
    assert re.fullmatch(form, result), result


def test_accounts_are_told_apart_also_beyond_those_of_documentation() -> None:
    mint = Mint(())
    accounts = [f"2{number:011}" for number in range(20)]
    replaced = mint.record(accounts)
    assert len(set(replaced)) == len(accounts)
    assert not set(replaced) & set(accounts)


def test_a_field_that_the_policies_decide_by_is_kept_and_named(tmp_path: Path) -> None:
    shutil.copytree(TOUR / "policies", tmp_path, dirs_exist_ok=True)
    security = tmp_path / "security.yaml"
    network = "\n  - {id: office, when: \"cidr(source.ip, '8.8.0.0/16')\", notify: [security], continue: true}"
    security.write_text(security.read_text("utf-8").replace("\nroutes:", f"\nroutes:{network}"), "utf-8")
    setting = Setting(load(tmp_path), Deployment(), random_key())
    event = next(iter(events_in(TOUR / "events")))
    fixture = minted(event._replace(record=real_looking(event.record)), setting, Mint(words_of(setting.policies)), NOW)
    assert fixture.kept == ("sourceIPAddress",)
    assert fixture.record["sourceIPAddress"] == ADDRESS
    assert ACCOUNT not in json.dumps(fixture.record)


def test_what_rests_on_the_length_of_several_fields_is_refused_and_not_written_wrongly(tmp_path: Path) -> None:
    shutil.copytree(TOUR / "policies", tmp_path, dirs_exist_ok=True)
    security = tmp_path / "security.yaml"
    rule = "\n  - {id: same, when: \"requestID != `null` && requestID == join('', [x, y])\", notify: [security], continue: true}"
    security.write_text(security.read_text("utf-8").replace("\nroutes:", f"\nroutes:{rule}"), "utf-8")
    setting = Setting(load(tmp_path), Deployment(), random_key())
    event = next(iter(events_in(TOUR / "events")))
    odd = event._replace(record={**event.record, "x": "acme", "y": "corp", "requestID": "acmecorp"})
    with pytest.raises(MintError, match="several fields"):
        minted(odd, setting, Mint(words_of(setting.policies)), NOW)


def ran(*arguments: str) -> Any:
    return CliRunner().invoke(trailbell, ["mint", *arguments, "--policies", str(TOUR / "policies")])


def test_the_tests_that_are_written_pass_and_their_files_lint(tmp_path: Path) -> None:
    result = ran(str(TOUR / "events"), "--to", str(tmp_path / "new"))
    assert result.exit_code == 0, result.output
    assert result.output.startswith("19 fixtures in ")
    tested = CliRunner().invoke(trailbell, ["test", str(tmp_path / "new"), "--policies", str(TOUR / "policies")])
    assert tested.exit_code == 0, tested.output
    linted = CliRunner().invoke(trailbell, ["lint", str(TOUR / "policies"), "--tests", str(tmp_path / "new")])
    codes = Counter(re.findall(r"\[(TB\d+)\]", linted.output))
    assert set(codes) <= {"TB601"}, linted.output


def test_a_sample_has_each_decision_once_however_many_events_there_are(tmp_path: Path) -> None:
    policies = load(TOUR / "policies")
    events = events_in(TOUR / "events")
    lines = tmp_path / "many.jsonl"
    lines.write_text(
        "".join(json.dumps({**event.record, "eventID": str(n)}) + "\n" for n in range(20) for event in events), "utf-8"
    )
    assert "more than 200 events" in ran(str(lines), "--to", str(tmp_path / "all")).output
    assert ran(str(lines), "--sample", "--to", str(tmp_path / "new")).exit_code == 0

    def decisions(some: list[Event]) -> Counter[str]:
        chosen = [event for event in some if passed_over(event, policies.selection) is None]
        return Counter(json.dumps(decision_json(decide(event, policies, NOW)._replace(event_id=None))) for event in chosen)

    sample = decisions(events_in(tmp_path / "new"))
    assert sample == Counter(dict.fromkeys(decisions(events), 1))


def test_a_folder_with_tests_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "minted.yaml").write_text("mine", "utf-8")
    result = ran(str(TOUR / "events"), "--to", str(tmp_path))
    assert result.exit_code == 1
    assert "exists: name another folder" in result.output
    assert (tmp_path / "minted.yaml").read_text("utf-8") == "mine"


def test_what_cannot_be_read_is_reported_and_the_rest_is_written(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{", "utf-8")
    result = ran(str(next((TOUR / "events").glob("01*"))), str(bad), "--to", str(tmp_path / "new"))
    assert result.exit_code == 1
    assert "bad.json" in result.output
    assert len(list((tmp_path / "new").glob("*.json"))) == 1


def test_an_event_name_of_an_attacker_gives_no_path(tmp_path: Path) -> None:
    event = next(iter(events_in(TOUR / "events")))
    path = tmp_path / "event.json"
    path.write_text(json.dumps({**event.record, "eventName": "../../GetObject"}), "utf-8")
    ran(str(path), "--to", str(tmp_path / "new"))
    assert all(re.fullmatch(r"[0-9]{3}-[a-z0-9-]+\.json|minted\.yaml", made.name) for made in tmp_path.glob("new/*"))
