"""Rows of JSON: lines of objects, a list of objects, or what pandas and web services wrap around them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_kit.contract.errors import ContractError

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

UNREADABLE = (ValueError, RecursionError)  # of json: the second for too many nested brackets


def json_frames(path: Path, encoding: str, size: int) -> Iterator[pd.DataFrame]:
    """The rows of a JSON file, `size` at a time; at least one frame. Raises ContractError."""
    # A row may leave a column out, so what the columns are is known at the end.
    names = list(dict.fromkeys(name for row in json_rows(path, encoding) for name in row))
    rows = json_rows(path, encoding)
    batch = list(islice(rows, size))
    yield _frame(batch, names)
    while batch := list(islice(rows, size)):
        yield _frame(batch, names)


def json_rows(path: Path, encoding: str) -> Iterator[Row]:
    """The rows of a JSON file as objects."""
    encoding = "utf-8-sig" if encoding.replace("_", "-").lower() == "utf-8" else encoding
    with path.open(encoding=encoding) as file:
        line = next((line for line in file if line.strip()), "")
        if _as_object(line) is not None:
            file.seek(0)
            yield from _lines(file, path)
            return
        file.seek(0)
        text = file.read()
    try:
        document = json.loads(text)
    except UNREADABLE as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "its numbers or its depth"
        raise ContractError(f"{path.name} is JSON that cannot be understood: {where}.", "Correct the file.") from None
    rows = _in_document(document)
    if rows is None:
        raise ContractError(
            f"{path.name} is JSON, but no list of rows.", "Give a list of objects, or an object a line."
        )
    yield from rows


def _as_object(line: str) -> Row | None:
    try:
        found = json.loads(line)
    except UNREADABLE:
        return None
    return found if isinstance(found, dict) and _in_document(found) is None else None


def _lines(file: Any, path: Path) -> Iterator[Row]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except UNREADABLE:
            row = None
        if not isinstance(row, dict):
            raise ContractError(f"{path.name}, line {number} is no JSON object: {line.strip()[:80]!r}.", "Correct it.")
        yield row


def _in_document(document: Any) -> list[Row] | None:
    """The rows of a document: a list of objects, the one list of objects in an object, or columns."""
    if isinstance(document, list):
        return document if document and all(isinstance(row, dict) for row in document) else None
    if not isinstance(document, dict) or not document:
        return None
    values = list(document.values())
    if isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):  # pandas, orient="split"
        return [dict(zip(map(str, document["columns"]), row, strict=True)) for row in document["data"]]
    lists = [found for value in values if isinstance(value, list) and (found := _in_document(value)) is not None]
    if len(lists) == 1:
        return lists[0]
    if all(isinstance(value, dict) for value in values) and len({tuple(value) for value in values}) == 1:
        values = [list(value.values()) for value in values]  # pandas, by columns
    if all(isinstance(value, list) for value in values) and len(set(map(len, values))) == 1 and len(values) > 1:
        return [dict(zip(document, row, strict=True)) for row in zip(*values, strict=True)]
    return None


def _frame(rows: list[Row], names: list[str]) -> pd.DataFrame:
    """Rows as a frame of plain types: numbers or bool where all cells are numbers or truths, else objects."""
    import pandas as pd

    return pd.DataFrame({name: _column([row.get(name) for row in rows]) for name in names})


def _column(cells: list[Any]) -> pd.Series:
    import pandas as pd

    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds & {dict, list}:
        cells = [json.dumps(cell, ensure_ascii=False) if isinstance(cell, (dict, list)) else cell for cell in cells]
    elif kinds and kinds <= {int, float}:
        whole = kinds == {int} and None not in cells and max(map(abs, cells)) < 2**63
        return pd.Series(cells, dtype="int64" if whole else "float64")
    elif kinds == {bool} and None not in cells:
        return pd.Series(cells, dtype=bool)
    return pd.Series(cells, dtype=object)
