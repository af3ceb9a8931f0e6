"""Watch the model: have the rows that it is asked about moved away from those that it was trained on?

    uv run poe drift FILE            a CSV or Parquet file, with or without the target
    uv run poe drift                 the prediction log in the folder that PREDICTION_LOG names (logs/ by default)
    uv run poe drift --days 30       more of it than the last 7 days, which is the default; 0 is all of it

The log is looked at by the week, since among all rows that were ever asked a few new ones do not show.

Writes report/drift.html for people, report/drift.json for programs, and report/drift.prom for Prometheus (by the
textfile collector of its node exporter). With --fail, drift is exit code 2.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_kit import models
from mlops_kit.contract import Contract, ContractError, coerce, load
from mlops_kit.data import TEST, TRAIN, train_part
from mlops_kit.ground import KitError, command, params, project
from mlops_kit.monitoring import asked, pages, textfile
from mlops_kit.monitoring.drift import FEWEST_ROWS, Comparison, compare
from mlops_kit.monitoring.drift_page import page
from mlops_kit.monitoring.errors import TooFewRowsError
from mlops_kit.serving.predict import chunks

if TYPE_CHECKING:
    import pandas as pd

DRIFT = 2  # exit code
DAYS = 7  # of the log
MOST_DAYS = 36_500


class MonitorError(KitError):
    """What keeps from looking: one sentence."""


class QuietError(MonitorError):
    """Hardly anything was asked, which is no failure: one sentence, and how many `rows` it was."""

    def __init__(self, told: str, rows: int) -> None:
        super().__init__(told)
        self.rows = rows


def look(file: Path | None, days: int) -> tuple[list[Comparison], str]:
    """Compare, write the three reports, give back what was compared, and which rows. `days` are of the log, 0 is all.

    Raises MonitorError, and QuietError where the log has too few rows.
    """
    contract = load()
    current, source = rows_of_file(contract, file) if file else rows_of_log(contract, asked.log_folder(), days)
    if not all((project().root / path).exists() for path in (TRAIN, TEST)):
        raise MonitorError("There is nothing to compare with: data/prepared is not here. Run: uv run poe repro")
    champion = models.read_champion()
    model = models.load_model(models.champion_folder()) if champion else None
    known = parts(contract, champion)
    try:
        metric = params()["evaluate"]["primary"]
        found = compare(contract, known.train, known.test, current, model if known.own else None, metric)
    except TooFewRowsError as error:
        raise MonitorError(f"{source}: {error}") from None
    source = f"{source} against {len(known.train)} rows of {known.name}"
    write(found, contract, known.train, current, source)
    return found, source


@dataclass(frozen=True)
class Parts:
    """The training and test part to compare with: the champion's `own`, or others; and what they are called."""

    train: pd.DataFrame
    test: pd.DataFrame
    name: str = "the training part"
    own: bool = True


def parts(contract: Contract, champion: models.Champion | None) -> Parts:
    """What the champion was trained and tested on. Where newer data is prepared, that is in DVC's cache or remote.

    Where it is not to be had, the newer parts: the champion may have learnt some of their test rows.
    """
    if champion is None or champion.data == models.data_md5():
        return Parts(*both(contract, project().root / TRAIN.parent))
    its, folder = f"champion (version {champion.version})", project().root / ".champion/drift"
    if models.of_run(champion, "data/prepared", folder):
        with suppress(ContractError):  # they may keep an older contract
            train, test = (coerce(contract, frame, with_target=True) for frame in both(contract, folder))
            return Parts(train, test, f"the training part of the {its}")
    why = f"newer data, since that of the {its} is not to be had or has other columns: what it answers is not looked at"
    return Parts(*both(contract, project().root / TRAIN.parent), why, own=False)


def both(contract: Contract, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training and the test part that are in a folder."""
    import pandas as pd

    return train_part(contract, folder / TRAIN.name), pd.read_parquet(folder / TEST.name)


def rows_of_file(contract: Contract, file: Path) -> tuple[pd.DataFrame, str]:
    """The rows of a file, typed by the contract; the target is kept where the file has it."""
    import pandas as pd

    raw = pd.concat(chunks(contract, file), ignore_index=True)
    return coerce(contract, raw, with_target=contract.target in raw.columns), f"{len(raw)} rows of {file.name}"


def rows_of_log(contract: Contract, folder: Path, days: int) -> tuple[pd.DataFrame, str]:
    """The rows of the prediction log in the last days, or all (0). Raises QuietError for too few."""
    rows = asked.read(folder, datetime.now(UTC) - timedelta(days=days) if days else None)
    source = f"{len(rows)} rows of the prediction log, {window(days)}"
    if len(rows) < FEWEST_ROWS:
        more = f"; look at more of it: uv run poe drift --days {4 * days}" if 0 < days <= MOST_DAYS // 4 else ""
        raise QuietError(f"{source}, are too few to say anything: at least {FEWEST_ROWS} are needed{more}", len(rows))
    return asked.frame(contract, rows), source


def window(days: int) -> str:
    """Which part of the log, in words."""
    return f"of the last {days} days" if days else "of all days"


def number_of_days(text: str) -> int:
    """What --days says. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= MOST_DAYS):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 0, which is all, to {MOST_DAYS}")
    return int(text)


# --- reports ---------------------------------------------------------------------------------------------------------


def write(found: list[Comparison], contract: Contract, train: pd.DataFrame, current: pd.DataFrame, source: str) -> None:
    """The page, the numbers, the metrics."""
    reports = project().reports
    pages.write("drift.html", page(found, contract, train, current, source))
    told = [asdict(one) | dict(found=one.found) for one in found]
    (reports / "drift.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    textfile.write(reports / "drift.prom", metrics(found, len(current)))


def metrics(found: list[Comparison], rows: int) -> Iterator[str]:
    """The comparisons in Prometheus' text format."""
    seen = [(dict(model=project().name, column=one.column, kind=one.kind), one) for one in found]
    effects = [(labels, one.effect) for labels, one in seen]
    yield from textfile.gauge("model_drift_effect", "How far it has moved since training, from 0 to 1.", effects)
    says = "Whether that is drift: unlikely by chance, and large enough to matter."
    yield from textfile.gauge("model_drift_found", says, [(labels, one.found) for labels, one in seen])
    yield from textfile.gauge("model_drift_rows", "The rows that were looked at.", [({}, rows)])
    yield from textfile.checked("model_drift_checked_timestamp_seconds", {})


def nothing_to_look_at() -> str:
    """Why the prediction log cannot be looked at; empty where it can."""
    folder = asked.log_folder()
    if asked.is_empty(folder):
        return f"name a file, or {asked.how_to_log(folder)}"
    if not (project().root / load().source.path).exists():
        return "the data is not here, and generated rows tell nothing about the log"
    return ""


@command
def main() -> None:
    """Look, and say what was found."""
    parser = argparse.ArgumentParser(prog="poe drift", description="Have the rows moved since training?")
    parser.add_argument("file", type=Path, nargs="?", help="CSV or Parquet; the prediction log by default")
    parser.add_argument("--days", type=number_of_days, help=f"of the prediction log: {DAYS} by default, 0 is all of it")
    parser.add_argument("--fail", action="store_true", help="exit with 2 where there is drift")
    options = parser.parse_args()
    if options.file and options.days is not None:
        parser.error("--days is for the prediction log: of a file, all rows are looked at")
    (project().reports / "drift.json").unlink(missing_ok=True)  # what an earlier look found is not found by this one
    if options.file is None and (missing := nothing_to_look_at()):
        print(f"nothing to look at: {missing}")
        return
    try:
        found, source = look(options.file, DAYS if options.days is None else options.days)
    except QuietError as quiet:
        print(f"nothing to look at: {quiet}")
        textfile.write(project().reports / "drift.prom", metrics([], quiet.rows))  # an alert of the week before ends
        return
    drifted = [one for one in found if one.found]
    print(f"looked at {source}")
    for one in drifted:
        print(f"drift: {one.sentence}")
    print(f"{len(drifted)} of {len(found)} comparisons are drift: report/drift.html")
    if drifted and options.fail:
        sys.exit(DRIFT)


if __name__ == "__main__":
    main()
