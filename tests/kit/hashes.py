"""What fixture projects predict, recorded: a library that gives other results raises the number of the pipeline.

That number, `pipeline` of [tool.mlops], is a parameter of each project's stages: raising it trains them anew.
Record them with: RECORD=1 .venv-kit/bin/python -m pytest tests/kit -k recorded
"""

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from mlops_kit.ground import Project
from mlops_kit.models import requirements

RECORDED = Path(__file__).with_name("hashes.json")
# Other releases of these may compute something else.
COMPUTE = ("numpy", "pandas", "scikit-learn", "lightgbm", "keras", "tensorflow", "tensorflow-cpu")


def check(kind: str, project: Project, predicts: str | list[float]) -> None:
    """Fail where a project predicts something else than was recorded, and its pipeline has the number of then.

    `predicts` is a hash; or numbers, where the last digits depend on the processor's instructions, as TensorFlow's do.
    """
    settings = tomllib.loads((project.root / "pyproject.toml").read_text(encoding="utf-8"))
    now = dict(pipeline=settings["tool"]["mlops"]["pipeline"], packages=packages(), predicts=predicts)
    recorded: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    if os.environ.get("RECORD"):
        recorded[kind] = now
        RECORDED.write_text(json.dumps(recorded, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    then = recorded[kind]
    if then["packages"] != now["packages"]:
        pytest.skip(f"recorded with {', '.join(then['packages'])}: {RECORDED.name} is to be recorded anew")
    if predicts == pytest.approx(then["predicts"], rel=1e-4, abs=1e-5):
        assert then["pipeline"] == now["pipeline"], f"The results are those of before. {anew(kind)}"
        return
    assert then["pipeline"] != now["pipeline"], (
        f"The project {kind} predicts something else than before: its champions were trained by other code. Raise "
        f"`pipeline` in template/project/pyproject.toml, so that projects train anew. {anew(kind)}"
    )
    pytest.fail(anew(kind))


def anew(kind: str) -> str:
    """What to do then."""
    return f"Record what {kind} predicts now: RECORD=1 .venv-kit/bin/python -m pytest tests/kit -k recorded"


def packages() -> list[str]:
    """What computes the predictions of the current project."""
    return [name for name in requirements() if name.partition("==")[0] in COMPUTE]
