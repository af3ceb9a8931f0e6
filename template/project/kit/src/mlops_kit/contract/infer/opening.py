"""A data file, opened: how it is written, and its cells."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from mlops_kit.contract.coercion import plain_name
from mlops_kit.contract.contract import Source
from mlops_kit.contract.errors import ContractError
from mlops_kit.contract.files import csv_header, frames, reading
from mlops_kit.contract.infer.encodings import check_encoding, find_encoding
from mlops_kit.contract.infer.findings import Findings, listed
from mlops_kit.contract.infer.layout import LAST_RESORT, SEPARATORS, find_layout
from mlops_kit.contract.infer.style import find_numbers_style
from mlops_kit.contract.missing import MISSING
from mlops_kit.ground import doing

MOST_ROWS = 500_000  # that are looked at closely
HEAD = 1 << 20  # characters that tell the layout
OTHERS = {b"PK": "a zip or Excel file", b"\x1f\x8b": "a gzip file", b"%PDF": "a PDF", b"<": "XML or HTML"}
UTF_8 = ("utf-8", "utf-8-sig", "ascii")


def open_table(
    path: Path,
    target: str | None,
    found: Findings,
    encoding: str | None = None,
    missing: tuple[str, ...] | None = None,
) -> tuple[Source, pd.DataFrame, pd.Series]:
    """How the file is written, its cells (strings from CSV, else a format's own types), and the target of all rows.

    `encoding` and `missing` are what a person says of it. Raises ContractError for what is no table.
    """
    if not path.is_file():
        raise ContractError(f"There is no file {path}.", "Check the path.")
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip():
        raise ContractError(f"{path.name} is empty.", "Give a CSV, JSON or Parquet file with a header and rows.")
    if head[:4] == b"PAR1":
        source = Source(path.as_posix(), format="parquet", missing=missing or ())
    else:
        source = replace(sniff(path, head, found, encoding), path=path.as_posix())
        usual = MISSING[1:] if source.format == "csv" else ()
        source = replace(source, missing=usual if missing is None else missing)
    with reading(source, path):
        frame, labels = thinned(frames(source, path), target)
    refuse_duplicates([str(name) for name in frame.columns], path)
    if source.format == "csv":
        refuse_second_header(frame, len(labels), path)
        plain = [plain_name(name) or name for name in frame.columns]
        if len(set(plain)) == len(plain):
            frame.columns = pd.Index(plain)
        source = find_numbers_style(source, frame, found)
    return source, frame, labels


def thinned(batches: Iterator[pd.DataFrame], target: str | None) -> tuple[pd.DataFrame, pd.Series]:
    """A file's rows, of more than MOST_ROWS every second, fourth and so on; and the target of all its rows."""
    kept: list[pd.DataFrame] = []
    labels: list[pd.Series] = []
    rows, step = 0, 1
    for frame in batches:
        kept.append(frame.iloc[-rows % step :: step] if step > 1 else frame)
        labels.append(frame.iloc[:, _place(list(frame.columns), target or "")])
        rows += len(frame)
        doing("read the file", rows)
        if sum(map(len, kept)) > MOST_ROWS:
            kept, step = [pd.concat(kept, ignore_index=True).iloc[::2]], step * 2
    return pd.concat(kept, ignore_index=True), pd.concat(labels, ignore_index=True)


def _place(names: list[str], target: str) -> int:
    """Where the target is among the columns; 0 where it is none of them, which is said later."""
    plain = [plain_name(str(name)) for name in names]
    spellings = ((spelled, name) for spelled in (names, plain) for name in (target, plain_name(target)))
    return next((spelled.index(name) for spelled, name in spellings if name in spelled), 0)


def sniff(path: Path, head: bytes, found: Findings, encoding: str | None) -> Source:
    """Encoding, separator, quote and what else must be known to read a text file."""
    start = head.lstrip(b"\xef\xbb\xbf \r\n")
    for magic, kind in OTHERS.items():
        if start.startswith(magic):
            raise ContractError(f"{path.name} is {kind}, not a table.", "Save it as CSV or Parquet.")
    if encoding:
        check_encoding(path, encoding)
    else:
        encoding = find_encoding(path, head, found)
    with path.open(encoding=encoding, newline="") as file:
        text = file.read(HEAD)
        if len(text) == HEAD and file.read(1):  # what is cut is no row
            text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    if _is_json(text, path):
        found.info("read as JSON")
        return Source(path.as_posix(), format="json", encoding=encoding)
    try:
        layout = find_layout(text, path.name, found)
    except csv.Error as error:
        raise ContractError(f"{path.name} cannot be read: {error}.", "Check the file.") from None
    if encoding not in UTF_8 or layout.separator != ",":
        names = {**SEPARATORS, **LAST_RESORT}
        found.info(f"read as {encoding}, separated by {names.get(layout.separator, repr(layout.separator))}")
    source = Source(path.as_posix(), encoding=encoding, separator=layout.separator, quote=layout.quote)
    source = replace(source, escape=layout.escape, skip=layout.skip, units=layout.units, unnamed=layout.unnamed)
    refuse_duplicates(csv_header(path, source)[0], path)
    return source


def _is_json(text: str, path: Path) -> bool:
    """Whether a text begins as JSON does: a table may begin with a bracket too."""
    start = text.lstrip("\ufeff \t\r\n")
    if not start.startswith(("{", "[")):
        return False
    if path.suffix.lower() in (".json", ".jsonl", ".ndjson") or start[1:].lstrip()[:1] in ('"', "{"):
        return True
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def refuse_second_header(frame: pd.DataFrame, rows: int, path: Path) -> None:
    """Raise where a row repeats the header, as it does in files that were joined."""
    again = frame.index[frame.iloc[:, 0] == frame.columns[0]]
    again = again[(frame.loc[again] == frame.columns).all(axis=1)]
    if len(again):
        where = f"row {again[0] + 1} of the data" if len(frame) == rows else "a row of the data"
        raise ContractError(f"{path.name}: {where} repeats the header.", "Remove it.")


def refuse_duplicates(names: list[str], path: Path) -> None:
    """Raise for columns of the same name: which one is meant cannot be told."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ContractError(f"{path.name} has duplicate columns: {listed(twice)}.", "Rename or remove them.")
