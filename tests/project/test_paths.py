"""The main paths, really run: from `mlops new` to a champion, and from a fresh clone back to it (L3)."""

import csv
import json
import os
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.conftest import PATIENCE, git
from tests.project.running import RUN, environment, first, link_environment, poe, serving, with_answers

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default project with a documentation site, in a folder with a space."""
    answers = ["--data", "extras=[container, monitoring, docs]"]
    return with_answers(first(template, tmp_path_factory), tmp_path_factory.mktemp("a b") / "churn", *answers)


def test_it_is_committed_with_a_champion(template: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    project = first(template, tmp_path_factory)
    assert git("status", "--porcelain", cwd=project) == ""
    assert git("log", "--format=%s", cwd=project).splitlines() == [
        "feat: the first champion",
        "feat: project from the mlops template",
    ]
    champion = yaml.safe_load((project / "champion.yaml").read_text(encoding="utf-8"))
    assert champion["metrics"]["roc_auc_ovr_weighted"] > 0.9
    # Nothing was made beside it, such as a folder with %20 for the space.
    assert [path.name for path in project.parent.iterdir()] == ["churn"]
    assert not [path for path in project.parents[1].iterdir() if "%" in path.name]


def test_a_second_run_of_everything_changes_nothing(project: Path) -> None:
    assert "up to date" in poe(project, "repro")
    assert "already registered as version 1" in poe(project, "register")
    assert "champion" in poe(project, "status")
    assert git("status", "--porcelain", cwd=project) == ""


@pytest.mark.soak  # the checks in tests/ci/test_executed.py set up such a clone, without a remote, too
def test_a_fresh_clone_gets_the_same_champion(project: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git("clone", "--quiet", str(project), str(clone), cwd=tmp_path)
    link_environment(project, clone)
    said = poe(clone, "setup")
    assert "same predictions" in said
    assert "smoke test: a model was trained" in said
    # No data lies there for a `git add --all` to take.
    assert git("status", "--porcelain", cwd=clone).split() == ["M", "dvc.lock"]
    poe(clone, "repro")
    assert "prediction" in poe(clone, "predict")
    mine, theirs = (json.loads((folder / "metrics.json").read_text(encoding="utf-8")) for folder in (clone, project))
    assert mine == theirs


def test_both_setups_say_the_same_and_find_a_model_that_does_not_work(project: Path) -> None:
    command = [*RUN, "setup", str(project)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert poe(project, "setup") in done.stderr
    assert "uv run poe predict" in done.stderr
    assert git("status", "--porcelain", cwd=project) == ""
    model = project / "src/churn/model.py"
    good = model.read_text(encoding="utf-8")
    model.write_text(good + "\n\ndef build(*_):\n    raise KeyError('depth')\n", encoding="utf-8")
    try:
        broken = subprocess.run(command, capture_output=True, text=True, check=False)
        assert broken.returncode == 1
        assert "The smoke test failed: KeyError('depth'). See where: uv run poe test" in broken.stderr
    finally:
        model.write_text(good, encoding="utf-8")


def test_the_cards_and_the_report_say_what_the_champion_is(project: Path) -> None:
    poe(project, "cards")
    model, data = ((project / name).read_text(encoding="utf-8") for name in ("MODEL_CARD.md", "DATA_CARD.md"))
    metrics = json.loads((project / "metrics.json").read_text(encoding="utf-8"))["metrics"]
    for name, value in metrics.items():
        assert f"| {name} | {value:.4f} |" in model
    for column in yaml.safe_load((project / "contract.yaml").read_text(encoding="utf-8"))["columns"]:
        assert f"| `{column}` |" in data
    for name in ("MODEL_CARD.md", "DATA_CARD.md"):
        (project / name).unlink()
    assert "## Metrics" in poe(project, "report")
    assert "up-to-date" in poe(project, "outdated").lower()


def test_its_site_shows_the_champion_and_ends_at_a_dead_link(project: Path) -> None:
    poe(project, "docs")
    page = {path.parent.name: path.read_text(encoding="utf-8") for path in (project / "site").rglob("index.html")}
    champion = yaml.safe_load((project / "champion.yaml").read_text(encoding="utf-8"))
    for name, value in champion["metrics"].items():
        assert re.search(rf"<td>{name}</td>\s*<td>{value:.4f}</td>", page["MODEL_CARD"])
    assert "feat: the first champion" in page["CHAMPIONS"]
    assert "<td><code>diagnosis</code></td>" in page["DATA_CARD"]
    build = (
        "An untrained pipeline from raw rows to predictions: boosted trees, and on few rows a linear model beside them."
    )
    assert build in page["code"]
    fetched = r'<(?:link|script|img)\b[^>]*(?:href|src)="(?:https?:)?//'
    assert not [name for name, text in page.items() if re.search(fetched, text)]
    assert git("status", "--porcelain", cwd=project) == ""

    (project / "docs/why.md").write_text("[the reason](nowhere.md)\n", encoding="utf-8")
    command = ["uv", "run", "poe", "docs"]
    try:
        broken = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True, check=False)
        assert broken.returncode == 1
        assert "why.md:1" in broken.stderr
        assert "The site is not built" in broken.stderr
        assert "Traceback" not in broken.stderr
    finally:
        (project / "docs/why.md").unlink()


def test_an_interrupted_set_up_goes_on(template: Path, tmp_path: Path) -> None:
    command = [*RUN, "new", str(tmp_path / "churn"), "-l", "--preset", "minimal", "--template", str(template)]
    broken = {**os.environ, "UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cold")}
    done = subprocess.run(command, env=broken, capture_output=True, text=True)
    assert done.returncode == 1
    assert "environment:" in done.stderr
    assert f"mlops setup {tmp_path / 'churn'}" in done.stderr
    again = subprocess.run([*RUN, "setup", str(tmp_path / "churn")], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert git("status", "--porcelain", cwd=tmp_path / "churn") == ""


def test_the_service_answers_as_the_champion_does(project: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    poe(project, "sample", "--rows", "30", "--output", str(rows))
    poe(project, "predict", str(rows), "--output", str(tmp_path / "answers.csv"))
    answers = list(csv.DictReader((tmp_path / "answers.csv").open(encoding="utf-8")))
    assert len(answers) == 30
    names = list(yaml.safe_load((project / "contract.yaml").read_text(encoding="utf-8"))["columns"])[:-1]
    body = {"rows": [{name: float(answer[name]) for name in names} for answer in answers]}
    with serving(project, environment()) as address:
        request = urllib.request.Request(
            f"{address}/predict", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            found = json.load(response)
    assert found["predictions"] == [answer["prediction"] for answer in answers]


def test_new_data_is_checked_and_what_was_written_in_the_contract_stays(project: Path, tmp_path: Path) -> None:
    file = project / "contract.yaml"
    rows = (project / "data/raw/example.csv").read_text(encoding="utf-8")
    (tmp_path / "first.csv").write_text(rows, encoding="utf-8")
    poe(project, "data", str(tmp_path / "first.csv"))
    file.write_text(file.read_text(encoding="utf-8") + "# a remark of mine\n", encoding="utf-8")
    (tmp_path / "second.csv").write_text("\n".join(rows.splitlines()[:-5]) + "\n", encoding="utf-8")
    before = len(rows.splitlines()) - 1
    assert f"{before - 5}, and {before} before" in poe(project, "data", str(tmp_path / "second.csv"))
    assert f"\nrows: {before - 5}\n" in file.read_text(encoding="utf-8")
    assert "# a remark of mine" in file.read_text(encoding="utf-8")
    assert "data: second.csv" in git("log", "-1", "--format=%s", cwd=project)
    (tmp_path / "third.csv").write_text(rows.replace("malignant", "unheard of"), encoding="utf-8")
    refused = subprocess.run(
        ["uv", "run", "poe", "data", str(tmp_path / "third.csv")],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 1
    assert "unheard of" in refused.stdout + refused.stderr
    assert git("status", "--porcelain", cwd=project) == ""
