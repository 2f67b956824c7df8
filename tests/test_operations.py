"""What the pages for whoever runs Trailbell say: commands that AWS knows, parts that the stack has, tests that are there."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import botocore.session
import jmespath
import pytest
from botocore import xform_name
from click.testing import CliRunner
from templates import template

from engine.cli import trailbell

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "docs" / name for name in ("operations.md", "at-3-am.md", "organization.md", "auditor.md")]
OF_THE_CLI = {("cloudformation", "deploy"), ("logs", "tail"), ("s3", "cp"), ("s3", "ls"), ("lambda", "wait")}
"""Commands that aws has beside the operations of the services."""
EVERYWHERE = {"query", "output", "cli-binary-format"}
INNER = re.compile(r"\$\(([^()]*)\)")
SESSION = botocore.session.get_session()


def simple(line: str) -> list[list[str]]:
    """Every command in a line, by words: also those in `$(…)`, in a pipe and in a function."""
    found = []
    while inner := INNER.search(line):
        found += simple(inner[1])
        line = line[: inner.start()] + "X" + line[inner.end() :]
    tokens = shlex.shlex(re.sub(r"^\w+=(?=X)", "", line), posix=True, punctuation_chars="|;{}>")
    tokens.whitespace_split = True
    commands: list[list[str]] = [[]]
    for token in tokens:
        if set(token) <= set("|;{}>"):
            commands.append([])
        else:
            commands[-1].append(token)
    return [*found, *(words for words in commands if words)]


def lines(page: Path) -> list[str]:
    """What a page says to type, in blocks and in sentences."""
    text = re.sub(r"^ +(?=```|\$ )", "", page.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")] + re.findall(
        r"`(aws [^`]+)`", text
    )


def every(program: str) -> list[list[str]]:
    """Every command of a program on these pages."""
    return [words for page in PAGES for line in lines(page) for words in simple(line) if words[0].rpartition("/")[2] == program]


def flags(words: list[str]) -> set[str]:
    return {word[2:].partition("=")[0] for word in words if word.startswith("--")}


@pytest.mark.parametrize("words", every("aws"), ids=" ".join)
def test_aws_knows_the_command_and_everything_it_is_told(words: list[str]) -> None:
    _, service, name, *rest = words
    if (service, name) in OF_THE_CLI:
        return
    model = SESSION.get_service_model({"s3api": "s3"}.get(service, service))
    operations = {xform_name(one, "-"): one for one in model.operation_names}
    assert name in operations
    shape: Any = model.operation_model(operations[name]).input_shape
    members = {xform_name(one, "-"): one for one in shape.members}
    given = {flag.removeprefix("no-") if flag not in members else flag for flag in flags(rest)} - EVERYWHERE
    assert given <= set(members)
    assert {members[one] for one in given} >= set(shape.required_members)


def queries() -> list[str]:
    return sorted({words[number + 1] for words in every("aws") for number, word in enumerate(words) if word == "--query"})


@pytest.mark.parametrize("query", queries())
def test_every_query_is_jmespath(query: str) -> None:
    jmespath.compile(query)


def test_the_lines_of_the_log_are_taken_out_of_an_answer_one_by_one() -> None:
    """As text, `aws` prints a line for each list in a list."""
    (query,) = [one for one in queries() if "@message" in one]
    rows = [[{"field": "@ptr", "value": "p"}, {"field": "@message", "value": line}] for line in ('{"a": 1}', '{"a": 2}')]
    assert jmespath.search(query, {"results": rows, "status": "Complete"}) == [['{"a": 1}'], ['{"a": 2}']]


def test_there_are_commands() -> None:
    assert len(every("aws")) > 30


def test_the_parts_that_commands_name_are_in_the_stack() -> None:
    named = {words[1] for program in ("resource", "arn") for words in every(program)} - {"$1"}
    assert {"Logs", "Queue", "DeadLetters", "Function", "Rule", "FromQueue"} <= named <= set(template()["Resources"])


@pytest.mark.parametrize("words", [one for one in every("aws") if one[2] == "deploy"], ids=" ".join)
def test_a_deployment_sets_parameters_of_the_template(words: list[str]) -> None:
    given = [word.partition("=")[0] for word in words[words.index("--parameter-overrides") + 1 :] if "=" in word]
    assert given
    made_of = template(ROOT / words[words.index("--template-file") + 1])
    assert set(given) <= set(made_of["Parameters"])


@pytest.mark.parametrize("words", every("trailbell"), ids=" ".join)
def test_trailbell_knows_the_command_and_its_options(words: list[str]) -> None:
    told = CliRunner().invoke(trailbell, [words[1], "--help"])
    assert told.exit_code == 0
    assert all(f"--{flag}" in told.output for flag in flags(words))


# --- the threat model -------------------------------------------------------------------------------------------------------

TESTED = re.compile(r"`tests/(\w+\.py)::(\w+)`")


def test_every_defence_names_tests_and_all_of_them_are_there() -> None:
    text = (ROOT / "docs/threat-model.md").read_text("utf-8")
    rows = [row for row in text.splitlines() if row.startswith("| ") and not row.startswith("| attacker")]
    assert len(rows) > 10
    assert [row.split("|")[1].strip() for row in rows if not TESTED.search(row)] == []
    for file, name in TESTED.findall(text):
        functions = [
            one.name
            for one in ast.walk(ast.parse((ROOT / "tests" / file).read_text("utf-8")))
            if isinstance(one, ast.FunctionDef)
        ]
        assert name in functions, f"{file}::{name}"


# --- what it costs ----------------------------------------------------------------------------------------------------------

PRICES = {
    "CloudTrail, data events": (0.10, 100_000),
    "SQS, requests": (0.40, 1e6),
    "Lambda, invocations": (0.20, 1e6),
    "Lambda, GB-seconds (arm64)": (0.0000133334, 1),
    "CloudWatch Logs, GB": (0.50, 1),
    "S3, reads": (0.40, 1e6),
    "EventBridge, events sent to another account": (1.00, 1e6),
    "DynamoDB, writes": (0.625, 1e6),
}
"""USD for so many, as assumed."""


def cost(what: str, count: float) -> float:
    price, per = PRICES[what]
    return count / per * price


def parts(events: float, batch: float, seconds: float, a_message: float, kilobytes: float) -> list[float]:
    """USD a day: data events, queue, function, log; `batch` messages an invocation of `seconds`, each with `a_message` events."""
    messages = events / a_message
    invocations = messages / batch
    return [
        cost("CloudTrail, data events", events),
        cost("SQS, requests", messages * 1.2) + (cost("S3, reads", messages) if a_message > 1 else 0.0),
        cost("Lambda, invocations", invocations) + cost("Lambda, GB-seconds (arm64)", invocations * seconds * 0.5),
        log(events * kilobytes / 1e6),
    ]


TIERS = ((10_000, 0.50), (20_000, 0.25), (20_000, 0.10), (float("inf"), 0.05))
"""GB a month of Lambda's logs, and USD for each of them."""


def log(gigabytes: float) -> float:
    """USD a day for so many GB a day."""
    left, whole = gigabytes * 30, 0.0
    for size, price in TIERS:
        whole += min(left, size) * price
        left = max(left - size, 0.0)
    return whole / 30


def of_an_organization(accounts: int, events: float, ring: float) -> list[float]:
    """USD a day of an account, and of several that send to one: of `events` in each, of which `ring` are told."""
    sent = cost("EventBridge, events sent to another account", events * (accounts - 1))
    writes = cost("DynamoDB, writes", accounts * ring * (3 * 2 + 5 / 10))
    return [*parts(events * accounts, 50, 1.0, 1, 2.5), sent, writes]


@pytest.mark.parametrize(("accounts", "name"), [(1, "one account"), (30, "30 accounts")])
def test_the_costs_of_an_organization_are_those_of_the_prices(accounts: int, name: str) -> None:
    costs = of_an_organization(accounts, 1e6, 1e4)
    row = f"| {name} | " + " | ".join(f"{one:,.2f}" for one in (*costs, sum(costs), 30 * sum(costs))) + " |"
    assert row in (ROOT / "docs/operations.md").read_text("utf-8")


DAYS = (
    ("10⁶, as shipped", parts(1e6, 50, 1.0, 1, 2.5)),
    ("10⁸, batches of 1,000, no event in the log", parts(1e8, 1_000, 2.0, 1, 0.8)),
    ("10¹⁰, log files of 2,000 events, the same", parts(1e10, 5, 10.0, 2_000, 0.8)),
)


@pytest.mark.parametrize("day", DAYS, ids=lambda day: str(day[0]))
def test_the_costs_are_those_of_the_prices(day: tuple[str, list[float]]) -> None:
    name, costs = day
    row = f"| {name} | " + " | ".join(f"{one:,.2f}" if one < 100 else f"{one:,.0f}" for one in (*costs, sum(costs))) + " |"
    assert row in (ROOT / "docs/operations.md").read_text("utf-8")


def test_the_prices_that_are_assumed_are_told() -> None:
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    for what, (price, per) in PRICES.items():
        assert (
            f"| {what} | {f'{price:.10f}'.rstrip('0') if price < 0.01 or price == 0.625 else f'{price:.2f}'} | {per:,.0f} |"
            in text
        )


def test_the_last_try_of_a_message_outlasts_an_hour_without_slack() -> None:
    parameters = template()["Parameters"]
    tries, apart = parameters["MaxReceiveCount"]["Default"], parameters["VisibilityTimeout"]["Default"]
    assert apart >= 6 * parameters["Timeout"]["Default"] + parameters["BatchWindow"]["Default"]
    assert (tries - 1) * apart > 3_600


def test_the_auditors_table_has_fields_that_stand_in_the_records() -> None:
    (table,) = re.findall(
        r"CREATE EXTERNAL TABLE trailbell_audit \((.*?)\n\)\nPARTITIONED", (ROOT / "docs/auditor.md").read_text(), re.DOTALL
    )
    named = set(re.findall(r"`?(\w+)`?:? (?:string|int|boolean|array|struct|map)\b|`?(\w+)`?: ?(?:array|struct|map)<", table))
    fields = {name for pair in named for name in pair if name}
    known: set[str] = set()
    for path in ("audit", "decision"):
        known |= set(re.findall(r'"([a-z_]+)": \{', (ROOT / f"schemas/v1/{path}.schema.json").read_text("utf-8")))
    assert {"receive_count", "event_ids", "incidents", "mutes", "event_id", "from"} <= fields
    assert fields <= known
