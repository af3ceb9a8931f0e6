"""A model's life, played through: registered, promoted, refused, rolled back, retired; and who did it, and why."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import git
from tests.project.customers import customers
from tests.project.running import environment, link_environment, poe
from tests.project.service import Service, running

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a first champion, on data with a slice."""
    return customers(tmp_path_factory.mktemp("life") / "churn", template, tmp_path_factory)


def refused(project: Path, *task: str) -> str:
    """What a task says that must fail."""
    command = ["uv", "run", "poe", *task]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def train(project: Path, **changes: object) -> None:
    """Train with other parameters."""
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params["model"].update(changes)
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    poe(project, "repro")
    git("commit", "--quiet", "--no-verify", "--all", "--message", "other parameters", cwd=project)


def champion(project: Path) -> int:
    number: int = yaml.safe_load((project / "champion.yaml").read_text(encoding="utf-8"))["version"]
    return number


def at_once(project: Path, *task: str) -> list[str]:
    """What a task says that two people start at the same time."""
    command = ["uv", "run", "poe", *task]
    running = [
        subprocess.Popen(command, cwd=project, env=environment(), stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    return said


def run_of(project: Path) -> str:
    """The run of the model in model/: what the service calls its version."""
    return (project / "model/run_id").read_text(encoding="utf-8").strip()


def test_a_life(project: Path) -> None:
    """Every move, and what the running service answers with after it."""
    with running(project, RELOAD_SECONDS="0.3", PREDICTION_LOG=str(project / "logs")) as service:
        first = run_of(project)
        assert champion(project) == 1
        assert service.becomes(first)
        refuse_a_worse_one(project, service, first)
        promote_a_better_one(project, service)
        roll_back(project, service, first)
        retire(project, service, first)
        assert_every_move_is_in_the_record(project)


def refuse_a_worse_one(project: Path, service: Service, first: str) -> None:
    """Run as a shadow of the champion, it is seen to answer differently."""
    rows = [{"age": 21 + n, "income": 1000 + 17 * n, "region": ("north", "west")[n % 2]} for n in range(48)]
    assert len(service.predict(json.dumps({"rows": rows}).encode())["predictions"]) == len(rows)
    model = next(project.glob("src/*/model.py"))
    written = model.read_text(encoding="utf-8")
    model.write_text(written.replace("BlendClassifier(trees, categories)", "trees"), encoding="utf-8")
    train(project, max_iter=1, max_leaf_nodes=2, learning_rate=0.001)
    model.write_text(written, encoding="utf-8")
    assert "version 2" in poe(project, "register")
    shadow = poe(project, "shadow")
    assert "of 48 rows" in shadow
    assert "100.0%" not in shadow.splitlines()[0]
    assert (project / "report/shadow.html").is_file()
    assert "Not promoted" in refused(project, "promote")
    assert champion(project) == 1
    assert service.version() == first


def promote_a_better_one(project: Path, service: Service) -> None:
    """With a reason, which is recorded; two people promote it at the same time."""
    train(project, max_iter=300, max_leaf_nodes=15, learning_rate=0.1)
    better = run_of(project)
    assert "version 3" in poe(project, "register")
    promoted, other = sorted(at_once(project, "promote", "--reason", "more trees"), key=lambda said: "3 is" not in said)
    assert "version 3 is champion" in promoted
    assert "Next, commit champion.yaml" in promoted
    assert "no challenger" in other
    assert champion(project) == 3
    assert service.becomes(better)
    assert "prediction" in poe(project, "predict")


def roll_back(project: Path, service: Service, first: str) -> None:
    """The version before is champion again; without a challenger, nothing can be promoted."""
    assert "version 1 is champion again" in poe(project, "rollback", "--reason", "complaints")
    assert champion(project) == 1
    assert service.becomes(first)
    parameters = (project / "params.yaml").read_text(encoding="utf-8")
    (project / "params.yaml").write_text(parameters.replace("max_iter: 300", "max_iter: 301"), encoding="utf-8")
    said = poe(project, "promote")
    assert "no challenger. Since that run, params.yaml changed: uv run poe repro comes first" in said
    (project / "params.yaml").write_text(parameters, encoding="utf-8")


def retire(project: Path, service: Service, first: str) -> None:
    """With a reason: a retired version cannot be registered again, and a retired champion is not served."""
    assert "version 3 is retired" in poe(project, "retire", "3", "--reason", "it was trained on the wrong year")
    assert "which is retired" in refused(project, "register")
    assert service.version() == first
    poe(project, "retire", "1", "--reason", "unfair to some", "--even-champion")
    assert "is retired: unfair to some" in refused(project, "predict")
    assert service.becomes("is retired: unfair to some")


def assert_every_move_is_in_the_record(project: Path) -> None:
    """With who made it and why, on the status page too."""
    status = poe(project, "status")
    poe(project, "status-page")
    page = (project / "report/status.html").read_text(encoding="utf-8")
    for words in ("more trees", "complaints", "it was trained on the wrong year", "unfair to some", "Test"):
        assert words in status
        assert words in page
    assert status.count("retired") >= 2
    assert status.count(" promote ") == 2
    assert "nothing is served" in page


def forget(project: Path, column: str) -> None:
    """Train without a column: the model knows nothing of what it says."""
    model = project / "src/churn/model.py"
    git("checkout", "--quiet", "origin/HEAD", "--", "src", cwd=project)
    kept = f'replace(contract, columns=tuple(c for c in contract.columns if c.name != "{column}"))'
    text = model.read_text(encoding="utf-8").replace("preprocessor(contract)", f"preprocessor({kept})")
    text = text.replace("from typing import Any\n", "from dataclasses import replace\nfrom typing import Any\n")
    model.write_text(text, encoding="utf-8")
    poe(project, "repro")
    git("commit", "--quiet", "--no-verify", "--all", "--message", f"without {column}", cwd=project)
    poe(project, "register")


@pytest.mark.soak  # tests/kit/test_promotion.py refuses such a one
def test_a_model_that_is_better_but_worse_on_a_slice_is_refused(project: Path, tmp_path: Path) -> None:
    """The west goes by income, the rest by age: who knows age alone is better in all, and of no use in the west."""
    folder = tmp_path / "churn"
    git("clone", "--quiet", str(project), str(folder), cwd=tmp_path)
    link_environment(project, folder)
    subprocess.run(["cp", "-r", f"{project}/data", str(folder)], check=True)
    (folder / "champion.yaml").unlink()
    forget(folder, "age")
    assert "version 1 is champion" in poe(folder, "promote")
    forget(folder, "income")
    said = refused(folder, "promote")
    assert "but it is worse where region=west" in said
    assert "region=north" not in said
    assert "gates.a_slice_may_fall_by in params.yaml" in said
    assert champion(folder) == 1
