"""The same table in CSV, Parquet, JSON lines and over HTTP gives the same typed rows."""

from __future__ import annotations

import csv
import json
import random
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlops_kit.contract import Contract, ContractError
from mlops_kit.contract.files import plain_types
from mlops_kit.contract.infer import infer
from mlops_kit.serving.rows import RowReader, RowsError

WORDS = ["None", "NA", "red", "Blue", "-", "yes", "nan", "a b", "Ö", "0", "null", " x ", 'say "so"', "1,5", "?"]
DAY = pd.Timestamp("2026-01-31")
Row = dict[str, Any]


def cell(kind: str, draw: random.Random, words: list[str]) -> Any:
    """A cell of a kind."""
    if kind == "number":
        return round(draw.gauss(0, 1000), draw.randrange(4))
    if kind == "whole":
        return draw.randrange(-50, 5000)
    if kind == "truth":
        return draw.random() < 0.4
    if kind == "day":
        return (date(2019, 1, 1) + timedelta(days=draw.randrange(900))).isoformat()
    if kind == "text":
        return " ".join(draw.choice(WORDS) for _ in range(4)) + str(draw.randrange(10**6))
    return draw.choice(words)


def table(seed: int) -> list[Row]:
    """Rows of random columns, some with missing cells, and a target `y`."""
    draw = random.Random(seed)
    kinds = [draw.choice(["number", "whole", "truth", "day", "text", "word"]) for _ in range(draw.randrange(1, 7))]
    columns = {f"{kind} {n}": (kind, draw.choice([0, 0, 0.2]), draw.sample(WORDS, 5)) for n, kind in enumerate(kinds)}
    rows = []
    for n in range(draw.randrange(40, 90)):
        row = {
            name: None if draw.random() < rare else cell(kind, draw, words)
            for name, (kind, rare, words) in columns.items()
        }
        rows.append({**row, "y": "ab"[n % 2]})
    return rows


def write_all(rows: list[Row], folder: Path) -> dict[str, Path]:
    """The table in each format."""
    paths = {kind: folder / f"rows.{kind}" for kind in ("csv", "parquet", "jsonl")}
    with paths["csv"].open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    pd.DataFrame(rows, dtype=object).infer_objects().to_parquet(paths["parquet"])
    paths["jsonl"].write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return paths


def over_http(contract: Contract, rows: list[Row]) -> pd.DataFrame:
    """The features as the service reads them from a request."""
    names = [column.name for column in contract.features]
    body = {"rows": [{name: row[name] for name in names} for row in rows]}
    read = RowReader(contract).read_body(json.dumps(body).encode())
    return pd.DataFrame({name: pd.Series(read[name], dtype=read[name].dtype) for name in names})


def differences(seed: int, folder: Path) -> list[str]:
    """Where the formats' typed rows differ from each other."""
    rows = table(seed)
    paths = write_all(rows, folder)
    found = []
    for origin, path in paths.items():
        try:
            contract, _ = infer(path, "y")
        except ContractError as error:
            found += [] if "is left to predict" in str(error) else [f"seed {seed}: {error}"]
            continue
        features = [column.name for column in contract.features]
        read = {kind: contract.read(path)[features] for kind, path in paths.items()}
        try:
            read["http"] = over_http(contract, rows)
        except RowsError as error:  # a service takes no words for numbers or truths
            strict = [column.name for column in contract.features if column.type in ("numeric", "boolean")]
            found += [] if any(name.startswith("word") for name in strict) else [f"seed {seed}: {error}"]
        for kind, frame in read.items():
            for name in features:
                left, right = (
                    list(one[name].astype(object).where(one[name].notna(), None)) for one in (frame, read[origin])
                )
                if left != right or frame[name].dtype != read[origin][name].dtype:
                    found.append(f"seed {seed}: {name!r} of {kind} by the contract of {origin}")
    return found


@pytest.mark.parametrize("seed", range(25))
def test_every_format_gives_the_same_typed_rows(seed: int, tmp_path: Path) -> None:
    assert differences(seed, tmp_path) == []


@pytest.mark.soak
def test_every_format_gives_the_same_typed_rows_of_many_tables(tmp_path: Path) -> None:
    assert [fault for seed in range(1000, 1500) for fault in differences(seed, tmp_path)] == []


WRAPPED = {
    "a list": lambda rows: json.dumps(rows),
    "an object with one list": lambda rows: json.dumps({"count": len(rows), "rows": rows}),
    "columns": lambda rows: json.dumps({name: [row[name] for row in rows] for name in rows[0]}),
    "pandas, by columns": lambda rows: pd.DataFrame(rows).to_json(),
    "pandas, split": lambda rows: pd.DataFrame(rows).to_json(orient="split"),
    "pandas, table": lambda rows: pd.DataFrame(rows).to_json(orient="table", index=False),
    "lines with a mark before": lambda rows: "\ufeff" + "".join(f"{json.dumps(row)}\n" for row in rows),
    "an object over several lines": lambda rows: json.dumps({"rows": rows}, indent=1),
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("name", ["rows.json", "rows.txt"])
def test_json_of_every_shape_is_read(wrap: Any, name: str, tmp_path: Path) -> None:
    rows = [{"n": n * 1.5, "w": ["red", None, "blue"][n % 3], "y": "ab"[n % 2]} for n in range(40)]
    path = tmp_path / name
    path.write_text(wrap(rows), encoding="utf-8")
    contract, found = infer(path, "y")
    frame = contract.read(path)
    assert frame["n"].tolist() == [row["n"] for row in rows]
    assert frame["w"].tolist() == [row["w"] for row in rows]
    assert any("read as JSON" in one.text for one in found)


def test_a_row_of_json_may_leave_a_column_out(tmp_path: Path) -> None:
    rows = [{"n": n, "y": "ab"[n % 2]} | ({"w": "red"} if n > 20 else {}) for n in range(40)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    contract, _ = infer(path, "y")
    assert contract.read(path)["w"].tolist() == [row.get("w") for row in rows]


def test_parquets_richer_types_are_the_few_that_a_contract_knows() -> None:
    frame = pd.DataFrame(
        {
            "kind": pd.Categorical(["a", None]),
            "zoned": pd.DatetimeIndex(["2026-01-31 23:30", "NaT"], tz="America/New_York"),
            "month": pd.PeriodIndex(["2026-01", None], freq="M"),
            "took": pd.to_timedelta(["2min", None]),
            "price": [Decimal("1.50"), None],
            "day": [date(2026, 1, 31), None],
            "sizes": [[1, 2], None],
        },
        index=[7, 8],
    )
    found = plain_types(frame)
    assert found.iloc[0].tolist() == ["a", pd.Timestamp("2026-02-01 04:30"), "2026-01", 120.0, 1.5, DAY, "[1, 2]"]
    assert found.index.tolist() == [0, 1]
    assert found.iloc[1].isna().all()
    assert [name for name in found if found[name].dtype == "float64"] == ["took", "price"]
    assert [name for name in found if found[name].dtype.kind == "M"] == ["zoned", "day"]
