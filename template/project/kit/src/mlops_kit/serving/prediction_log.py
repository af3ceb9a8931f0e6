"""The prediction log: what was asked and answered, for monitoring. Only where PREDICTION_LOG names a folder.

One line of JSON a row, in predictions-<UTC date>-<pid>.jsonl:
{"time": ISO 8601, "request": id, "version": the model's, "row": {column: value}, "prediction": value}
Where PREDICTION_LOG_DAYS is set, files of more days ago are removed when one of a new date is begun.

A request only leaves its batch in a queue; a thread writes. If the disk is too slow, rows are dropped and counted;
if it cannot be written at all, that is counted and said once. Neither ever fails a request.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mlops_kit.contract import Contract
from mlops_kit.ground import KitError
from mlops_kit.serving.observe import Metrics
from mlops_kit.serving.rows import Columns

log = logging.getLogger(__name__)
MOST_WAITING = 100_000  # rows
FLUSH_SECONDS = 4  # to write what is waiting, at the end: with DRAIN_SECONDS less than Kubernetes waits
WRITTEN = re.compile(r"predictions-(\d{4}-\d{2}-\d{2})-\d+\.jsonl", re.ASCII)  # the files of a log, and no others


@dataclass(frozen=True)
class Entry:
    """A batch that was answered."""

    time: datetime
    request: str
    version: str
    columns: Columns
    predictions: list[Any]


class PredictionLog:
    """Writes batches in a thread of its own, which the first one starts."""

    def __init__(self, folder: Path | None, contract: Contract, metrics: Metrics, days: int | None = None) -> None:
        self.folder, self.metrics, self.days = folder, metrics, days
        self.booleans = frozenset(contract.of_type("boolean"))
        self._waiting = 0
        self._counting = threading.Lock()
        self._queue: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="prediction log", daemon=True)
        if folder:
            self._thread.start()

    def offer(self, request: str, version: str, columns: Columns, predictions: list[Any]) -> None:
        """Leave a batch to be written, if there is room for it."""
        if self.folder is None:
            return
        count = len(predictions)
        with self._counting:
            room = self._waiting + count <= MOST_WAITING
            self._waiting += count if room else 0
        if room:
            self._queue.put(Entry(datetime.now(UTC), request, version, columns, predictions))
        else:
            self.metrics.log_rows.labels("dropped").inc(count)

    def close(self) -> None:
        """Write what is waiting, and end."""
        if self.folder:
            self._queue.put(None)
            self._thread.join(FLUSH_SECONDS)
            with self._counting:
                self.metrics.log_rows.labels("dropped").inc(self._waiting)

    def _run(self) -> None:
        while (entry := self._queue.get()) is not None:
            batch = [entry]
            # What came in meanwhile is written with it: one opening of the file for all.
            while not self._queue.empty() and len(batch) < 1000:
                following = self._queue.get()
                if following is None:
                    self._write(batch)
                    return
                batch.append(following)
            self._write(batch)

    def _write(self, batch: list[Entry]) -> None:
        rows = sum(len(entry.predictions) for entry in batch)
        outcome = "written"
        try:
            self._append(batch)
            self._failed = False
        except Exception as error:
            outcome = "failed"
            if not self._failed:
                log.error("the prediction log cannot be written: %s", error)
            self._failed = True
        self.metrics.log_rows.labels(outcome).inc(rows)
        with self._counting:
            self._waiting -= rows

    def _append(self, batch: list[Entry]) -> None:
        assert self.folder is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        by_date: dict[str, list[str]] = {}
        for entry in batch:
            by_date.setdefault(f"{entry.time:%Y-%m-%d}", []).extend(self._lines(entry))
        for day, lines in by_date.items():
            path = self.folder / f"predictions-{day}-{os.getpid()}.jsonl"
            new, begun = not path.exists(), "\n" if is_cut(path) else ""
            with path.open("a", encoding="utf-8") as file:
                file.write(begun + "".join(lines))
            if new and self.days is not None:
                remove_older(self.folder, date.fromisoformat(day), self.days)

    def _lines(self, entry: Entry) -> list[str]:
        named = dict(time=entry.time.isoformat(), request=entry.request, version=entry.version)
        names = list(entry.columns)
        values = zip(*(_plain(entry.columns[name], name in self.booleans) for name in names), strict=True)
        return [
            json.dumps(
                {**named, "row": dict(zip(names, row, strict=True)), "prediction": prediction}, ensure_ascii=False
            )
            + "\n"
            for row, prediction in zip(values, entry.predictions, strict=True)
        ]


def _plain(values: np.ndarray, boolean: bool) -> list[Any]:
    """A column as JSON has it: no NaN, dates as ISO 8601, truths as truths."""
    if values.dtype.kind == "M":
        return [None if np.isnat(value) else str(value) for value in values.astype("datetime64[us]")]
    if values.dtype.kind == "f":
        return [None if value != value else bool(value) if boolean else value for value in values.tolist()]
    return list(values.tolist())


def remove_older(folder: Path, today: date, days: int) -> None:
    """Remove a log's files of more than `days` before today. One that cannot be removed is said, and stays."""
    for path in folder.glob("predictions-*.jsonl"):
        day = day_of(path)
        if day and (today - day).days > days:
            try:
                path.unlink(missing_ok=True)  # another process of the service may have been first
            except OSError as error:
                log.error("a file of the prediction log cannot be removed: %s", error)


def day_of(path: Path) -> date | None:
    """The date that a log's file is of; None for a file that no log has written."""
    named = WRITTEN.fullmatch(path.name)
    if named and path.is_file() and not path.is_symlink():
        with suppress(ValueError):  # a day that no calendar has
            return date.fromisoformat(named[1])
    return None


def is_cut(path: Path) -> bool:
    """Whether a log ends in the middle of a line: its writer was killed, or its disk was full."""
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def from_environment(contract: Contract, metrics: Metrics) -> PredictionLog:
    """The log in the folder that PREDICTION_LOG names; one that writes nothing where it names none.

    Raises KitError where PREDICTION_LOG_DAYS is no number of days.
    """
    named, days = os.environ.get("PREDICTION_LOG"), os.environ.get("PREDICTION_LOG_DAYS") or None
    if days and not (days.isascii() and days.isdigit() and len(days) < 6 and int(days)):
        raise KitError(f"PREDICTION_LOG_DAYS is {days!r}: give a whole number of days from 1, or none to keep all.")
    return PredictionLog(Path(named) if named else None, contract, metrics, int(days) if days else None)
