"""Sets that extend a base: what is added, what is replaced, what is refused and where; and they mean the same elsewhere."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, ROOT, SHIPPED, SHIPPED_BASE, SHIPPED_TESTS, event
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from engine.active_policies import accepted
from engine.cli import trailbell
from engine.lint import lint
from engine.model import Event, Finding, PolicySet
from engine.pipeline.audit import decision_json
from engine.pipeline.decide import decide
from engine.policy.bases import TRUSTED, base_revision, with_base
from engine.policy.compile import actors_in_order
from engine.policy.load import check, load, read, read_event, read_set
from engine.policy.prepared import CODE, NAME, load_prepared, prepare
from engine.policy.published import pack, unpack
from engine.policy.source import Source, parse_source

MAIN = """\
version: 1
name: main
owner: platform
extends: trailbell/base
channels: [{name: s3-watch, webhook: {env: SLACK_WEBHOOK_URL}}]
default: {notify: [s3-watch], masking: standard}
"""
HEADER = "version: 1\nname: {}\nowner: team\n"
PAYMENTS = HEADER.format("payments") + "buckets: [payments-*]\nroutes: [{id: all, notify: [s3-watch]}]\n"
COMPANY = {
    "actors.yaml": HEADER.format("actors")
    + "actors:\n"
    + "".join(
        f"  - {{class: {name}, kind: robot, evidence: [{{id: {name}-role, says: its role, strength: attested, "
        f"when: \"actor.role == '{name}'\"}}]}}\n"
        for name in ("one", "two", "three")
    ),
    "levels.yaml": HEADER.format("levels") + "masking: [{level: standard, fields: {time: keep, event: keep, bucket: keep}}]\n",
    "watch.yaml": HEADER.format("watch")
    + "routes: [{id: denied, when: access.denied, notify: [ops]}, {id: root, when: \"actor.type == 'Root'\", notify: [ops]}]\n",
}
FIRST = f"{(SHIPPED_BASE / 'watch.yaml').read_text('utf-8').split('notify:')[0].count(chr(10)) + 1}:14"
"""Line and column of the first channel that the base notifies."""
OURS = MAIN.replace("trailbell/base", "company").replace("s3-watch", "ops")
RECORDS = [read_event(path)[0] for path in sorted((ROOT / "tests/events").glob("*.json"))]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a base of its own, `company`, and an empty one for policies."""
    write(tmp_path / "company", COMPANY)
    (tmp_path / "policies").mkdir()
    return tmp_path


def write(folder: Path, texts: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def sources(*texts: str) -> tuple[Source, ...]:
    own = [parse_source(text.encode(), f"policies/{number}.yaml") for number, text in enumerate(texts)]
    return with_base(own, Path("policies"))


def told(*texts: str) -> list[str]:
    """What the linter says about a set that extends the shipped base."""
    return lines(lint(sources(*texts), NOW))


def lines(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.line.partition("; ")[0] for finding in findings]


def compiled(*texts: str) -> PolicySet:
    policies, findings = check(sources(*texts))
    assert policies is not None, lines(findings)
    return policies


def decisions(policies: PolicySet) -> list[Any]:
    return [decision_json(decide(Event(record, ""), policies, NOW)) for record in RECORDS]


# --- what is added, what is replaced ---------------------------------------------------------------------------------------


def test_the_sets_own_files_come_first_and_the_bases_behind_them_in_path_order() -> None:
    assert [policy.path for policy in compiled(MAIN, PAYMENTS).policies] == [
        "policies/0.yaml",
        "policies/1.yaml",
        *(f"trailbell/base/{name}.yaml" for name in ("actors", "events", "masking", "watch")),
    ]


def test_a_route_of_the_base_rings_beside_one_of_a_team() -> None:
    denied = event(errorCode="AccessDenied", requestParameters={"bucketName": "payments-prod", "key": "k"})
    assert decide(denied, compiled(MAIN, PAYMENTS), NOW).verdict.routes == ("payments/all", "watch/denied")


def test_what_a_route_of_the_base_decides_does_not_go_to_the_sets_default_as_well() -> None:
    decision = decide(event(errorCode="AccessDenied"), compiled(MAIN), NOW)
    assert (decision.verdict.routes, decision.verdict.defaulted) == (("watch/denied",), False)
    log_delivery = event(userIdentity={"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}, eventName="PutObject")
    assert decide(log_delivery, compiled(MAIN), NOW).verdict.requests == ()


@pytest.mark.parametrize("section", ["masking", "audit", "events"])
def test_a_section_that_may_stand_once_replaces_the_bases(section: str) -> None:
    text = {
        "masking": "masking: [{level: standard, fields: {time: keep}}, {level: mine, fields: {time: keep}}]",
        "audit": "audit: {masking: standard, event: false}",
        "events": "events: {names: [GetObject]}",
    }[section]
    policies = compiled(f"{MAIN}{text}\n")
    seen = {
        "masking": [level.name for level in policies.levels],
        "audit": (policies.audit.level.name, policies.audit.event),
        "events": policies.selection.names,
    }[section]
    wanted: dict[str, object] = {
        "masking": ["open", "standard", "mine"],
        "audit": ("standard", False),
        "events": frozenset({"GetObject"}),
    }
    assert seen == wanted[section]


def test_a_file_replaces_the_bases_file_of_that_name() -> None:
    replacing = HEADER.format("our-watch") + "replaces: watch\nroutes: [{id: all, notify: [s3-watch], severity: critical}]\n"
    policies = compiled(MAIN.replace("channels:", "trusts: [our-watch]\nchannels:"), replacing)
    assert "watch" not in {policy.name for policy in policies.policies}
    assert decide(event(errorCode="AccessDenied"), policies, NOW).verdict.routes[0] == "our-watch/all"


def test_classes_stand_before_and_after_those_of_the_base_in_the_order_of_the_file(home: Path) -> None:
    def one(name: str, where: str) -> str:
        evidence = f"{{id: {name}-role, says: its role, strength: attested, when: \"actor.role == '{name}'\"}}"
        return f"  - {{class: {name}, {where}, kind: robot, evidence: [{evidence}]}}\n"

    added = (
        one("a", "after: one"),
        one("b", "after: one"),
        one("c", "before: one"),
        one("d", "before: one"),
        one("e", "after: a"),
        "  - {class: unknown, emoji: ':ghost:'}\n",
    )
    write(home / "policies", {"main.yaml": f"{OURS}actors:\n{''.join(added)}"})
    policies = load(home / "policies")
    assert [actor.name for actor in policies.actors] == ["c", "d", "one", "a", "e", "b", "two", "three"]
    assert policies.unknown.emoji == ":ghost:"


@given(st.lists(st.tuples(st.sampled_from(["before", "after"]), st.integers(0, 20)), max_size=8))
def test_every_class_stands_on_the_side_that_it_says_and_none_is_lost(added: list[tuple[str, int]]) -> None:
    names = ["x", "y"]
    classes: list[dict[str, str]] = []
    for number, (side, target) in enumerate(added):
        classes.append({"class": f"c{number}", side: names[target % len(names)]})
        names.append(f"c{number}")
    ordered = [actor["class"] for actor in actors_in_order([{"actors": classes}, {"actors": [{"class": "x"}, {"class": "y"}]}])]
    assert sorted(ordered) == sorted(names)
    for actor in classes:
        here = ordered.index(actor["class"])
        assert here < ordered.index(actor["before"]) if "before" in actor else here > ordered.index(actor["after"])


# --- what is refused, and where --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (
            [MAIN.replace("trailbell/base", "nobody")],
            "policies/0.yaml:4:10: there is no base nobody: no folder of that name, with policy files in it, beside the policies",
        ),
        (
            [MAIN, HEADER.format("other") + "extends: trailbell/base\n"],
            "policies/1.yaml:4:1: extends changes what holds for every file, and main does not trust this one",
        ),
        (
            [MAIN, HEADER.format("watch")],
            "policies/1.yaml:2:7: the base has a file named watch, at trailbell/base/watch.yaml",
        ),
        (
            [MAIN.replace("name: main", "name: main\nreplaces: wach")],
            "policies/0.yaml:3:11: the base has no file named wach",
        ),
        (
            [MAIN, HEADER.format("other") + "replaces: watch\n"],
            "policies/1.yaml:4:1: replaces changes what holds for every file, and main does not trust this one",
        ),
        (
            [MAIN, HEADER.format("other") + "trusts: [other]\nevents: {names: [GetObject]}\n"],
            "policies/1.yaml:4:1: only the file with default says which others are trusted",
        ),
        ([f"{MAIN}trusts: [paymnts]\n", PAYMENTS], "policies/0.yaml:7:10: there is no policy paymnts"),
        (
            [MAIN.replace("s3-watch", "ops")],
            f"policies/0.yaml:4:10: there is no channel s3-watch (asked for by the base, at trailbell/base/watch.yaml:{FIRST})",
        ),
        (
            [MAIN, PAYMENTS + "replaces: watch\n"],
            "policies/1.yaml:6:1: replaces changes what holds for every file, and main does not trust this one",
        ),
        (
            [MAIN.replace("extends: trailbell/base\n", "replaces: watch\n")],
            "policies/0.yaml:4:1: this set extends no base, so this has no meaning",
        ),
    ],
)
def test_a_mistake_stands_where_it_was_made(texts: list[str], line: str) -> None:
    assert line in lines(check(sources(*texts))[1])


FOR_EVERY_FILE = {
    "extends": "extends: trailbell/base",
    "replaces": "replaces: watch",
    "actors": "actors: [{class: own, kind: robot, before: human}]",
    "masking": "masking: [{level: standard, fields: {time: keep}}]",
    "audit": "audit: {masking: standard, event: false}",
    "events": "events: {names: [GetObject]}",
    "account_names": 'account_names: {"111122223333": prod}',
}


def test_these_are_the_sections_that_hold_for_every_file() -> None:
    assert set(FOR_EVERY_FILE) == set(TRUSTED)


@pytest.mark.parametrize("section", FOR_EVERY_FILE)
def test_what_holds_for_every_file_stands_only_in_files_that_are_trusted(section: str) -> None:
    main = MAIN.replace("extends: trailbell/base\n", "") if section == "extends" else MAIN
    refused = f"{section} changes what holds for every file, and main does not trust this one"
    team = f"{HEADER.format('team')}{FOR_EVERY_FILE[section]}\n"
    policies, findings = check(sources(main, team))
    assert policies is None
    assert [line for line in lines(findings) if refused in line]
    assert refused not in str(lines(check(sources(f"{main}trusts: [team]\n", team))[1]))


@pytest.mark.parametrize("scope", ["", 'buckets: ["*"]\n', 'buckets: ["*a*e*s*"]\n', 'buckets: [payments-*, "?*"]\n'])
def test_one_teams_floor_takes_nothing_from_what_all_channels_are_shown(scope: str) -> None:
    refused = "this masking_floor is of every bucket, so it takes from what all channels are shown"
    team = f"{HEADER.format('team')}{scope}masking_floor: minimal\n"
    policies, findings = check(sources(MAIN, team))
    assert policies is None
    assert [line for line in lines(findings) if refused in line]
    assert check(sources(f"{MAIN}trusts: [team]\n", team))[0] is not None
    assert check(sources(f"{MAIN}masking_floor: strict\n"))[0] is not None


@pytest.mark.parametrize("scope", ["buckets: [payments-*]", 'accounts: ["111122223333"]'])
def test_a_team_has_a_floor_for_what_is_its_own(scope: str) -> None:
    assert check(sources(MAIN, f"{HEADER.format('team')}{scope}\nmasking_floor: minimal\n"))[0] is not None


ACTOR = """\
actors:
  - {{class: {}, {}kind: robot, evidence: [{{id: a-role, says: its role, strength: attested, when: "actor.role == 'a'"}}]}}
"""

WATCH = (SHIPPED_BASE / "watch.yaml").read_text("utf-8")
OWN_ACTORS = "actors:\n" + "".join(
    f"  - {{class: {name}, kind: unknown, evidence: [{{id: role-{number}, says: its role, strength: attested, "
    f"when: \"actor.role == 'role-{number}'\"}}]}}\n"
    for number, name in enumerate(dict.fromkeys(re.findall(r"actor.class == '([a-z-]+)'", WATCH)))
)
"""The classes that the routes of the base test, and no others."""


@pytest.mark.parametrize(
    ("name", "where", "line"),
    [
        ("a", "", "the class a says neither before nor after which it stands"),
        ("a", "before: human, after: human, ", "the class a says both before and after"),
        ("a", "after: unknown, ", "there is no class unknown to stand after"),
        ("a", "after: humn, ", "there is no class humn to stand after"),
        ("a", "after: a, ", "there is no class a to stand after"),
        ("human", "after: human, ", "duplicate class human"),
    ],
)
def test_a_class_says_where_it_stands(name: str, where: str, line: str) -> None:
    (finding,) = check(sources(MAIN + ACTOR.format(name, where)))[1]
    assert (finding.where.path, finding.where.line, finding.what) == ("policies/0.yaml", 8, line)


def test_a_class_of_a_set_whose_base_has_none_any_more_stands_nowhere_else() -> None:
    (finding,) = check(sources(f"{MAIN}replaces: actors\n{ACTOR.format('a', 'before: human, ')}"))[1]
    assert finding.what == "the base's classes are replaced, so there is none to stand beside"
    assert compiled(f"{MAIN}replaces: actors\n{OWN_ACTORS}").actors[0].name == "credential-misuse"


def test_a_base_has_no_base(home: Path) -> None:
    write(home / "company", {"more.yaml": HEADER.format("more") + "extends: trailbell/base\n"})
    write(home / "policies", {"main.yaml": OURS})
    (finding,) = check(read_set(home / "policies"))[1]
    assert finding.what == "a base stands for itself, and company/more.yaml:4:1 says extends"
    assert finding.where.path == (home / "policies/main.yaml").as_posix()


def test_a_mistake_in_a_base_of_ones_own_is_told(home: Path) -> None:
    write(home / "company", {"more.yaml": HEADER.format("more") + "rutes: []\n"})
    write(home / "policies", {"main.yaml": OURS})
    assert [finding.line for finding in check(read_set(home / "policies"))[1]] == [
        "company/more.yaml:4:1: there is no key 'rutes' here; did you mean routes? [TB111]"
    ]


def test_another_revision_of_the_base_is_refused_and_the_right_one_is_not() -> None:
    right = base_revision(sources(MAIN))
    assert check(sources(MAIN.replace("trailbell/base", f"{{base: trailbell/base, revision: '{right}'}}")))[1] == ()
    (finding,) = check(sources(MAIN.replace("trailbell/base", "{base: trailbell/base, revision: 'sha256:0123456789ab'}")))[1]
    assert finding.code == "TB314"
    assert right in finding.what


def test_the_base_is_part_of_the_revision_where_it_takes_effect(home: Path) -> None:
    write(home / "policies", {"main.yaml": OURS})
    before = load(home / "policies").revision
    write(home / "company", {"watch.yaml": COMPANY["watch.yaml"].replace("[ops]", "[ops], severity: critical")})
    assert load(home / "policies").revision != before
    write(home / "company", {"watch.yaml": f"# a comment\n{COMPANY['watch.yaml']}"})
    assert load(home / "policies").revision == before


# --- what the linter says --------------------------------------------------------------------------------------------------


def test_a_set_of_three_lines_beside_the_base_is_clean() -> None:
    assert told(MAIN) == []
    assert told(MAIN, PAYMENTS) == []


def test_what_is_wrong_with_a_base_by_itself_is_not_the_sets_to_hear(home: Path) -> None:
    twice = "routes: [{id: a, when: access.denied, notify: [ops]}, {id: b, when: access.denied, notify: [ops]}]\n"
    write(home / "company", {"watch.yaml": HEADER.format("watch") + twice})
    write(home / "policies", {"main.yaml": OURS})
    assert lines(lint(read_set(home / "policies"), NOW)) == []
    policies = str(home / "policies")
    assert CliRunner().invoke(trailbell, ["lint", policies]).exit_code == 0
    shown = CliRunner().invoke(trailbell, ["lint", policies, "--include-base"])
    assert (shown.exit_code, "company/watch.yaml:4" in shown.output) == (1, True)


def test_what_the_set_does_to_the_base_is_told_where_it_extends_it(home: Path) -> None:
    write(home / "company", {"watch.yaml": COMPANY["watch.yaml"].replace("[ops]}", "[ops], title: 'Denied in {bucket}'}", 1)})
    write(home / "policies", {"main.yaml": OURS})
    assert lines(lint(read_set(home / "policies"), NOW)) == []
    write(home / "policies", {"main.yaml": f"{OURS}masking: [{{level: standard, fields: {{time: keep, event: keep}}}}]\n"})
    (finding,) = lint(read_set(home / "policies"), NOW)
    assert (finding.code, finding.where.line, finding.severity.value) == ("TB409", 4, "warning")
    assert "asked for by the base, at company/watch.yaml:4" in finding.what


def test_evidence_of_the_set_that_the_base_leaves_nothing_for_is_found() -> None:
    evidence = "{id: r, says: AWS itself, strength: attested, when: \"userIdentity.type == 'AWSService' && access.denied\"}"
    (line,) = told(f"{MAIN}actors: [{{class: a, after: human, kind: service, evidence: [{evidence}]}}]\n")
    assert "this evidence never decides: aws-service-identity, at trailbell/base/actors.yaml:" in line


def test_taking_over_what_the_base_rings_loses_nothing() -> None:
    text = (SHIPPED_BASE / "watch.yaml").read_text("utf-8").replace("name: watch\n", "name: watch\nreplaces: watch\n")
    without_default = text[: text.index("\ndefault:")]
    assert told(MAIN.replace("channels:", "trusts: [watch]\nchannels:"), without_default) == []


@pytest.mark.parametrize(
    ("routes", "lost"),
    [
        ("[{id: all, notify: [ops]}]", None),
        ("[{id: d, when: access.denied, notify: [ops]}]", "root"),
        ("[{id: d, when: access.denied, notify: [ops]}, {id: r, when: \"actor.type == 'Root'\", notify: [ops]}]", None),
        ("[{id: q, when: \"actor.role == 'a'\", mute: a job}, {id: all, notify: [ops]}]", "denied, root"),
        ("[{id: nights, during: {hours: '00:00-12:00', timezone: UTC}, notify: [ops]}]", "denied, root"),
        ("[{id: all, when: bucket != 'x', notify: [ops]}]", "denied, root"),
    ],
)
def test_what_rang_only_by_a_replaced_file_is_a_finding(home: Path, routes: str, lost: str | None) -> None:
    write(home / "policies", {"main.yaml": f"{OURS}replaces: watch\nroutes: {routes}\n"})
    found = [finding.what for finding in lint(read_set(home / "policies"), NOW) if finding.code == "TB412"]
    assert found == ([f"the base's watch also rings for {lost}, and nothing here does"] if lost else [])


def test_replacing_the_classes_warns_and_names_those_that_nothing_could_mute() -> None:
    (finding,) = lint(sources(f"{MAIN}replaces: actors\n{OWN_ACTORS}"), NOW)
    assert (finding.code, finding.where.line, finding.severity.value) == ("TB413", 7, "warning")
    assert "; mutes now apply to credential-misuse" in finding.what
    (kept,) = lint(
        sources(f"{MAIN}replaces: actors\n{OWN_ACTORS.replace('kind: unknown', 'never_mute: true, kind: unknown')}"), NOW
    )
    assert "mutes now apply" not in kept.what


def test_classes_that_the_base_tests_have_to_be_there_when_its_classes_are_replaced() -> None:
    findings = check(sources(f"{MAIN}replaces: actors\n{ACTOR.format('a', '')}"))[1]
    assert {(finding.code, finding.where.line) for finding in findings} == {("TB301", 4)}
    assert findings[0].what.startswith("there is no class ")


def test_fixing_writes_nothing_into_the_base(home: Path) -> None:
    before = {name: (home / "company" / name).read_bytes() for name in COMPANY}
    silence = f"{{id: s, when: actor.role == 'mover', reason: work, until: '{(NOW - timedelta(9)).isoformat()}'}}"
    write(home / "policies", {"main.yaml": f"{OURS}silences:\n  - {silence}\n"})
    done = CliRunner().invoke(trailbell, ["lint", str(home / "policies"), "--fix"])
    assert "1 fixed" in done.output
    assert {name: (home / "company" / name).read_bytes() for name in COMPANY} == before


# --- tests and coverage ----------------------------------------------------------------------------------------------------


def test_coverage_counts_what_the_team_wrote(home: Path) -> None:
    write(home / "policies", {"main.yaml": MAIN, "payments.yaml": PAYMENTS})
    tests = write(
        home / "tests",
        {
            "t.yaml": "version: 1\ntests:\n  - name: rings\n    event: {eventTime: 2026-11-01T00:00:00Z, eventName: GetObject, "
            "requestParameters: {bucketName: payments-a}}\n    expect: {routes: [payments/all]}\n"
        },
    )
    words = ["test", str(tests), "--policies", str(home / "policies"), "--full-coverage", "--format", "json"]
    done = CliRunner().invoke(trailbell, words)
    assert done.exit_code == 0, done.output
    assert [rule["id"] for rule in json.loads(done.stdout)["coverage"]] == ["all"]
    whole = CliRunner().invoke(trailbell, [*words, "--include-base"])
    assert (whole.exit_code, len(json.loads(whole.stdout)["coverage"]) > 40) == (1, True)
    linted = CliRunner().invoke(trailbell, ["lint", str(home / "policies"), "--tests", str(tests), "--fail-level", "warning"])
    assert linted.exit_code == 0, linted.output


def test_a_set_without_rules_of_its_own_is_told_so() -> None:
    words = ["test", str(SHIPPED_TESTS / "masking.yaml"), "--policies", str(SHIPPED)]
    done = CliRunner().invoke(trailbell, words)
    assert (done.exit_code, "no rules of its own are in this set" in done.stdout, "seen to hold" in done.stdout) == (
        0,
        True,
        False,
    )
    whole = CliRunner().invoke(trailbell, [*words, "--include-base"])
    assert ("no rules of its own are in this set" in whole.stdout, "seen to hold" in whole.stdout) == (False, True)


# --- elsewhere -------------------------------------------------------------------------------------------------------------


def test_a_published_set_means_the_same_to_an_engine_that_brings_another_base(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = write(home / "policies", {"main.yaml": MAIN, "payments.yaml": PAYMENTS})
    before, content = load(policies), pack(read_set(policies), policies, None)
    monkeypatch.setattr("engine.policy.files.SHIPPED_BASE", "another")
    assert check(read_set(policies))[0] is None  # this engine brings no base of that name
    published = unpack(content)
    after = accepted(published.sources, published.commit)
    assert after.revision == before.revision
    assert decisions(after) == decisions(before)


def test_a_published_set_holds_its_base_once_and_the_same_bytes_each_time(home: Path) -> None:
    policies = write(home / "policies", {"main.yaml": OURS})
    content = pack(read_set(policies), policies, None)
    assert sorted(json.loads(content)["base"]) == [f"company/{name}" for name in sorted(COMPANY)]
    assert content == pack(read_set(policies)[::-1], policies, None)
    moved = shutil.copytree(home, home.parent / f"{home.name}-moved")
    assert pack(read_set(moved / "policies"), moved / "policies", None) == content


@pytest.mark.parametrize("extended", [MAIN, OURS], ids=["the engine's base", "a folder"])
def test_a_prepared_set_with_a_base_equals_the_one_that_is_read(home: Path, extended: str) -> None:
    beside = "before: human, " if extended == MAIN else "before: two, "
    policies = write(home / "policies", {"main.yaml": extended + ACTOR.format("a", beside)})
    made = prepare(read_set(policies), policies, None)
    write(home, {NAME: made.content, CODE: made.code})
    prepared, plain = load_prepared(policies, home), load(policies)
    assert prepared is not None
    assert repr(prepared) == repr(plain)
    assert decisions(prepared) == decisions(plain)


@pytest.mark.parametrize("change", ["changed", "added", "removed"])
def test_a_prepared_set_is_refused_where_its_base_is_another(home: Path, change: str) -> None:
    policies = write(home / "policies", {"main.yaml": OURS})
    made = prepare(read_set(policies), policies, None)
    write(home, {NAME: made.content, CODE: made.code})
    assert load_prepared(policies, home) is not None
    if change == "removed":
        (home / "company/watch.yaml").unlink()
    else:
        write(home / "company", {"watch.yaml" if change == "changed" else "x.yaml": HEADER.format("x")})
    assert load_prepared(policies, home) is None


def test_the_set_that_the_products_tests_decide_by_extends_the_shipped_base() -> None:
    assert {source.path for source in read_set(SHIPPED) if source.base} == {
        f"trailbell/base/{Path(source.path).name}" for source in read(SHIPPED_BASE)
    }
