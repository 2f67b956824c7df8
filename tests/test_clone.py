"""A clone is its users' to edit: after each edit of the guide, what looks at `policies/` is still green, and says so quickly.

What `make test` and the workflows run on `policies/` runs here on a copy of the checkout. The product's own tests decide by
`tests/base/policies`, so nothing else of them can see an edit.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from pages import FENCED, write

from engine.cli import trailbell
from engine.policy.load import load

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs/guide").glob("[0-9]-*.md"))
OTHERS = sorted(path for path in (ROOT / "tests").glob("*.py") if path.name not in {Path(__file__).name, "test_readme.py"})
"""The README's commands are about `policies/`, whatever they hold; they end well for every set that is sound."""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what somebody edits, with the set as it ships: the edits of whoever runs this test are not in the way."""
    for folder in ("tests/base/policies", "tests/events"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copytree(tmp_path / "tests/base/policies", tmp_path / "policies")
    (tmp_path / "tests/policies").mkdir()
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*words: str) -> str:
    """What a command prints, which has to end well."""
    done = CliRunner().invoke(trailbell, words)
    assert done.exit_code == 0, done.output
    return done.output


def test_each_of_the_edits_leaves_what_a_workflow_runs_green(clone: Path) -> None:
    for page in PAGES:
        for language, block in FENCED.findall(page.read_text("utf-8")):
            if language == "yaml":
                write(block, clone)
        findings = re.findall(r" (\w+\[TB\d+\])", ran("lint", "policies", "--fail-level", "warning"))
        assert findings == ["note[TB416]"], page.name  # the base's channel has no other to fall back on
        assert " passed" in ran("test", "tests/policies", "--full-coverage"), page.name
        assert "unsigned" in ran("publish", "policies", "--pack", "set.json"), page.name
    assert len(PAGES) == 6


def test_an_address_may_be_shown(clone: Path) -> None:
    """`MASK_IP=false`, as docs/from-the-post.md says it."""
    text = (ROOT / "engine/base/masking.yaml").read_text("utf-8")
    (clone / "policies/masking.yaml").write_text(
        text.replace("name: masking\n", "name: masking\nreplaces: masking\n").replace("source_ip: network", "source_ip: keep", 1),
        "utf-8",
    )
    channels = clone / "policies/channels.yaml"
    channels.write_text(channels.read_text("utf-8") + "\ntrusts: [masking]\n", "utf-8")
    test = "version: 1\ntests:\n  - name: shown\n    event: ../events/human-identity-center.json\n    expect:\n"
    test += "      message:\n        - contains(to_string(@), '203.0.113.7')\n"
    (clone / "tests/policies/shown.yaml").write_text(test, "utf-8")
    assert ran("lint", "policies").startswith("policies: no findings")
    assert "1 of 1 passed" in ran("test", "tests/policies", "--full-coverage")


def test_no_test_of_the_product_decides_by_policies() -> None:
    """So whoever edits `policies/` in a clone breaks none of them."""
    looks = re.compile(r"""ROOT / ["'](tests/)?policies["']|[\[(]["'](tests/)?policies["'], ["'](tests|examples)""")
    assert {path.name for path in OTHERS if looks.search(path.read_text("utf-8"))} == set()


def test_the_set_that_ships_loads() -> None:
    assert load(ROOT / "policies").channels
