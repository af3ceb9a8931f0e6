"""A promotion compares fairly: on rows that neither model has learnt, with an interval, and of committed code only."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from mlops_kit import models, registry
from mlops_kit.contract import Contract, load, row_hashes
from mlops_kit.data import APART, checked_rows, split, write_parts
from mlops_kit.ground import Project, params, using
from mlops_kit.models import Champion
from mlops_kit.registry import comparing, promotion
from mlops_kit.registry.committed import made_by
from mlops_kit.training import fit, save, scorer

from tests.kit.kinds import kinds
from tests.kit.projects import copied, write

INCUMBENT = Champion(1, "the champion's", "", "a commit", "", {})
CHALLENGER: Any = SimpleNamespace(version=2, tags={"model_md5": "the challenger's"})


def prepare(project: Project, **rule: Any) -> Contract:
    """Split by another rule, and write the parts."""
    settings = yaml.safe_load((project.root / "params.yaml").read_text(encoding="utf-8"))
    settings["split"] |= rule
    write(project.root / "params.yaml", yaml.safe_dump(settings))
    contract = load()
    write_parts(*split(contract, checked_rows(contract)))
    return contract


def train(project: Project, contract: Contract, folder: Path, **parameters: Any) -> None:
    """A model of today's parts, in a folder."""
    model: Any = project.model.build(contract, {**params()["model"], **parameters})
    if parameters:  # the linear model beside them would make up for weak trees
        model.set_params(model=model[-1].trees)
    save(fit(model, contract), contract, folder)


@pytest.fixture
def rivals(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A champion of few trees on today's split; gives what splits anew, trains a challenger and lets both compare."""
    here = copied(project, tmp_path, "contract.yaml", "params.yaml", "pyproject.toml", "src", "data")
    with using(here):
        contract = prepare(here)
        train(here, contract, tmp_path / "champion", max_iter=1, learning_rate=0.01)
        shutil.copytree(tmp_path / "data/prepared", tmp_path / "before")
        learnt = row_hashes(contract, pd.read_parquet(tmp_path / "before/train.parquet"))

        def give(_: Champion, __: str, folder: Path) -> bool:
            shutil.copytree(tmp_path / "before", folder, dirs_exist_ok=True)
            return True

        monkeypatch.setattr(models, "of_run", give)
        monkeypatch.setattr(models, "champion_folder", lambda: tmp_path / "champion")
        monkeypatch.setattr(promotion, "trained_md5", lambda: "the challenger's")
        scored: list[pd.DataFrame] = []
        compared = comparing.compared

        def watched(*given: Any) -> Any:
            scored.append(given[3])
            return compared(*given)

        monkeypatch.setattr(promotion, "compared", watched)

        def compare(parameters: dict[str, Any], **rule: Any) -> str:
            train(here, prepare(here, **rule), tmp_path / "model", **parameters)
            try:
                return promotion.compare(CHALLENGER, INCUMBENT)
            finally:
                assert not any(np.isin(row_hashes(contract, rows), learnt).any() for rows in scored)

        yield compare


RULES = ({"by": "time", "column": "opened"}, {"by": "group", "column": "age"})


@pytest.mark.parametrize(
    "rule", [{"seed": 7, "test": 0.4}, *(pytest.param(rule, marks=pytest.mark.long) for rule in RULES)]
)
@kinds("grades")
def test_a_better_challenger_wins_whatever_the_split_became(rivals: Callable[..., str], rule: dict[str, Any]) -> None:
    told = rivals({}, **rule)
    assert " rows that the champion was not trained on" in told
    assert "90% of the differences from " in told


@kinds("prices")
def test_a_worse_challenger_is_refused_with_both_numbers(rivals: Callable[..., str]) -> None:
    with pytest.raises(registry.RegistryError, match=r"Not promoted: r2 -.*the champion's .*of 80"):
        rivals({"max_iter": 1, "learning_rate": 9.0}, seed=7)


@kinds("prices")
def test_a_better_challenger_that_falls_on_a_slice_is_refused(
    rivals: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "fallen", lambda *_: iter(["colour=red (0.5000, was 0.9000, on 30 rows)"]))
    told = (
        r"but it is worse where colour=red \(0.5000, .* on 30 rows\), by more than gates.a_slice_may_fall_by in params"
    )
    with pytest.raises(registry.RegistryError, match=told):
        rivals({}, seed=7)


@kinds("grades")
def test_a_champion_that_has_learnt_nearly_all_is_not_compared(rivals: Callable[..., str], tmp_path: Path) -> None:
    whole = [pd.read_parquet(tmp_path / f"before/{part}.parquet") for part in ("train", "test")]
    pd.concat(whole).to_parquet(tmp_path / "before/train.parquet")
    with pytest.raises(registry.RegistryError, match="has learnt 80 of the 80 test rows, and the others are too few"):
        rivals({}, seed=7)


def test_equal_rows_that_are_split_as_others_are_told_by_their_number(contract: Contract, tmp_path: Path) -> None:
    rows = contract.sample(2)
    today = rows.loc[[0] * 10 + [1] * 10].reset_index(drop=True)
    here = tmp_path / "data/prepared"
    here.mkdir(parents=True)
    today.loc[[*range(7), *range(10, 19)]].to_parquet(here / "train.parquet")
    test = today.loc[[7, 8, 9, 19]].reset_index(drop=True)
    learnt = row_hashes(contract, today.loc[[*range(8), *range(10, 20)]])  # of the first eight, of the second all
    assert len(comparing.without(contract, test, learnt)[0]) == 0
    test.attrs[APART] = True
    from dataclasses import replace

    from mlops_kit.ground import project as current

    with using(replace(current(), root=tmp_path)):
        kept, told = comparing.without(contract, test, learnt)
    assert len(kept) == 2, "two of the first ten are left, and none of the second"
    assert kept.duplicated().sum() == 1
    assert told == "on the 2 of 4 rows that the champion was not trained on (equal ones told by their number)"


# --- the interval ----------------------------------------------------------------------------------------------------


class Fixed:
    """A regression that answers by a rule."""

    def __init__(self, rule: Callable[[pd.DataFrame], Any]) -> None:
        self.predict = rule


@kinds("prices")
def test_what_rows_cannot_tell_apart_is_not_worse(contract: Contract, parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    test = parts[1]
    truth, dice = contract.labels(test), np.random.default_rng(0)

    def off_by(width: float) -> Fixed:
        return Fixed(lambda rows: truth[: len(rows)] + dice.normal(0, width, len(rows)))

    good, noisy, bad = off_by(5), off_by(5.1), off_by(40)
    alike = comparing.compared(noisy, good, contract, test, "r2")
    assert alike.low < 0 < alike.high
    assert not alike.worse
    far = comparing.compared(bad, good, contract, test, "r2")
    assert far.low <= far.new - far.old <= far.high < 0
    assert far.worse
    assert not comparing.compared(good, bad, contract, test, "r2").worse


@pytest.mark.long
@kinds("grades", "truths")
def test_kept_answers_are_scored_as_the_model_is(contract: Contract, model: Any, parts: Any) -> None:
    rows, labels = contract.coerce(parts[1]), contract.labels(parts[1])
    for metric in ("roc_auc_ovr_weighted", "accuracy", "neg_log_loss", "f1_macro"):
        found = comparing.compared(model, model, contract, parts[1], metric)
        assert found.new == found.old == round(float(scorer(metric, contract)(model, rows, labels)), 6)
        assert found.low == found.high == 0


# --- the commit ------------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(project: Project, tmp_path: Path) -> Any:
    """A repository with a model.py, and a dvc.lock that says that it was read for the model "m1"."""
    from dataclasses import replace

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=me", "-c", "user.email=me@example.com", *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    with using(replace(project, root=tmp_path)):
        run_pipeline(tmp_path, "m1", "# first\n", 1)
        yield git


def run_pipeline(folder: Path, model: str, code: str, trees: int) -> None:
    """What `poe repro` leaves."""
    write(folder / "src/model.py", code)
    write(folder / "params.yaml", yaml.safe_dump({"model": {"trees": trees}, "gates": {}}))
    md5 = hashlib.md5(code.encode()).hexdigest()
    train = {
        "deps": [{"path": "src/model.py", "md5": md5}, {"path": "data/prepared", "md5": "x.dir"}],
        "params": {"params.yaml": {"model": {"trees": trees}}},
        "outs": [{"path": "model", "md5": model}],
    }
    write(folder / "dvc.lock", yaml.safe_dump({"stages": {"train": train}}))


def test_a_model_whose_code_is_not_committed_is_not_promoted(repository: Callable[..., str], tmp_path: Path) -> None:
    assert made_by("m1") == "", "there is no commit yet, as outside git"
    repository("add", "--all")
    repository("commit", "--quiet", "--message", "first")
    first = repository("rev-parse", "HEAD")
    assert made_by("m1") == first
    run_pipeline(tmp_path, "m2", "# second\n", 2)
    with pytest.raises(registry.RegistryError, match=r"read it: src/model.py, params.yaml.*git commit"):
        made_by("m2")
    repository("commit", "--quiet", "--message", "half", "dvc.lock", "params.yaml")
    with pytest.raises(registry.RegistryError, match=r"read it: src/model.py"):
        made_by("m2")
    repository("commit", "--quiet", "--all", "--message", "the other half")
    assert made_by("m2") == repository("rev-parse", "HEAD")
    repository("commit", "--quiet", "--allow-empty", "--message", "another")
    assert made_by("m1") == first


def test_a_release_that_commits_its_lock_later_names_the_commit_that_it_ran(
    repository: Callable[..., str], tmp_path: Path
) -> None:
    repository("add", "--all")
    repository("commit", "--quiet", "--message", "first")
    run_pipeline(tmp_path, "made in CI", "# first\n", 1)
    assert made_by("made in CI") == repository("rev-parse", "HEAD")
    with pytest.raises(registry.RegistryError, match=r"read it: dvc.lock"):
        made_by("of nowhere")
