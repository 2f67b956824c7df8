"""What all tests share: how long properties are tried, and the corpus of real records."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from moto.events.models import Rule
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent

# Time per example says more about a busy machine than about the code: no deadline, and no check of slowness.
settings.register_profile("quick", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("quick"), max_examples=60, print_blob=True)
settings.register_profile("nightly", settings.get_profile("ci"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

_FROM_TEMPLATE = Rule.create_from_cloudformation_json


def _rule_from_template(name: str, template: dict[str, Any], *rest: Any, **more: Any) -> Rule:
    """A rule whose pattern may be text, as CloudFormation has it; moto takes an object alone."""
    parts = template["Properties"]
    if isinstance(parts.get("EventPattern"), str):
        template = {**template, "Properties": {**parts, "EventPattern": json.loads(parts["EventPattern"])}}
    return _FROM_TEMPLATE(name, template, *rest, **more)


Rule.create_from_cloudformation_json = staticmethod(_rule_from_template)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real and published CloudTrail records, which is not part of the repository: `TRAILBELL_CORPUS` names it."""
    path = ROOT / os.environ.get("TRAILBELL_CORPUS", "../shared/data")
    if not (path / "MANIFEST.tsv").is_file():
        pytest.skip("the corpus of real records is not here; TRAILBELL_CORPUS names its folder")
    return path


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The address of a simulated AWS. What is in it is shared within a process: names have to be a test's own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603  our own interpreter
    (path,) = target.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment away from the checkout that holds the wheel and its pinned dependencies alone."""
    home = tmp_path_factory.mktemp("installed")
    python = home / "bin/python"
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    commands = (
        [sys.executable, "-m", "venv", str(home)],
        [*pip, "--require-hashes", "--requirement", str(ROOT / "requirements/runtime.txt")],
        [*pip, "--no-deps", str(wheel)],
    )
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, cwd=home)  # noqa: S603  our own interpreter
    return home / "bin"
