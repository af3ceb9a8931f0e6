"""A project whose data has more rows than are to be in memory: split, trained on and read in batches (L3)."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.project.running import environment, poe, untrained

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("scale/larger_than_memory")]  # a project of its own

ROWS, COLUMNS, IN_MEMORY = 100_000, 40, 20_000
WRITE = f"""
import sys
import numpy as np
import pandas as pd

rows, random = int(sys.argv[1]), np.random.default_rng(0)
frame = pd.DataFrame(random.random((rows, {COLUMNS})), columns=[f"c{{i}}" for i in range({COLUMNS})])
frame["y"] = (frame.c0 + frame.c1 * frame.c2 + random.random(rows) > 1.25).map({{True: "yes", False: "no"}})
frame.to_parquet(sys.argv[2], row_group_size=30_000)
"""
COMPARE = """
import numpy as np
import pandas as pd
from mlops_kit.contract import load
from mlops_kit.data import TRAIN, test_part
from mlops_kit.ground import params, project
from mlops_kit.models import trained_model
from wide.model import build

contract, train, test = load(), pd.read_parquet(project().root / TRAIN), test_part()
whole = build(contract, params()["model"])
whole.set_params(model=whole[-1].trees).fit(contract.coerce(train), contract.labels(train))
in_batches = trained_model()
rows = contract.coerce(test)
assert np.array_equal(whole.predict_proba(rows), in_batches.predict_proba(rows))
"""


def inside(project: Path, *arguments: str) -> int:
    """Run Python in the project's environment; the most that it had in memory, in MB."""
    child = subprocess.Popen([project / ".venv/bin/python", *arguments], cwd=project, env=environment())
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0
    return usage.ru_maxrss // 2**10


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LightGBM project on a table that is split and trained on in batches."""
    folder = tmp_path_factory.mktemp("large") / "wide"
    answers = ("-d", "framework=lightgbm", "-d", "compute=ray")
    table = folder.parent / "wide.parquet"
    untrained(folder, template, tmp_path_factory, "--preset", "minimal", *answers)
    inside(folder, "-c", WRITE, str(ROWS), str(table))
    poe(folder, "data", str(table), "--target", "y")
    parameters = folder / "params.yaml"
    text = parameters.read_text(encoding="utf-8")
    text = text.replace("\n  seed: 42\n", f"\n  seed: 42\n  rows_in_memory: {IN_MEMORY}\n", 1)
    parameters.write_text(text.replace("n_estimators: 500", "n_estimators: 20"), encoding="utf-8")
    assert re.search(r"wide.parquet, in batches: \d+ rows to train on, \d+ to test on", poe(folder, "repro"))
    return folder


def test_the_model_is_the_one_that_all_rows_at_once_give(project: Path) -> None:
    inside(project, "-c", COMPARE)


def test_it_goes_through_the_same_gate_and_tests(project: Path) -> None:
    assert "passes the gates" in poe(project, "gate")
    assert "version 1" in poe(project, "register")
    poe(project, "test")


@pytest.mark.soak  # tests/kit/test_batches.py trains such a one
def test_scikit_learn_learns_as_the_documentation_says(
    template: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    answers = ("--preset", "minimal", "-d", "compute=ray")
    folder = untrained(tmp_path / "partial", template, tmp_path_factory, *answers)
    text = (ROOT / "docs/large-data.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    limit, parameters = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    imports, build = code.split("\n\n\n")
    model, settings = folder / "src/partial/model.py", folder / "params.yaml"
    for file, pattern, instead in (
        (model, r"(?=from sklearn\.dummy)", imports + "\n"),
        (model, r"(?s)def build.*?\n(?=\n\ndef)", build),
        (settings, r"split:\n(  .*\n)+", limit.replace("200000", "200")),
        (settings, r"model:\n(  .*\n)+", parameters),
    ):
        changed, times = re.subn(pattern, instead, file.read_text(encoding="utf-8"))
        assert times == 1, pattern
        file.write_text(changed, encoding="utf-8")
    assert "in batches" in poe(folder, "repro")
    assert "passes the gates" in poe(folder, "gate")


@pytest.mark.soak
def test_memory_hardly_grows_with_the_data(project: Path) -> None:
    def peaks() -> list[int]:
        # The least of three: how the allocator keeps pages adds up to 20 MB to one run, and takes nothing off.
        stages = (("wide.prepare",), ("wide.train",))
        return [min(inside(project, "-m", *stage) for _ in range(3)) for stage in stages]

    # LightGBM finds its bins in 200,000 rows, which are more than there are: a sample is the same in both sizes.
    parameters = project / "params.yaml"
    text = parameters.read_text(encoding="utf-8")
    parameters.write_text(text.replace("n_estimators: 20", "n_estimators: 20\n  subsample_for_bin: 20000"))
    before = peaks()
    inside(project, "-c", WRITE, str(4 * ROWS), "data/raw/wide.parquet")
    grown = [after - first for after, first in zip(peaks(), before, strict=True)]
    added = 3 * ROWS * COLUMNS * 8 / 2**20  # as numbers, once; read whole, it is there about three times
    assert max(grown) < added * 0.75
