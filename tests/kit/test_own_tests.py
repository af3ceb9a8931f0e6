"""The tests that a project brings are green for every table that `mlops new` takes, with its data and without."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlops_kit.ground import Project

from tests.kit.own_tests import RESULT
from tests.kit.projects import ROOT, copied

pytestmark = pytest.mark.long

# With its raw data, and without: then all runs on generated rows.
HERE = ("grades", "prices", "truths", "many", "one", "quoted", "wide", "light_grades")
AWAY = ("prices", "many")
NEEDS_DATA = {"test_the_data_keeps_the_contract"}

Outcomes = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def outcomes(made: Callable[[str], Project], tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What came of each test of each project."""
    folder = tmp_path_factory.mktemp("own")
    projects = {name: copied(made(name), folder / name) for name in HERE}
    for name in AWAY:
        kept = ("contract.yaml", "params.yaml", "pyproject.toml", "src", "tests")
        projects[f"{name} without data"] = copied(made(name), folder / f"{name}-away", *kept)
    return run_all(projects)


def run_all(projects: dict[str, Project]) -> Outcomes:
    """Run the tests of these projects."""
    folders = [str(project.root) for project in projects.values()]
    command = [sys.executable, "-m", "tests.kit.own_tests", *folders]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return {name: outcome_of(project.root) for name, project in projects.items()}


def outcome_of(folder: Path) -> dict[str, str]:
    """What came of each test of a project."""
    found: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    tests: dict[str, str] = found["tests"]
    return tests


@pytest.mark.parametrize("name", [*HERE, *(f"{name} without data" for name in AWAY)])
def test_a_projects_own_tests_are_green(name: str, outcomes: Outcomes) -> None:
    found = outcomes[name]
    assert {test: told for test, told in found.items() if told not in ("passed", "skipped")} == {}
    assert len(found) == 14
    skipped = {test for test, told in found.items() if told == "skipped"}
    allowed = {*(NEEDS_DATA if "without" in name else ()), "test_the_parts_are_alike"}
    # So many of its rows are equal that keeping them together would bend the shares.
    assert skipped <= allowed | ({"test_no_row_is_in_both_parts"} if name == "truths" else set())
