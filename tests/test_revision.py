"""The revision: a digest of what a set says, not of how it is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from engine.policy.load import load

if TYPE_CHECKING:
    from pathlib import Path

BASE = {
    "base.yaml": (
        "version: 1\nname: base\nowner: security\n"
        "channels: [{name: ops, webhook: {env: SLACK_WEBHOOK_URL}, masking_floor: open}]\n"
        "default: {notify: [ops], masking: open}\n"
    ),
    "team.yaml": "version: 1\nname: team\nowner: a\nroutes:\n  - {id: r, when: readOnly, notify: [ops]}\n",
}


FLOW = "{id: r, when: readOnly, notify: [ops]}"
BLOCK = "id: r\n    notify:\n    - ops\n    when: readOnly"


def revision(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return load(folder).revision


def test_a_revision_is_sha256_and_12_hex(tmp_path: Path) -> None:
    assert re.fullmatch(r"sha256:[0-9a-f]{12}", revision(tmp_path, BASE))


@pytest.mark.parametrize(
    "files",
    [
        {**BASE, "base.yaml": "# a comment\n" + BASE["base.yaml"].replace("\n", "\n\n")},
        {**BASE, "base.yaml": BASE["base.yaml"].replace("name: base\nowner: security\n", "owner: 'security'\nname: \"base\"\n")},
        {"z.yml": BASE["base.yaml"], "a/b/c.yaml": BASE["team.yaml"]},
        {**BASE, "team.yaml": BASE["team.yaml"].replace(FLOW, BLOCK)},
    ],
    ids=["comments", "key order and quotes", "file names", "layout"],
)
def test_how_it_is_written_does_not_change_it(tmp_path: Path, files: dict[str, str]) -> None:
    assert revision(tmp_path / "a", BASE) == revision(tmp_path / "b", files)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("team.yaml", "readOnly", "managementEvent"),
        ("team.yaml", "id: r,", "id: s,"),
        ("base.yaml", "owner: security", "owner: platform"),
        ("team.yaml", "owner: a", "owner: a\ndescription: new"),
        ("base.yaml", "SLACK_WEBHOOK_URL", "SLACK_WEBHOOK_OPS"),
    ],
)
def test_what_it_says_changes_it(tmp_path: Path, name: str, before: str, after: str) -> None:
    assert before in BASE[name]
    changed = {**BASE, name: BASE[name].replace(before, after)}
    assert revision(tmp_path / "a", BASE) != revision(tmp_path / "b", changed)
