"""The client in two words: what each program's user agent is read as, over made-up agents and over real ones."""

# ruff: noqa: E501  user agents are long

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import NOW, OPEN_LEVEL, STANDARD, event, policy_set
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Event, Field, Level, Operator
from engine.pipeline.decide import decide
from engine.pipeline.decode import decode_stream
from engine.pipeline.mask import mask
from engine.pipeline.mask.clients import PLATFORMS, PROGRAMS, ClientProgram, client, program_of
from engine.policy.compile import compile_set
from engine.policy.load import check
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from pathlib import Path

AGENTS = {
    "aws-cli/2.27.50 md/awscrt#0.26.1 ua/2.1 os/macos#24.5.0 md/arch#arm64 lang/python#3.13.5 md/command#s3.cp": "aws-cli on macOS",
    "[aws-cli/1.27.74 Python/3.9.15 Linux/6.1.0-6-amd64 botocore/1.29.74]": "aws-cli on Linux",
    "[aws-cli/2.9.8 Python/3.9.11 Windows/10 exe/AMD64 prompt/off command/s3.cp]": "aws-cli on Windows",
    "aws-cli/2.13.0 Python/3.11.4 Linux/5.15.90.1-microsoft-standard-WSL2 exe/x86_64.ubuntu.22": "aws-cli on WSL",
    "[aws-cli/2.15.0 Python/3.11.6 Linux/6.1 exe/x86_64.kali.2023 prompt/off command/s3.ls]": "aws-cli on Kali Linux",
    "aws-cli/2.0": "aws-cli",
    "[Boto3/1.26.165 Python/3.10.6 Linux/5.19.0-46-generic Botocore/1.29.165]": "Boto3 on Linux",
    "Boto3/1.40.20 md/Botocore#1.40.20 os/linux#5.10.240-238.966.amzn2.x86_64 exec-env/AWS_ECS_FARGATE m/Z,b": "Boto3 on Fargate",
    "Boto3/1.40.20 md/Botocore#1.40.20 os/linux#6.1.147-172.266.amzn2023.x86_64 m/Z,b,0": "Boto3 on Amazon Linux",
    "aws-sdk-js/3.850.0 ua/2.1 os/linux#5.10.239 lang/js exec-env/AWS_Lambda_nodejs22.x m/E,g": "JavaScript SDK on Lambda",
    "aws-sdk-go-v2/1.16.16 os/linux lang/go/1.19.5 md/GOOS/linux exec-env/AWS_ECS_EC2": "Go SDK on ECS",
    "aws-sdk-java/2.20.160 Linux/5.10.216 OpenJDK_64-Bit_Server_VM/17.0.9": "Java SDK on Linux",
    "[APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io) aws-sdk-go/1.49.13 (go1.20.12; linux; amd64)]": (
        "Terraform on Linux"
    ),
    "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.750 Linux/5.10.226-192.879.amzn2int.x86_64]": "S3 console",
    "signin.amazonaws.com": "AWS console",
    "cloudtrail.amazonaws.com": "AWS",
    "[transfer.amazonaws.com]": "AWS",
    "AWS Internal": "AWS",
    "[Amazon CloudFront]": "CloudFront",
    "ElasticMapReduce/1.0.0 emrfs/s3n, aws-sdk-java/1.12.750 Linux/5.10.226": "EMR",
    "[Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36]": (
        "Chrome on Windows"
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0": "Edge on Windows",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox on macOS",
    "[Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15]": "Safari on macOS",
    "[Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148]": "browser on iOS",
    "Mozilla": "browser",
    "S3 Browser/12.3.1 (https://s3browser.com)": "S3 Browser",
    "Cyberduck/7.1.1.31577 (Mac OS X/10.14.6) (x86_64)": "Cyberduck on macOS",
    "[WinSCP/6.3.3]": "WinSCP",
    "stratus-red-team_c763d13b": "Stratus Red Team",
    "curl/8.5.0": "curl",
    "rust-s3-client/0.3": "rust-s3-client",
    "ransomware-tool": "ransomware-tool",
    "[sample-user-agent]": "sample-user-agent",
}


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: AGENTS[agent])
def test_an_agent_is_read_as_program_and_platform(agent: str) -> None:
    assert client(agent) == AGENTS[agent]


@pytest.mark.parametrize("agent", [None, "", "[]", "-", 7, ["aws-cli/2"], "\N{SNOWMAN}/1", "analyst@example.com", "a" * 33])
def test_what_names_no_program_has_no_client(agent: object) -> None:
    assert client(agent) is None


def test_a_program_that_names_a_service_host_is_not_taken_for_aws() -> None:
    assert client("stealer/1.0 (+https://example.s3.amazonaws.com)") == "stealer"


@pytest.mark.parametrize(("program", "text"), [(program, text) for program in PROGRAMS for text in program.texts])
def test_no_program_stands_behind_one_that_takes_its_agents(program: ClientProgram, text: str) -> None:
    for agent in (text, f"[{text}1.0]"):
        assert program_of(client(agent) or "") == program.name


@pytest.mark.parametrize(("platform", "text"), [(platform, text) for platform, texts in PLATFORMS for text in texts])
def test_no_platform_stands_behind_one_that_takes_its_agents(platform: str, text: str) -> None:
    assert client(f"tool/1.0 {text}1.0") == f"tool on {platform}"


@given(st.text(max_size=2_000) | st.none() | st.integers())
def test_a_client_is_short_and_never_raises(agent: object) -> None:
    found = client(agent)
    assert found is None or 0 < len(found) <= 60


def of_corpus(corpus: Path) -> list[Event]:
    found = []
    for file in sorted((corpus / "records").glob("*.jsonl")):
        with file.open("rb") as stream:
            found += [
                one
                for one in decode_stream(stream, file.name)
                if isinstance(one, Event) and one.record.get("eventSource") == "s3.amazonaws.com"
            ]
    return found


def test_of_the_corpus_s3_events_98_in_100_have_a_client_of_the_table(corpus: Path) -> None:
    names = {program.name for program in PROGRAMS}
    clients = [client(event.record.get("userAgent")) for event in of_corpus(corpus)]
    assert len(clients) > 900
    assert sum(found is not None and program_of(found) in names for found in clients) / len(clients) >= 0.98


# --- the fields `client` and `size` -------------------------------------------------------------------------------------------


def shown(level: Level, **changes: object) -> dict[Field, str]:
    one = event(**changes)
    return dict(mask(one, decide(one, policy_set(), NOW), level, None).values)


def transferred(**counts: object) -> dict[str, object]:
    return {"additionalEventData": {"bytesTransferredIn": 0, "bytesTransferredOut": 0, **counts}}


@pytest.mark.parametrize(
    ("name", "counts", "size"),
    [
        ("GetObject", {"bytesTransferredOut": 18274}, "18274"),
        ("GetObject", {"bytesTransferredOut": 18274.0}, "18274"),
        ("ListObjects", {"bytesTransferredOut": 512}, "512"),
        ("PutObject", {"bytesTransferredIn": 4096, "bytesTransferredOut": 9}, "4096"),
        ("PutObject", {}, "0"),
        ("HeadObject", {}, None),
        ("DeleteObject", {"bytesTransferredOut": 77}, None),
        ("GetObject", {"bytesTransferredOut": -1}, None),
        ("GetObject", {"bytesTransferredOut": float("nan")}, None),
        ("GetObject", {"bytesTransferredOut": True}, None),
        ("GetObject", {"bytesTransferredOut": "18274"}, None),
        ("GetObject", {"bytesTransferredOut": 10**40}, None),
    ],
)
def test_the_size_is_what_went_out_of_a_read_and_into_a_write(name: str, counts: dict[str, object], size: str | None) -> None:
    assert shown(OPEN_LEVEL, eventName=name, **transferred(**counts)).get(Field.SIZE) == size


def test_a_copy_has_no_size() -> None:
    parameters = {"bucketName": "b-ucket", "key": "k", "x-amz-copy-source": "payments-prod/k"}
    copied = shown(OPEN_LEVEL, eventName="CopyObject", requestParameters=parameters, **transferred(bytesTransferredOut=234))
    assert Field.SIZE not in copied


def test_a_masked_client_is_the_program_alone() -> None:
    level = Level("some", 1, {**STANDARD.operators, Field.CLIENT: Operator.MASK})
    assert shown(level)[Field.CLIENT] == "aws-cli"


def test_a_dropped_client_is_not_shown_and_takes_nothing_from_other_fields() -> None:
    level = Level("some", 1, {**STANDARD.operators, Field.CLIENT: Operator.DROP, Field.SIZE: Operator.DROP})
    values = shown(level, userAgent="curl/8", errorMessage="curl of 18274 bytes", **transferred(bytesTransferredOut=18274))
    assert Field.CLIENT not in values
    assert Field.SIZE not in values
    assert values[Field.ERROR_MESSAGE] == "curl of 18274 bytes"


@pytest.mark.parametrize(
    ("fields", "size", "client"),
    [
        ({"event": "keep", "user_agent": "mask"}, Operator.KEEP, Operator.MASK),
        ({"event": "keep", "user_agent": "hash"}, Operator.KEEP, Operator.HASH),
        ({"time": "keep"}, Operator.DROP, Operator.DROP),
        ({"event": "keep", "user_agent": "keep", "size": "drop", "client": "drop"}, Operator.DROP, Operator.DROP),
        ({"client": "keep", "size": "keep"}, Operator.KEEP, Operator.KEEP),
    ],
)
def test_a_level_that_lists_neither_size_nor_client_masks_them_as_event_and_user_agent(
    fields: dict[str, str], size: Operator, client: Operator
) -> None:
    policy = {"name": "p", "owner": "team", "default": {"notify": ["watch"], "masking": "standard"}}
    level = compile_set([("p.yaml", {**policy, "masking": [{"level": "standard", "fields": fields}]})]).levels[1]
    assert (level.operators[Field.SIZE], level.operators[Field.CLIENT]) == (size, client)


def test_the_client_may_not_be_weaker_in_a_later_level_though_only_the_user_agent_is_listed() -> None:
    text = """\
version: 1
name: p
owner: team
default: {notify: [watch], masking: standard}
channels: [{name: watch, webhook: {env: SLACK_WEBHOOK_URL}}]
masking:
  - {level: standard, fields: {user_agent: keep, client: drop}}
  - {level: strict, fields: {user_agent: keep}}
"""
    _, findings = check([parse_source(text.encode(), "p.yaml")])
    assert [finding.line for finding in findings] == [
        "p.yaml:8:42: client is weaker here than in the level standard before it (drop); order levels from least strict to strictest [TB306]"
    ]
