"""The first change that a project proposes is possible as it is written; other tests train with it."""

import ast
from itertools import product
from pathlib import Path

import pytest
import yaml
from mlops_scaffold.rendering import Asked, render
from mlops_scaffold.sources import catalog
from mlops_scaffold.sources.address import named_address
from mlops_scaffold.sources.source import open_version

from tests.conftest import ROOT
from tests.project import first_change
from tests.render.matrix import axes
from tests.render.test_renderings import run

FRAMEWORKS, PROBLEMS = axes(ROOT)["framework"], axes(ROOT)["problem"]


@pytest.mark.parametrize(("framework", "problem", "preset"), [*product(FRAMEWORKS, PROBLEMS, ("minimal", "standard"))])
def test_the_first_change_is_possible(
    framework: str, problem: str, preset: str, template: Path, tmp_path: Path
) -> None:
    answers = {**catalog.preset(ROOT, preset).answers, "framework": framework, "problem": problem, "compute": "ray"}
    project = tmp_path / "churn"
    version = open_version(named_address(str(template)), None)
    render(version, project, Asked(data=answers, defaults=True)).tree.write_new(project)

    change = first_change.make(project)

    module = ast.parse((project / change.path).read_text(encoding="utf-8"))
    (function,) = (part for part in module.body if isinstance(part, ast.FunctionDef) and part.name == change.function)
    given = [word for part in ast.walk(function) if isinstance(part, ast.Call) for word in part.keywords]
    values = [ast.literal_eval(word.value) for word in given if word.arg == change.argument]
    assert values == [ast.literal_eval(change.value)]
    # Nobody else gives it, now or after a search; and the hooks have nothing against it.
    for name in ("params.yaml", "search.yaml"):
        assert change.argument not in yaml.safe_load((project / name).read_text(encoding="utf-8"))["model"]
    run("ruff", "check", change.path, cwd=project)
    run("ruff", "format", "--check", change.path, cwd=project)
