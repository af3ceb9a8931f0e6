"""Drift, on real tables with known shifts: each is found and named, and chance is not taken for it."""

import json
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, git
from tests.project.customers import customers
from tests.project.running import environment, poe, serving

pytestmark = pytest.mark.long

# Runs in the project's environment: 200 resamples of real data without a shift.
RESAMPLES = """
import json, sys
import numpy as np, pandas as pd
from mlops_kit import models
from mlops_kit.contract import load
from mlops_kit.monitoring.drift import compare
contract = load()
train, test = (pd.read_parquet(f"data/prepared/{part}.parquet") for part in ("train", "test"))
model = models.load_model(models.champion_folder())
dice, alarms = np.random.default_rng(1), 0
everything = pd.concat([train, test], ignore_index=True)
for _ in range(200):
    order = dice.permutation(len(everything))
    one, two = everything.iloc[order[150:]], everything.iloc[order[:150]]
    # Columns and target alone: what a model answers to rows that it was trained on is no resample.
    alarms += any(found.found for found in compare(contract, one, one, two))
answers = 0
for _ in range(200):
    two = test.sample(100, replace=True, random_state=int(dice.integers(2**31)))
    looked = compare(contract, train, test, two, model)
    answers += any(one.found for one in looked if one.column == "(prediction)")
print(json.dumps([alarms, answers]))
"""

SHIFTS = """
import json, sys
import numpy as np, pandas as pd
from mlops_kit import models
from mlops_kit.contract import load
from mlops_kit.monitoring.drift import compare
contract = load()
train, test = (pd.read_parquet(f"data/prepared/{part}.parquet") for part in ("train", "test"))
model = models.load_model(models.champion_folder())
now = contract.read().sample(250, random_state=4).reset_index(drop=True)
shifted = {
    "unit": now.assign(income=now["income"] * 1000),
    "covariate": now.assign(age=now["age"] + 12),
    "label": pd.concat([now[now["churned"] == "yes"], now[now["churned"] == "no"].head(20)]),
    "quality": now.assign(churned=np.random.default_rng(3).permutation(now["churned"])),
}
shifted["unit"].to_csv(sys.argv[1], index=False)
found = {kind: compare(contract, train, test, rows, model, "roc_auc_ovr_weighted") for kind, rows in shifted.items()}
print(json.dumps({kind: [one.sentence for one in looked if one.found] for kind, looked in found.items()}))
"""

ROWS = """
import json
from mlops_kit.contract import load
rows = load().sample(60).drop(columns="churned")
rows.loc[:20, "region"] = "overseas"
print(rows.to_json(orient="records"))
"""

# tests/kit/test_drift.py has more kinds.
NAMED = {
    "unit": ["income", "its unit seems to have changed, by a factor of 1000"],
    "covariate": ["age: its median is"],
    "label": ["churned:", "it was"],
    "quality": ["roc_auc_ovr_weighted is 0."],
}


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project on a table with numbers and categories."""
    return customers(tmp_path_factory.mktemp("drift") / "churn", template, tmp_path_factory)


def python(project: Path, code: str, *arguments: str) -> str:
    command = ["uv", "run", "python", "-c", code, *arguments]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_a_known_shift_is_found_and_named(project: Path, tmp_path: Path) -> None:
    found = json.loads(python(project, SHIFTS, str(tmp_path / "now.csv")))
    for shift, named in NAMED.items():
        assert any(all(words in sentence for words in named) for sentence in found[shift]), (shift, found)
    command = ["uv", "run", "poe", "drift", "--fail", str(tmp_path / "now.csv")]
    done = subprocess.run(command, cwd=project, env=environment(), check=False, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    said = done.stdout
    drift = [line for line in said.splitlines() if line.startswith("drift: ")]
    assert any(all(words in line for words in NAMED["unit"]) for line in drift), said
    assert "no drift" not in (project / "report/drift.html").read_text(encoding="utf-8")
    told = json.loads((project / "report/drift.json").read_text(encoding="utf-8"))
    assert sum(one["found"] for one in told) == len(drift)


@pytest.mark.soak
def test_chance_is_not_taken_for_drift(project: Path) -> None:
    columns, answers = json.loads(python(project, RESAMPLES))
    assert columns < 10, f"{columns} of 200 resamples raised an alarm"
    assert answers < 10, f"{answers} of 200 resamples of predictions raised an alarm"


def test_prometheus_accepts_its_metrics(project: Path) -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not here (Debian: prometheus)")
    rows = project / "data/raw/churn.csv"
    poe(project, "drift", str(rows))
    metrics = (project / "report/drift.prom").read_text(encoding="utf-8")
    done = subprocess.run([promtool, "check", "metrics"], input=metrics, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_service_was_asked_is_looked_at_and_every_panel_has_its_numbers(project: Path, tmp_path: Path) -> None:
    rows = json.loads(python(project, ROWS))
    env = {**environment(), "PREDICTION_LOG": str(tmp_path / "logs")}
    with serving(project, env) as address:
        body = json.dumps({"rows": rows}).encode()
        request = urllib.request.Request(f"{address}/predict", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            assert len(json.load(response)["predictions"]) == len(rows)
        with urllib.request.urlopen(f"{address}/metrics", timeout=PATIENCE) as response:
            metrics = response.read().decode()
    done = subprocess.run(
        ["uv", "run", "poe", "drift"], cwd=project, env=env, check=False, capture_output=True, text=True
    )
    assert "region" in done.stdout
    assert "new: 'overseas'" in done.stdout
    metrics += (project / "report/drift.prom").read_text(encoding="utf-8")
    panels = json.loads((project / "monitoring/dashboard.json").read_text(encoding="utf-8"))["panels"]
    asked = {
        name for panel in panels for name in re.findall(r"(?:http|model|pred)\w*_\w+", panel["targets"][0]["expr"])
    }
    assert len(asked) > 5
    for name in asked:
        assert re.search(rf"^{name}\b", metrics, re.MULTILINE), name


@pytest.mark.soak  # tests/kit/test_promotion.py compares on the rows that are left
def test_on_newer_data_the_champion_is_not_asked_what_it_learnt(project: Path, tmp_path: Path) -> None:
    header, *lines = (project / "data/raw/churn.csv").read_text(encoding="utf-8").splitlines()
    newer = [f"{age},{int(income) + 1},{rest}" for age, income, rest in (line.split(",", 2) for line in lines[:300])]
    (tmp_path / "grown.csv").write_text("\n".join([header, *lines, *newer]) + "\n", encoding="utf-8")
    poe(project, "data", str(tmp_path / "grown.csv"))
    poe(project, "repro")
    # Whoever registers before the run is in git is told so.
    assert "git add --all && git commit" in poe(project, "register")
    git("commit", "--quiet", "--all", "--no-verify", "--message", "on newer data", cwd=project)
    command = ["uv", "run", "poe", "promote"]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True, check=False)
    found = re.search(r"on the (\d+) of (\d+) rows that the champion was not trained on", done.stdout + done.stderr)
    assert found, done.stdout + done.stderr
    assert 20 < int(found[1]) < int(found[2]) - 20
