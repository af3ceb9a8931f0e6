"""Watch the model: have the rows that it is asked about moved away from those that it was trained on?

uv run poe drift FILE            a CSV or Parquet file, with or without the target
uv run poe drift                 the prediction log in the folder that PREDICTION_LOG names (logs/ by default)

Writes report/drift.html for people, report/drift.json for programs, and report/drift.prom for Prometheus (by the
textfile collector of its node exporter). With --fail, drift is exit code 2.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from . import ROOT, params, tracking
from .contract import Contract, ContractError, coerce, load
from .drift import Comparison, compare
from .drift_page import page
from .predict import chunks

if TYPE_CHECKING:
    import pandas as pd

FOLDER = ROOT / "report"
LOGS = ROOT / "logs"
DRIFT = 2  # exit code


class MonitorError(Exception):
    """What keeps from looking: one sentence."""


def look(file: Path | None) -> list[Comparison]:
    """Compare, write the three reports, give back what was compared."""
    import pandas as pd

    contract = load()
    prepared = [ROOT / f"data/prepared/{part}.parquet" for part in ("train", "test")]
    if not all(path.exists() for path in prepared):
        raise MonitorError("There is nothing to compare with: data/prepared is not here. Run: uv run poe repro")
    train, test = (pd.read_parquet(path) for path in prepared)
    current, source = rows_of_file(contract, file) if file else rows_of_log(contract, log_folder())
    model = tracking.load_model(tracking.champion_folder()) if tracking.read_champion() else None
    try:
        found = compare(contract, train, test, current, model, params()["evaluate"]["primary"])
    except ValueError as error:
        raise MonitorError(f"{source}: {error}") from None
    write(found, contract, train, current, source)
    return found


def log_folder() -> Path:
    """Where the service writes its prediction log."""
    return Path(os.environ.get("PREDICTION_LOG") or LOGS)


def rows_of_file(contract: Contract, file: Path) -> tuple[pd.DataFrame, str]:
    """The rows of a file, typed by the contract; the target is kept where the file has it."""
    import pandas as pd

    raw = pd.concat(chunks(contract, file), ignore_index=True)
    return coerce(contract, raw, with_target=contract.target in raw.columns), file.name


def rows_of_log(contract: Contract, folder: Path) -> tuple[pd.DataFrame, str]:
    """The rows of a prediction log; a line that was cut off in the middle is left out, and said."""
    import pandas as pd

    rows, broken = [], 0
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    rows.append(json.loads(line)["row"])
                except (json.JSONDecodeError, KeyError, TypeError):
                    broken += 1
    if broken:
        print(f"{broken} lines of the prediction log are broken, and left out", file=sys.stderr)
    return contract.coerce(pd.DataFrame(rows)), f"{len(rows)} rows of the prediction log"


# --- reports ---------------------------------------------------------------------------------------------------------


def write(found: list[Comparison], contract: Contract, train: pd.DataFrame, current: pd.DataFrame, source: str) -> None:
    """The page, the numbers, the metrics."""
    FOLDER.mkdir(exist_ok=True)
    told = [asdict(one) | dict(found=one.found) for one in found]
    (FOLDER / "drift.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (FOLDER / "drift.html").write_text(page(found, contract, train, current, source), encoding="utf-8")
    fresh = FOLDER / "drift.prom.new"
    fresh.write_text("\n".join(metrics(found, len(current))) + "\n", encoding="utf-8")
    fresh.replace(FOLDER / "drift.prom")  # whole or not at all: the collector may read at any time


def metrics(found: Iterable[Comparison], rows: int) -> Iterable[str]:
    """The comparisons in Prometheus' text format."""
    yield "# HELP model_drift_effect How far a column has moved since training, from 0 to 1."
    yield "# TYPE model_drift_effect gauge"
    for one in found:
        yield f"model_drift_effect{labels(one)} {one.effect:.6f}"
    yield "# HELP model_drift_found Whether that is drift: unlikely by chance, and large enough to matter."
    yield "# TYPE model_drift_found gauge"
    for one in found:
        yield f"model_drift_found{labels(one)} {int(one.found)}"
    yield "# HELP model_drift_rows The rows that were looked at."
    yield "# TYPE model_drift_rows gauge"
    yield f"model_drift_rows {rows}"
    yield "# HELP model_drift_checked_timestamp_seconds When it was looked."
    yield "# TYPE model_drift_checked_timestamp_seconds gauge"
    yield f"model_drift_checked_timestamp_seconds {time.time():.0f}"


def labels(one: Comparison) -> str:
    """Prometheus' labels of a comparison."""
    escaped = one.column.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    pairs = dict(model=tracking.NAME, column=escaped, kind=one.kind)
    return "{" + ",".join(f'{name}="{value}"' for name, value in pairs.items()) + "}"


def main() -> None:
    """Look, and say what was found."""
    parser = argparse.ArgumentParser(prog="poe drift", description="Have the rows moved since training?")
    parser.add_argument("file", type=Path, nargs="?", help="CSV or Parquet; the prediction log by default")
    parser.add_argument("--fail", action="store_true", help="exit with 2 where there is drift")
    options = parser.parse_args()
    if options.file is None and not any(log_folder().glob("*.jsonl")):
        print(f"nothing to look at: name a file, or let the service write its log to {log_folder()}")
        return
    try:
        found = look(options.file)
    except (MonitorError, ContractError, tracking.ChampionError) as error:
        sys.exit(str(error))
    drifted = [one for one in found if one.found]
    for one in drifted:
        print(f"drift: {one.sentence}")
    print(f"{len(drifted)} of {len(found)} comparisons are drift: report/drift.html")
    if drifted and options.fail:
        sys.exit(DRIFT)


if __name__ == "__main__":
    main()
