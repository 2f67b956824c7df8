"""What all tests share: how long properties are tried, and the corpus of real records."""

from __future__ import annotations

import json
import os
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
settings.register_profile("quick", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("quick"), max_examples=400, print_blob=True)
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
