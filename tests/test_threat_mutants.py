"""Each defence of the threat model is needed for its test: without it, that fails."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from commands import clone_of_checkout, run
from threat_mutants import MUTANTS, ROOT, ThreatMutant, rows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout, to be changed."""
    folder = tmp_path_factory.mktemp("mutants")
    clone_of_checkout(folder)
    return folder


def test_every_row_of_the_threat_model_has_a_mutant() -> None:
    tests = {mutant.test for mutant in MUTANTS}
    assert [row for row, named in rows().items() if not tests & {*named}] == []
    assert tests - {test for named in rows().values() for test in named} == set()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.test)
def test_what_a_mutant_takes_away_is_there_once(mutant: ThreatMutant) -> None:
    assert (ROOT / mutant.file).read_text("utf-8").count(mutant.old) == 1


@pytest.mark.long
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.test)
def test_without_the_defence_its_test_fails(mutant: ThreatMutant, checkout: Path) -> None:
    path = checkout / mutant.file
    sound = path.read_text("utf-8")
    path.write_text(sound.replace(mutant.old, mutant.new), encoding="utf-8")
    command = (sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", "--tb=short", mutant.test)
    try:
        done = run(
            command, checkout, PYTHONDONTWRITEBYTECODE="1", HYPOTHESIS_PROFILE="ci", PYTHONPATH=os.pathsep.join((str(checkout),))
        )
    finally:
        path.write_text(sound, encoding="utf-8")
    assert done.returncode == 1, done.stdout + done.stderr
