"""The workflows that watch over policies: what an attacker could use, what would not run, what is not pinned."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import boto3
import pytest
import yaml
from actionlint import linted, needs_actionlint
from builders import SHIPPED
from click.testing import CliRunner
from moto.server import ThreadedMotoServer

from engine.active_policies import accepted
from engine.cli import trailbell
from engine.edge.published import S3Store
from engine.policy.load import load
from engine.policy.poller import Copy, PolicyPoller
from engine.policy.published import placed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_zizmor_finds_nothing() -> None:
    tool = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.skip("zizmor is not installed: make dev installs it")
    done = subprocess.run(  # noqa: S603  our own
        [tool, "--offline", "--no-progress", "--format=json", ROOT],
        capture_output=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


@needs_actionlint
def test_actionlint_finds_nothing() -> None:
    assert WORKFLOWS
    assert linted(*WORKFLOWS) == []


@needs_actionlint
def test_actionlint_would_find_something(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOWS[0].read_text("utf-8").replace("runs-on:", "run-on:"), encoding="utf-8")
    assert any("run-on" in line for line in linted(broken))


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / "action.yml"], ids=lambda path: path.name)
def test_every_action_of_others_is_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses: *(\S+)", path.read_text("utf-8"))
    assert used
    assert [one for one in used if one != "./" and not re.search(r"@[0-9a-f]{40}$", one)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_may_do_anything_by_default(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {}
    assert all("permissions" in job and "timeout-minutes" in job for job in workflow["jobs"].values())


def jobs_with_rights() -> list[tuple[str, dict[str, Any]]]:
    """Jobs that may do more than read the code: those that AWS knows, that sign, that make a release or publish the site."""
    files = [(path.name, yaml.safe_load(path.read_text("utf-8"))["jobs"]) for path in WORKFLOWS]
    return [(file, job) for file, jobs in files for job in jobs.values() if "write" in job["permissions"].values()]


def test_nothing_is_installed_or_built_where_something_can_be_written() -> None:
    """Neither the project's own code nor a dependency runs there: the command line of AWS or GitHub, and GitHub's actions."""
    assert [file for file, _ in jobs_with_rights()] == ["deploy.yml", "publish.yml", "release.yml", "release.yml", "site.yml"]
    for file, job in jobs_with_rights():
        assert "needs" in job, file
        used = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
        assert used[0] == ("actions/deploy-pages" if "pages" in job["permissions"] else "actions/download-artifact"), file
        assert used[1:] == ["actions/attest-build-provenance"] * ("attestations" in job["permissions"]), file
        assert not re.search(
            r"\b(make|pip|python|npm|trailbell build|trailbell publish)\b", " ".join(step.get("run", "") for step in job["steps"])
        )


def runner(file: str, with_call: str, folder: Path, **variables: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the step of a workflow that makes a call of AWS, in a folder, with AWS's command line simulated."""
    if not (shutil.which("jq") and shutil.which("openssl")):
        pytest.skip("jq and openssl are not installed: the runner of the workflow has both")
    (step,) = [
        step for name, job in jobs_with_rights() if name == file for step in job["steps"] if with_call in step.get("run", "")
    ]
    command = folder / "bin/aws"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT / "tests/aws_cli.py"} "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    environment = {
        "PATH": f"{command.parent}:/usr/bin:/bin",
        "RUNNER_TEMP": str(folder),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
        **variables,
    }
    pipefail = ["-o", "pipefail"] if step.get("shell") == "bash" else []

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        bash = ["/bin/bash", "--noprofile", "--norc", "-e", *pipefail, "-c", step["run"]]
        return subprocess.run(bash, cwd=folder, env=environment | more, capture_output=True, text=True, check=False)  # noqa: S603  ours

    return run


@pytest.fixture
def workflow(aws: str, tmp_path: Path) -> Any:
    """Runs the step of the workflow that signs and stores, in a folder with the packed set; returns how it ended."""
    run = runner("publish.yml", "aws kms sign", tmp_path, AWS_ENDPOINT_URL=aws, PUBLISHER="octocat by https://example.com/runs/1")
    return lambda url, key, rollback="": run(POLICIES=url, SIGNING_KEY=key, ROLLBACK=rollback)


# --- code goes to a version, which is tested before events go to it ----------------------------------------------------------

SOUND_ANSWER = {"revision": "abc123", "webhooks": {"watch": ""}, "table": "", "buckets": {}}
BROKEN_ANSWERS = [
    {**SOUND_ANSWER, "webhooks": {"watch": "", "ops": "it cannot be read"}},
    {**SOUND_ANSWER, "table": "the table cannot be read (AccessDenied)"},
    {"errorMessage": "no set", "errorType": "PolicySetError"},
    None,
]


@pytest.fixture
def lambda_service() -> Iterator[tuple[str, Callable[[Any], None]]]:
    """The address of a simulated AWS with a function, and what sets its next answer."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"

    def tell(path: str, body: Any) -> None:
        request = Request(f"http://{host}:{port}/moto-api/{path}", json.dumps(body).encode(), method="POST")
        urlopen(request, timeout=10).close()  # noqa: S310  our own server

    tell("config", {"lambda": {"use_docker": False}})
    yield url, lambda answer: tell("static/lambda-simple/response", {"results": [json.dumps(answer)], "region": "eu-west-1"})
    server.stop()


@pytest.mark.long
def test_events_go_to_a_new_version_once_it_has_passed_its_self_test(
    lambda_service: tuple[str, Callable[[Any], None]], tmp_path: Path
) -> None:
    url, answers = lambda_service
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "eu-west-1"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = boto3.client("iam", endpoint_url=url, **keys).create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    functions = boto3.client("lambda", endpoint_url=url, **keys)
    code = {"ZipFile": zipped("first")}
    functions.create_function(FunctionName="bell", Runtime="python3.13", Role=role, Handler="lambda_entry.handler", Code=code)
    functions.create_alias(FunctionName="bell", Name="live", FunctionVersion="$LATEST")
    run = runner("deploy.yml", "aws lambda publish-version", tmp_path, AWS_ENDPOINT_URL=url, FUNCTION="bell")

    def deployed(text: str, answer: Any) -> tuple[bool, str, str]:
        (tmp_path / "dist").mkdir(exist_ok=True)
        (tmp_path / "dist/trailbell.zip").write_bytes(zipped(text))
        answers(answer)
        done = run()
        alias = functions.get_alias(FunctionName="bell", Name="live")
        return done.returncode == 0, alias["FunctionVersion"], alias["Description"]

    assert deployed("second", SOUND_ANSWER) == (True, "1", "before: $LATEST")
    assert deployed("broken", BROKEN_ANSWERS[0]) == (False, "1", "before: $LATEST")
    assert deployed("third", SOUND_ANSWER) == (True, "3", "before: 1"), "the version before is the one that events went to"


@pytest.mark.parametrize("answer", [SOUND_ANSWER, *BROKEN_ANSWERS], ids=str)
def test_the_self_test_is_passed_by_a_sound_answer_alone(answer: Any) -> None:
    jq = shutil.which("jq")
    if jq is None:
        pytest.skip("jq is not installed: the runner of the workflow has it")
    (expression,) = re.findall(r"jq --exit-status '([^']+)'", (ROOT / ".github/workflows/deploy.yml").read_text("utf-8"))
    done = subprocess.run([jq, "--exit-status", expression], input=json.dumps(answer).encode(), capture_output=True, check=False)  # noqa: S603
    assert (done.returncode == 0) == (answer == SOUND_ANSWER)


def zipped(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("lambda_entry.py", text)
    return content.getvalue()


# --- a set is signed and stored ----------------------------------------------------------------------------------------------


def test_what_the_workflow_signs_and_stores_is_what_functions_accept_and_it_rolls_back(
    aws: str, workflow: Any, tmp_path: Path
) -> None:
    def client(service: str) -> Any:
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "eu-west-1"}
        return boto3.client(service, endpoint_url=aws, **keys)

    s3, url = client("s3"), "s3://sets-of-the-workflow/trailbell/policies.json"
    at = {"Bucket": "sets-of-the-workflow", "Key": "trailbell/policies.json"}
    s3.create_bucket(Bucket=at["Bucket"], CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=at["Bucket"], VersioningConfiguration={"Status": "Enabled"})
    key = client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    packed = CliRunner().invoke(trailbell, ["publish", str(SHIPPED), "--pack", str(tmp_path / "set.json")])
    assert packed.exit_code == 0
    done = workflow(url, key)
    assert done.returncode == 0, done.stderr
    store: Any = S3Store(url, key, Copy, client)
    active, rejected = PolicyPoller(store, accepted).start()
    assert rejected is None
    assert active is not None
    assert active.policies.revision == load(SHIPPED).revision
    assert active.publisher == "octocat by https://example.com/runs/1"
    assert active.version in done.stdout

    back = workflow(url, key, active.version)
    assert back.returncode == 0, back.stderr
    again, _ = PolicyPoller(store, accepted).start()
    assert again is not None
    assert again.policies.revision == active.policies.revision
    assert again.published > active.published

    content = (tmp_path / "signed.json").read_bytes()
    metadata = s3.get_object(**at)["Metadata"]
    forged = s3.put_object(**at, Body=content.replace(b"octocat", b"mallory"), Metadata=metadata)["VersionId"]
    staging = store.publish(placed(content, "s3://sets-of-the-workflow/staging", 1, None))
    for version in (forged, staging, "no-such-version"):
        assert workflow(url, key, version).returncode != 0
    assert s3.head_object(**at)["VersionId"] == staging, "nothing was stored after it"


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["--to", "s3://b/k"],
        ["--key", "k"],
        ["--pack", "x", "--key", "k"],
        ["--pack", "x", "--rollback", "v"],
        ["--rollback", "v"],
    ],
)
def test_a_set_is_signed_and_stored_or_packed(given: list[str]) -> None:
    told = CliRunner().invoke(trailbell, ["publish", str(SHIPPED), *given])
    assert (told.exit_code, "--pack alone" in told.output) == (2, True)


def test_every_python_that_the_package_names_is_checked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [one.rpartition(" ")[2] for one in project["classifiers"] if re.search(r":: 3\.\d+$", one)]
    (job,) = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text("utf-8"))["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == named
    assert project["requires-python"] == f">={named[0]}"
