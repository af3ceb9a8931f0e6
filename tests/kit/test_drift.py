"""Drift is found and named where there is some, and nowhere else."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlops_kit import models
from mlops_kit.contract import Contract
from mlops_kit.data import TEST, TRAIN
from mlops_kit.ground import Project, using
from mlops_kit.models import Champion
from mlops_kit.monitoring import drift, monitor
from mlops_kit.monitoring.drift_page import page
from mlops_kit.monitoring.errors import TooFewRowsError
from sklearn.linear_model import LogisticRegression

from tests.kit.kinds import kinds
from tests.kit.projects import copied, write

DICE = np.random.default_rng(7)
EVERY = kinds("grades", "prices", "truths")


def found(comparisons: list[drift.Comparison]) -> list[drift.Comparison]:
    """The ones that are drift."""
    return [one for one in drift.holm(comparisons) if one.found]


@EVERY
def test_rows_like_the_training_rows_are_no_drift(contract: Contract) -> None:
    looks = [
        found(list(drift.columns(contract, contract.sample(800), contract.sample(300, seed)))) for seed in range(1, 9)
    ]
    assert sum(map(bool, looks)) <= 1


def test_values_that_go_missing_are_found() -> None:
    values = pd.Series(DICE.normal(size=500))
    gaps = values.where(np.arange(500) % 5 != 0)
    assert found([drift.missing("age", values, gaps)])[0].sentence == "age: 20.0% are missing, 0.0% were"


def test_another_unit_is_named() -> None:
    metres = DICE.lognormal(2, 0.4, 500)
    (one,) = found([drift.numbers("height", metres, DICE.lognormal(2, 0.4, 400) * 100)])
    assert "its unit seems to have changed, by a factor of 100" in one.sentence


def test_a_category_that_is_new_or_gone_is_named() -> None:
    before = pd.Series(DICE.choice(["north", "south", "west"], 600))
    now = pd.Series(DICE.choice(["north", "south", "east"], 300))
    (one,) = found([drift.categories("region", before, now)])
    assert "new: 'east'" in one.sentence
    assert "gone: 'west'" in one.sentence


@pytest.mark.parametrize(
    ("shares", "rows"),
    [([12] * 8 + [0.1], 60), ([98, 1, 1], 30), ([1] * 250, 30)],
    ids=["one is rare", "one is common", "all are rare"],
)
def test_rare_categories_raise_no_false_alarm(shares: list[float], rows: int) -> None:
    likely, dice, columns, alarms = np.array(shares) / sum(shares), np.random.default_rng(1), 20, 0
    for _ in range(60):
        looks = [dice.multinomial([2000, rows], likely) for _ in range(columns)]
        seen = [counts[:, counts.any(axis=0)] for counts in looks]
        alarms += min(drift.independence(drift.pooled(counts)) for counts in seen) < drift.ALPHA / columns
    assert alarms <= 6  # of 60 looks, in 3 at most is one expected


def test_a_rare_category_that_becomes_common_is_found() -> None:
    names = [f"c{number}" for number in range(9)]
    before, now = ([12] * 8 + [0.1], [9] * 8 + [24])
    samples = [pd.Series(DICE.choice(names, 500, p=np.array(shares) / sum(shares))) for shares in (before, now)]
    (one,) = found([drift.categories("region", *samples)])
    assert "'c8' is" in one.sentence


def test_a_small_shift_of_many_rows_does_not_matter() -> None:
    one = drift.numbers("age", DICE.normal(0, 1, 100_000), DICE.normal(0.05, 1, 100_000))
    assert one.p < 1e-6
    assert not found([one])


def test_a_date_may_go_on() -> None:
    dates = pd.Series(pd.date_range("2020-01-01", periods=200))
    assert not found(list(drift.one_column("day", "date", dates, dates + pd.Timedelta("400D"))))


def test_many_columns_raise_no_false_alarm() -> None:
    same = [drift.numbers(f"x{number}", DICE.normal(size=200), DICE.normal(size=200)) for number in range(200)]
    assert not found(same)


@EVERY
def test_a_broken_line_of_the_log_is_left_out(
    contract: Contract, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = contract.sample(40).drop(columns=contract.target)
    lines = [json.dumps({"row": row}) for row in json.loads(rows.to_json(orient="records", date_format="iso"))]
    (tmp_path / "predictions-1.jsonl").write_text("\n".join(lines)[:-20], encoding="utf-8")
    read, source = monitor.rows_of_log(contract, tmp_path, days=0)
    assert len(read) == 39
    assert source == "39 rows of the prediction log, of all days"
    assert "1 lines of the prediction log are broken" in capsys.readouterr().err


def log_of_weeks(contract: Contract, folder: Path, weeks: list[int]) -> pd.DataFrame:
    """A log with that many rows a week, the oldest week first, all asked in its middle. Gives back the last week's."""
    dice, kept = iter(range(100)), pd.DataFrame()
    for place, count in enumerate(weeks):
        when = datetime.now(UTC) - timedelta(days=7 * (len(weeks) - place) - 3)
        kept = contract.sample(count, seed=next(dice)).drop(columns=contract.target)
        told = json.loads(kept.to_json(orient="records", date_format="iso"))
        lines = [json.dumps(dict(time=when.isoformat(), version="one", row=row)) + "\n" for row in told]
        (folder / f"predictions-{when:%Y-%m-%d}-1.jsonl").write_text("".join(lines), encoding="utf-8")
    return kept


@EVERY
def test_the_log_is_looked_at_by_the_week_and_the_old_is_not_in_it(contract: Contract, tmp_path: Path) -> None:
    newest = log_of_weeks(contract, tmp_path, [50] * 11 + [40])
    read, source = monitor.rows_of_log(contract, tmp_path, days=7)
    assert source == "40 rows of the prediction log, of the last 7 days"
    pd.testing.assert_frame_equal(read, contract.coerce(newest))
    assert len(monitor.rows_of_log(contract, tmp_path, days=0)[0]) == 590


def test_a_quiet_week_is_nothing_to_look_at_and_no_failure(
    project: Project,
    contract: Contract,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PREDICTION_LOG", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["drift", "--fail"])
    with using(copied(project, tmp_path, "contract.yaml")):
        monitor.main()
        assert f"start the service with PREDICTION_LOG={tmp_path}" in capsys.readouterr().out
        log_of_weeks(contract, tmp_path, [60, 5])
        monitor.main()
        assert "the data is not here" in capsys.readouterr().out
        write(tmp_path / contract.source.path, "")
        monitor.main()
    said = capsys.readouterr().out
    assert "nothing to look at: 5 rows of the prediction log, of the last 7 days, are too few" in said
    assert "uv run poe drift --days 28" in said
    told = (tmp_path / "report/drift.prom").read_text(encoding="utf-8")
    assert "model_drift_rows 5\n" in told
    assert "model_drift_checked_timestamp_seconds " in told
    assert "model_drift_found{" not in told


@pytest.mark.parametrize("days", ["-1", "x", "1e3", "9999999", "2.5"])
def test_a_number_of_days_that_is_none_is_said(
    days: str, project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["drift", f"--days={days}"])
    with pytest.raises(SystemExit):
        monitor.main()
    assert "is no number of days from 0, which is all" in capsys.readouterr().err


CHAMPION = Champion(3, "a model", "its data", "a commit", "", {})


@pytest.fixture
def newer(project: Project, contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project whose prepared data is newer than the champion's: 70 rows to train on, 50 to test on."""
    (tmp_path / "data/prepared").mkdir(parents=True)
    for path, rows in ((TRAIN, 70), (TEST, 50)):
        contract.sample(rows, seed=9).to_parquet(tmp_path / path)
    monkeypatch.setattr(models, "data_md5", lambda: "newer data")
    with using(copied(project, tmp_path, "contract.yaml", "params.yaml", "src")) as here:
        yield here


def given(contract: Contract, drop: str = "") -> Callable[[Champion, str, Path], bool]:
    """A cache of DVC that has the parts of the champion's run, 90 and 60 rows, where `drop` was no column yet."""

    def of_run(champion: Champion, path: str, folder: Path) -> bool:
        assert (champion, path) == (CHAMPION, "data/prepared")
        folder.mkdir(parents=True)
        for name, rows in (("train", 90), ("test", 60)):
            kept = contract.sample(rows).drop(columns=[drop] if drop else [])
            kept.to_parquet(folder / f"{name}.parquet")
        return True

    return of_run


@EVERY
@pytest.mark.usefixtures("newer")
def test_rows_are_compared_with_what_the_champion_was_trained_on(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "of_run", given(contract))
    known = monitor.parts(contract, CHAMPION)
    pd.testing.assert_frame_equal(known.train, contract.sample(90))
    pd.testing.assert_frame_equal(known.test, contract.sample(60))
    assert (known.own, known.name) == (True, "the training part of the champion (version 3)")


@kinds("grades", "prices")
@pytest.mark.parametrize("is_there", [False, True], ids=["it is gone", "it has other columns"])
def test_where_that_cannot_be_had_it_is_said_and_the_model_is_not_asked(
    is_there: bool, newer: Project, contract: Contract, saved: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = given(contract, contract.features[0].name) if is_there else lambda *_: False
    monkeypatch.setattr(models, "of_run", gone)
    monkeypatch.setattr(models, "read_champion", lambda: CHAMPION)
    monkeypatch.setattr(models, "champion_folder", lambda: saved)
    contract.sample(40).to_parquet(tmp_path / "now.parquet")
    found, source = monitor.look(tmp_path / "now.parquet", 7)
    assert "against 70 rows of newer data, since that of the champion (version 3) is not to be had" in source
    assert source in (newer.root / "report/drift.html").read_text(encoding="utf-8")
    assert not [one for one in found if one.kind == "quality" or one.column == drift.PREDICTION]


def test_too_few_rows_say_nothing(newer: Project, contract: Contract, tmp_path: Path) -> None:
    rows = contract.sample(20)
    with pytest.raises(TooFewRowsError, match="20 rows are too few"):
        drift.compare(contract, rows, rows, rows)
    rows.to_parquet(tmp_path / "now.parquet")
    with pytest.raises(monitor.MonitorError, match=r"20 rows of now\.parquet: 20 rows are too few"):
        monitor.look(tmp_path / "now.parquet", 7)


def test_a_model_that_answers_worse_than_on_its_test_part_is_found(
    contract: Contract, parts: tuple[pd.DataFrame, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "DEALS", 20)
    train, test = parts
    model = LogisticRegression().fit(contract.coerce(train), contract.labels(train))

    def quality(now: pd.DataFrame, metric: str = "accuracy") -> list[drift.Comparison]:
        return [one for one in drift.compare(contract, train, test, now, model, metric) if one.kind == "quality"]

    wrong = test.assign(side=test["side"].map({"in": "out", "out": "in"}))
    (one,) = quality(wrong)
    assert one.found
    assert re.search(r"accuracy is 0\.[01]\d+, it was (1\.0|0\.9|0\.8)", one.sentence)
    (same,) = quality(test)
    assert not same.found
    assert quality(test.assign(side="in"), "roc_auc") == [], "a metric of two classes says nothing of one"
    unlabelled = drift.compare(contract, train, test, test.assign(side=None), model, "accuracy")
    assert {one.column for one in unlabelled} == {"x", "y", drift.PREDICTION}


@pytest.mark.usefixtures("newer")
def test_poe_drift_names_what_moved_and_fails_where_it_is_asked_to(
    contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = contract.sample(60, seed=9)
    moved, same = tmp_path / "moved.parquet", tmp_path / "same.parquet"
    rows.to_parquet(same)
    rows.assign(x=contract.sample(60, seed=5)["x"] + 2).to_parquet(moved)

    def said(*options: str) -> str:
        monkeypatch.setattr("sys.argv", ["drift", *options])
        monitor.main()
        return capsys.readouterr().out

    quiet = said(str(same), "--fail")
    assert quiet.startswith("looked at 60 rows of same.parquet against 70 rows of the training part\n")
    assert re.search(r"\n0 of \d+ comparisons are drift: report/drift\.html\n$", quiet)
    assert "drift: x: " in said(str(moved))
    with pytest.raises(SystemExit) as ended:
        said(str(moved), "--fail")
    assert ended.value.code == monitor.DRIFT
    with pytest.raises(SystemExit):
        said(str(moved), "--days", "3")
    assert "of a file, all rows are looked at" in capsys.readouterr().err
    (tmp_path / TRAIN).unlink()
    with pytest.raises(SystemExit, match=r"^There is nothing to compare with: data/prepared is not here\. Run: uv run"):
        said(str(same))


@EVERY
def test_the_page_and_the_metrics_say_the_same(contract: Contract) -> None:
    train, now = contract.sample(300), contract.sample(100, seed=3)
    comparisons = drift.holm(list(drift.columns(contract, train, now)))
    shown = page(comparisons, contract, train, now, "a <file>")
    assert "a &lt;file&gt;" in shown
    assert shown.count("<tr") == len(comparisons) + 1
    lines = [line for line in monitor.metrics(comparisons, 100) if line.startswith("model_drift_effect")]
    assert len(lines) == len(comparisons)
    assert all(
        re.fullmatch(r'model_drift_effect\{model="[^"]+",column=".+",kind="\w+"\} [\d.]+', line) for line in lines
    )
