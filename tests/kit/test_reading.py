"""Data files as people have them: read right and said, or refused with the true reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlops_kit.contract import Column, Contract, ContractError, Source, load, to_numbers, typed_batches
from mlops_kit.contract.coercion import coerce
from mlops_kit.contract.files import Numbers, read_table
from mlops_kit.contract.infer import Findings, infer, opening

N = 60
LABELS = ["ab"[n % 2] for n in range(N)]


def written(folder: Path, text: str | bytes, name: str = "data.csv") -> Path:
    """A file."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def with_column(cells: list[str], separator: str = ";") -> str:
    """A table of one column, `x`, a number and a label."""
    rows = [
        separator.join((cell, str(n % 7), label)) for n, (cell, label) in enumerate(zip(cells, LABELS, strict=True))
    ]
    return "\n".join([separator.join(("x", "n", "y")), *rows]) + "\n"


def column(folder: Path, cells: list[str]) -> tuple[Column, pd.Series, Findings]:
    """What becomes of the column `x`: its row in the contract, its typed cells, and what is said."""
    path = written(folder, with_column(cells))
    contract, found = infer(path, "y")
    assert "x" not in contract.ignored, found
    return next(one for one in contract.columns if one.name == "x"), contract.read(path)["x"], found


def says(found: Findings, text: str, level: str = "") -> bool:
    """Whether a finding has these words."""
    return any(text in one.text and one.level.startswith(level) for one in found)


# --- numbers, which Arrow parses while it reads ----------------------------------------------------------------------


def both_ways(folder: Path, cell: str, decimal: str) -> list[Any]:
    """A column with this cell, read at once and by its strings: the typed cells, or what is refused."""
    path = written(folder, with_column(["7" if n else cell for n in range(N)]).replace("x;", '"# x\n";', 1))
    columns = (
        Column("x", "numeric", nulls=1.0),
        Column("n", "numeric"),
        Column("y", "categorical", categories=("a", "b")),
    )
    contract = Contract("classification", "y", Source(path.as_posix(), separator=";", decimal=decimal), N, columns)
    found: list[Any] = []
    for read in (contract.read, lambda path: coerce(contract, read_table(contract.source, path), with_target=True)):
        try:
            found.append(read(path).to_dict("list"))
        except ContractError as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize(
    "cell",
    ["1.5", "1,5", "+4", "1e3", " 2 ", '"3"', "", '""', "NA", " NA", "nan", "inf", "1 000", "0x1F", "4 kg", "true"],
)
def test_numbers_are_the_same_read_at_once_and_by_their_strings(cell: str, decimal: str, tmp_path: Path) -> None:
    at_once, by_strings = both_ways(tmp_path, cell, decimal)
    assert repr(at_once) == repr(by_strings)


def test_plain_numbers_are_read_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, with_column(["1.5", "NA"] * (N // 2)))
    read = read_table(Source(path.as_posix(), separator=";"), path, Numbers(frozenset({"x"}), frozenset({"", "NA"})))
    assert [str(read[name].dtype) for name in ("x", "n")] == ["float64", "str"]
    assert read["x"].isna().sum() == N // 2


def test_a_late_cell_that_is_no_number_loses_no_row(tmp_path: Path) -> None:
    rows = [f"{'7 EUR' if n == 119_000 else n};{n % 7};{'ab'[n % 2]}" for n in range(120_000)]
    path = written(tmp_path, "\n".join(["x;n;y", *rows]) + "\n")
    columns = (Column("x", "numeric"), Column("n", "numeric"), Column("y", "categorical", categories=("a", "b")))
    contract = Contract("classification", "y", Source(path.as_posix(), separator=";"), len(rows), columns)
    batches = pd.concat(typed_batches(contract, path), ignore_index=True)
    pd.testing.assert_frame_equal(batches, contract.read(path))
    assert batches["x"].sum() == sum(range(120_000)) - 119_000 + 7


# --- words for missing values ----------------------------------------------------------------------------------------

HOUSES = pd.DataFrame(
    {"alley": ["None", "Gravel", "Paved"] * 40, "amount": [float(n % 17) for n in range(120)], "sold": ["y", "n"] * 60}
)


def test_a_category_is_the_same_in_csv_and_parquet(tmp_path: Path) -> None:
    HOUSES.to_csv(tmp_path / "houses.csv", index=False)
    HOUSES.to_parquet(tmp_path / "houses.parquet")
    contract, _ = infer(tmp_path / "houses.parquet", "sold")
    of_csv, of_parquet = (contract.read(tmp_path / f"houses.{kind}") for kind in ("csv", "parquet"))
    pd.testing.assert_frame_equal(of_csv, of_parquet)
    assert of_csv["alley"].tolist() == HOUSES["alley"].tolist()


def test_a_class_that_is_a_word_for_missing_is_named_and_can_be_kept(tmp_path: Path) -> None:
    severity = ["None", "Mild", "Severe"] * 10
    text = "score,severity\n" + "".join(f"{n % 13},{word}\n" for n, word in enumerate(severity))
    path = written(tmp_path, text)
    contract, found = infer(path, "severity")
    assert contract.classes == ["Mild", "Severe"]
    assert says(found, "'severity': 10 cells hold 'None', read as missing")
    contract, found = infer(path, "severity", missing=[])
    assert contract.classes == ["Mild", "None", "Severe"]
    assert contract.rows == 30
    assert contract.read(path)["severity"].tolist() == severity


@pytest.mark.parametrize("word", ["NA", "None", "null", "-", "?", "nan"])
def test_a_listed_category_is_never_missing(tmp_path: Path, word: str) -> None:
    column = Column("country", "categorical", categories=("DE", word))
    contract = Contract("regression", "y", Source("d.csv"), 2, (column, Column("y", "numeric")))
    path = written(tmp_path, f"country,y\n{word},1\nDE,2\n {word} ,3\n")
    assert contract.read(path)["country"].tolist() == [word, "DE", word]


def test_missing_is_set_for_the_file_or_a_column_in_contract_yaml(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c,y\nNA,NA,-999,1\nnone,x,5,2\n?,,7,3\n")
    text = (
        "problem: regression\ntarget: y\nrows: 3\nsource: {path: data.csv, missing: [NA, '?']}\ncolumns:\n"
        "  a: {type: text, nulls: 1.0, missing: [none]}\n  b: {type: text, nulls: 1.0, missing: []}\n"
        "  c: {type: numeric, nulls: 1.0, missing: [-999]}\n  y: {type: numeric, nulls: 0}\n"
    )
    contract = load(written(tmp_path, text, "contract.yaml"))
    frame = contract.read(path)
    assert frame["a"].tolist() == ["NA", None, "?"]
    assert frame["b"].tolist() == ["NA", "x", None]
    assert frame["c"].isna().tolist() == [True, False, False]
    assert load(written(tmp_path, contract.dump(), "contract.yaml")) == contract


def test_a_contract_of_before_reads_as_it_did(tmp_path: Path) -> None:
    text = (
        "problem: regression\ntarget: y\nrows: 3\n"
        "source: {path: data.csv, format: csv, encoding: utf-8, separator: ','}\n"
        "columns:\n  a: {type: numeric, missing: [odd], nulls: 1.0}\n  b: {type: text, nulls: 1.0}\n"
        "  y: {type: numeric, nulls: 0.0}\nignored: {' c': identifier}\n"
    )
    contract = load(written(tmp_path, text, "contract.yaml"))
    frame = contract.read(written(tmp_path, "a,b, c,y\nodd,None,1,1\nNA,x,2,2\n3,-,3,3\n"))
    assert frame["a"].isna().tolist() == [True, True, False]
    assert frame["b"].tolist() == [None, "x", None]


# --- what is said is what is done ------------------------------------------------------------------------------------


def test_blanks_after_the_separator_are_no_part_of_names_and_words(tmp_path: Path) -> None:
    rows = "".join(f"{n % 7}, {'?' if n % 5 == 0 else n * 31 % 97}, {'low' if n % 2 else 'high'}\n" for n in range(N))
    path = written(tmp_path, f"age, gain, income\n{rows}")
    contract, found = infer(path, " income")
    assert contract.classes == ["high", "low"]
    assert says(found, "'gain': 12 cells hold '?', read as missing")
    assert contract.read(path)["gain"].isna().sum() == 12


@pytest.mark.parametrize("mark", ["?", "-", "NA", "null"])
def test_what_is_said_to_be_missing_is_missing(tmp_path: Path, mark: str) -> None:
    told, cells, found = column(tmp_path, [mark if n % 10 == 0 else f" {n}.5" for n in range(N)])
    assert told.type == "numeric"
    assert cells.isna().sum() == 6
    assert says(found, f"'x': 6 cells hold {mark!r}, read as missing")


# --- columns that do not fit whole -----------------------------------------------------------------------------------

DAYS = [f"20{10 + n % 10}-{n % 12 + 1:02}-{n % 28 + 1:02}" for n in range(N)]
DATES = {
    "an impossible one": ["0000-00-00" if n % 20 == 0 else day for n, day in enumerate(DAYS)],
    "some with a time": [f"{day} 10:00:00" if n % 10 == 0 else day for n, day in enumerate(DAYS)],
    "some with a fraction": [f"{day}T10:00:00" + ".25" * (n % 3 == 0) for n, day in enumerate(DAYS)],
    "morning and evening": [f"{n % 12 + 1}/{n % 28 + 1}/2024 {n % 12 + 1}:30 {'AP'[n % 2]}M" for n in range(N)],
    "German, some with a time": [f"{n % 28 + 1:02}.03.2024" + " 10:30" * (n % 4 == 0) for n in range(N)],
    "months by name": [f"{n % 28 + 1}-Mar-2024" for n in range(N)],
    "some words": ["unknown" if n % 9 == 0 else day for n, day in enumerate(DAYS)],
    "a web server's": [f"{n % 28 + 1:02}/Mar/2024:10:00:{n % 60:02} +0100" for n in range(N)],
}


@pytest.mark.parametrize("cells", DATES.values(), ids=DATES)
def test_dates_are_dates_whatever_is_among_them(tmp_path: Path, cells: list[str]) -> None:
    told, read, found = column(tmp_path, cells)
    odd = [cell for cell in cells if cell in ("0000-00-00", "unknown")]
    assert told.type == "date"
    assert read.isna().sum() == len(odd)
    if odd:
        assert says(found, f"'x': {N - len(odd)} of {N} are dates, {len(odd)} are not, such as {odd[0]!r}", "warning")


NUMBERS = {
    "no-break spaces": "1\u00a0234,50",
    "narrow spaces": "1\u202f234,50",
    "spaces": "1 234,50",
    "apostrophes": "1'234.50",
    "typographic apostrophes": "1\u2019234.50",
    "currency before": "€ 1234.50",
    "currency after": "1234,50 EUR",
    "a trailing sign": "+1234.50",
    "millions": "0 001 234,50".removeprefix("0 00"),
}


@pytest.mark.parametrize("cell", NUMBERS.values(), ids=NUMBERS)
def test_numbers_are_numbers_however_they_are_written(tmp_path: Path, cell: str) -> None:
    cells = [cell.replace("234", str(200 + n)) for n in range(N)]
    told, read, _ = column(tmp_path, cells)
    assert told.type == "numeric"
    assert read.tolist() == [1200.5 + n for n in range(N)]


@pytest.mark.parametrize(
    "cell", ["(1,234.50)", "-1,234.50", "\N{MINUS SIGN}1234.5", "1234.50-", "($1,234.50)", "-$1,234.50"]
)
def test_negative_numbers(cell: str) -> None:
    assert to_numbers(pd.Series([cell]), ".", ",").tolist() == [-1234.5]


@pytest.mark.parametrize("cell", ["1 23", "12 3456", "1'23", "(1", "1)", "--1", "(-1)", "one", "1 2 3", "5 km", "1/2"])
def test_what_is_no_number(cell: str) -> None:
    assert to_numbers(pd.Series([cell])).isna().all()


def test_indian_thousands(tmp_path: Path) -> None:
    cells = [("950", "12,500.5", "1,10,000.5", "12,34,567.5")[n % 4] for n in range(N)]
    told, read, found = column(tmp_path, cells)
    assert told.type == "numeric"
    assert read.tolist()[:4] == [950, 12500.5, 110000.5, 1234567.5]
    assert says(found, "numbers have commas between thousands")


def test_times_are_said_to_be_times(tmp_path: Path) -> None:
    told, _, found = column(tmp_path, [f"{n % 24:02}:{n % 60:02}" for n in range(N)])
    assert told.type == "text"
    assert says(found, "'x': times, such as '00:00', '01:01', '02:02', are read as text", "warning")


def test_numbers_with_a_few_words_are_numbers_and_the_words_are_named(tmp_path: Path) -> None:
    odd = {0: "missing", 6: ".", 12: "none given", 18: "?"}
    told, read, found = column(tmp_path, [odd.get(n % 24, f"{1000 + n * 13.7:.1f}") for n in range(N)])
    assert told.type == "numeric"
    assert told.missing == (".", "missing", "none given")
    assert read.isna().sum() == 10
    assert says(found, "cells hold '.', 'missing', 'none given' among numbers, read as missing", "warning")


def test_numbers_with_many_different_words_are_kept_with_a_warning(tmp_path: Path) -> None:
    told, _, found = column(tmp_path, [f"PC {n}" if n % 2 and n > 10 else str(113000 + n * n) for n in range(N)])
    assert told.type == "text"
    assert says(found, "cells are numbers", "warning")


NOT_IDENTIFIERS = {
    "quantities": [f"{n * 3}km" for n in range(N)],
    "years": [str(1950 + n) for n in range(N)],
    "times of day": [f"{n % 24}:{n:02}" for n in range(N)],
    "percentages": [f"{n}.5%" for n in range(N)],
    "measurements": [f"{n}.123" for n in range(N)],
}


@pytest.mark.parametrize("cells", NOT_IDENTIFIERS.values(), ids=NOT_IDENTIFIERS)
def test_only_identifiers_are_called_so(tmp_path: Path, cells: list[str]) -> None:
    column(tmp_path, cells)


IDENTIFIERS = {
    "numbered": [f"C{n:04}" for n in range(N)],
    "hexadecimal": [f"{n * 2654435761 % 2**32:08x}" for n in range(N)],
    "addresses": [f"somebody{n}@example.com" for n in range(N)],
    "counted": [str(n + 1) for n in range(N)],
}


@pytest.mark.parametrize("cells", IDENTIFIERS.values(), ids=IDENTIFIERS)
def test_identifiers_are_left_out(tmp_path: Path, cells: list[str]) -> None:
    contract, found = infer(written(tmp_path, with_column(cells)), "y")
    assert contract.ignored == {"x": "identifier"}
    assert says(found, "left out as identifier: x")


def test_spellings_of_a_truth_are_one_truth(tmp_path: Path) -> None:
    spelled = ["Yes", "yes", "Yes ", "No", "NO", "no"]
    told, read, found = column(tmp_path, [spelled[n % 6] for n in range(N)])
    assert told.type == "boolean"
    assert read.tolist() == [float(n % 6 < 3) for n in range(N)]
    assert says(found, "'Yes', 'yes' are read as true")


def test_digits_among_the_words_of_a_truth_are_it_too(tmp_path: Path) -> None:
    told, read, found = column(tmp_path, [["TRUE", "1", "0", "false"][n % 4] for n in range(N)])
    assert told.type == "boolean"
    assert read.tolist() == [float(n % 4 < 2) for n in range(N)]
    assert says(found, "'1', 'TRUE' are read as true, '0', 'false' as false")
    told, _, _ = column(tmp_path, [str(n // 2 % 2) for n in range(N)])
    assert told.type == "numeric"


def test_categories_that_differ_in_capitals_only_are_a_warning(tmp_path: Path) -> None:
    told, read, found = column(tmp_path, [["Berlin", "berlin", "Bonn "][n % 3] for n in range(N)])
    assert told.categories == ("Berlin", "Bonn", "berlin")
    assert says(found, "'Berlin', 'berlin' differ only in capitals", "warning")
    assert read.isin(told.categories).all()


# --- encodings -------------------------------------------------------------------------------------------------------

GREEK = ["Αθήνα", "Πάτρα", "Λάρισα"]


def test_an_encoding_is_said_kept_and_can_be_set(tmp_path: Path) -> None:
    path = written(tmp_path, with_column([GREEK[n % 3] for n in range(N)]).encode("cp1253"))
    contract, found = infer(path, "y")
    assert contract.source.encoding == "cp1253"
    assert says(found, "read as cp1253")
    contract, _ = infer(path, "y", encoding="cp1252")
    assert contract.source.encoding == "cp1252"
    with pytest.raises(ContractError, match=r"cannot be read as utf-8: line 2 has bytes"):
        infer(path, "y", encoding="utf-8")
    with pytest.raises(ContractError, match=r"There is no encoding 'cp9999'"):
        infer(path, "y", encoding="cp9999")


def test_two_encodings_that_fit_are_a_warning_with_a_cell_in_both(tmp_path: Path) -> None:
    path = written(tmp_path, with_column(["Plzeň" if n == 30 else "Brno" for n in range(N)]).encode("cp1250"))
    _, found = infer(path, "y")
    assert says(found, "'Plzeň' in cp1250", "warning")
    assert says(found, "'Plzeò' in cp1252", "warning")


@pytest.mark.parametrize("cell", ["12 °C", "5,50 €", "§ 3", "±4"])
def test_a_file_with_signs_only_is_read_as_cp1252(tmp_path: Path, cell: str) -> None:
    contract, _ = infer(written(tmp_path, with_column([f"{cell} {n % 3}" for n in range(N)]).encode("cp1252")), "y")
    assert contract.source.encoding == "cp1252"


# --- what is around the table, and refusals --------------------------------------------------------------------------

TABLE = with_column([f"{n},5" for n in range(N)])
AROUND = {
    "Excel's directive": "sep=;\n" + TABLE,
    "comments": "# one\n# two; three\n" + TABLE,
    "a commented header": "#" + TABLE,
    "a title": "Report of 2024\n\n" + TABLE,
    "a padded title": "Report of 2024;;\n;;\n" + TABLE,
    "units": TABLE.replace("x;n;y\n", "x;n;y\nkm;pcs;\n"),
    "a separator at the end of rows": TABLE.replace("a\n", "a;\n").replace("b\n", "b;\n"),
    "a separator at the end of lines": TABLE.replace("\n", ";\n"),
    "several empty columns": TABLE.replace("\n", ";;;\n"),
    "names of rows": "".join(
        f"{n}." * (n > 0) + f"{'' if n == 0 else ';'}{line}\n" for n, line in enumerate(TABLE.split())
    ),
    "Windows": TABLE.replace("\n", "\r\n"),
    "an old Mac": TABLE.replace("\n", "\r"),
    "empty lines": TABLE.replace("\n", "\n\n"),
}


@pytest.mark.parametrize("text", AROUND.values(), ids=AROUND)
def test_what_is_around_a_table_is_no_part_of_it(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    contract, _ = infer(path, "y")
    frame = contract.read(path)
    assert frame["x"].tolist() == [n + 0.5 for n in range(N)]
    assert frame["y"].tolist() == LABELS


def test_units_are_said(tmp_path: Path) -> None:
    _, found = infer(written(tmp_path, AROUND["units"]), "y")
    assert says(found, "line 2 is read as units and left out: km, pcs", "warning")


@pytest.mark.parametrize("length", [140_000, 3_000_000])
def test_a_long_cell_is_read(tmp_path: Path, length: int) -> None:
    path = written(tmp_path, with_column(["word " * (length // 5) if n == 7 else f"some text {n}" for n in range(N)]))
    contract, _ = infer(path, "y")
    assert contract.read(path)["x"].str.len().max() > length - 10


GOOD = "id,age,label\n" + "".join(f"{n},{n % 7},{'ab'[n % 2]}\n" for n in range(40))
REFUSED = {
    "one column": ("label\na\nb\na\n", "label", "has only one column, 'label'"),
    "a row that is too long": (TABLE.replace("7,5;0;b\n", "7,5;0;b;c\n"), "y", "line 9: 4 cells where the header"),
    "a row that is too short": (TABLE.replace("7,5;0;b\n", "7,5\n"), "y", "line 9: 1 cell where the header has 3"),
    "prose": ("Dear all,\nthis is a letter, not a table.\nYours, truly, me\n", "y", "no even table|does not look"),
    "a target with a word": (
        "n,y\n" + "".join(f"{n % 7},{n}.{n % 9}\n" for n in range(N)) + "".join(f"1,w{n}\n" for n in range(9)), "y",
        r"'y' holds numbers, but not in every row: 9 of 69 cells are not, such as 'w0', 'w1', 'w2' \(row 61",
    ),
    "JSON that is no table": ("[1, 2, 3]", "y", "is JSON, but no list of rows"),
    "broken JSON": ('[{"a": 1},\n{"a": }]', "y", "is JSON that cannot be understood: line 2"),
    "JSON of too many brackets": ('[{"a": ' + "[" * 9000, "y", "is JSON that cannot be understood"),
    "a broken line of JSON": ('{"a": 1, "y": "b"}\n{"a": 2\n', "y", "line 2 is no JSON object"),
    "blanks before quotes": ('a,b,y\n' + '1, "x, 2",c\n' * 9, "y", "line 2 has a blank between a separator"),
    "a quote that stays open": (TABLE.replace("7,5;0;b", '"7,5;0;b'), "y", "line 9 opens a quote that is never closed"),
    "a zero byte": (TABLE.replace("7,5;0;b", "7,5\0;0;b"), "y", "line 9 has a zero byte"),
    "joined files": (TABLE + TABLE, "y", f"row {N + 1} of the data repeats the header"),
    "nothing to predict from": ("n,c,y\n" + "".join(f"{n},red,{n % 2}\n" for n in range(N)), "y",
        r"No column .* is left to predict 'y' from: n \(identifier\), c \(constant\)"),
    "long names": (",".join(f"{n}{'x' * 500}" for n in range(99)) + ("\n" + "1," * 98 + "1") * 9, "y",
        r"There is no column 'y' in data.csv. Columns: .{,1700}, \.\.\.\.$"),
    "brackets": ("[" * 5000 + ",y\n1,2\n", "y", "has only 1 row|only one row|does not look|no rows"),
    "no header": ("1,2,3\n4,5,6\n7,8,9\n", "3", "has no header"),
    "a header only": ("age,label\n", "label", "no rows"),
    "one row": ("age,label\n1,a\n", "label", "only one row"),
    "duplicate columns": ("age,age,label\n1,2,a\n3,4,b\n", "label", "duplicate columns: age"),
    "a target of one value": (GOOD.replace(",b", ",a"), "label", "only one value"),
    "a target without values": ("age,label\n1,\n2,\n3,\n", "label", "no value in any row"),
    "a target that differs in every row": ("age,label\n1,a\n2,b\n3,c\n4,d\n", "label", "different in every row"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "target", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_has_the_true_reason(tmp_path: Path, text: str, target: str, reason: str) -> None:
    with pytest.raises(ContractError, match=reason):
        infer(written(tmp_path, text, "data.json" if "JSON" in reason else "data.csv"), target)


def german(number: int) -> str:
    """A whole number with points between thousands."""
    return f"{number:,d}".replace(",", ".")


def table(header: str, row: Callable[[int], str]) -> str:
    """A file of N rows."""
    return f"{header}\n" + "".join(f"{row(n)}\n" for n in range(N))


ODD = {
    "leading zeros": (
        table("x,code", lambda n: f"{n % 7},0{n % 3}"), "code", "classification", "classification of 'code'"
    ),
    "currency": (
        table("x,price", lambda n: f'{n % 7},"${n * 1234.5:,.2f}"'), "price", "regression", "between thousands"
    ),
    "percent": (table("x,rate", lambda n: f"{n % 7},{n + 0.5}%"), "rate", "regression", "regression of 'rate'"),
    "points between thousands, beside a decimal comma": (
        table("preis;einwohner", lambda n: f"{n},5;{german(8_699 - n * 100)}"), "preis", "regression",
        "'einwohner': 8.699 could be 8699 or a decimal, and is read as 8699",
    ),
    "points between thousands, in all but small numbers": (
        table("n;einwohner", lambda n: f"{n % 7};{german(8_699 - n * 140)}"), "einwohner", "regression",
        "8.699 could be 8699 or a decimal, and is read as 8699",
    ),
    "points between thousands and millions": (
        table("n,umsatz", lambda n: f"{n % 7},{german(n * 91_000)}"), "umsatz", "regression", "regression of 'umsatz'"
    ),
    "decimals of three places": (
        table("n;x", lambda n: f"{n % 7};{n + 1.234:.3f}"), "x", "regression",
        "'x': 1.234 could be 1234 or a decimal, and is read as 1.234",
    ),
    "identifiers of 18 digits": (
        table("order,x,y", lambda n: f"{10**17 + n},{n % 7},{LABELS[n]}"), "y", "classification",
        "left out as identifier: order",
    ),
    "identifiers of 18 digits, some twice": (
        table("order,x,y", lambda n: f"{10**17 + n // 2},{n % 7},{LABELS[n]}"), "y", "classification",
        "'order' has numbers beyond 9007199254740992, which are rounded: leave it out if they are identifiers",
    ),
    "measurements beyond 2**53": (
        table("n,x,y", lambda n: f"{n + 1}.5e22,{n % 7},{LABELS[n]}"), "y", "classification", "from 2 columns"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "target", "problem", "said"), ODD.values(), ids=ODD)
def test_an_odd_file_is_understood(tmp_path: Path, text: str, target: str, problem: str, said: str) -> None:
    contract, found = infer(written(tmp_path, text), target)
    assert contract.problem == problem
    assert says(found, said)


def test_years_may_be_names_of_columns(tmp_path: Path) -> None:
    rows = "".join(f"c{n % 9},{n % 7},{n * 2},{n * 3},{label}\n" for n, label in enumerate(LABELS))
    contract, _ = infer(written(tmp_path, f"country,2019,2020,2021,y\n{rows}"), "y")
    assert [one.name for one in contract.columns] == ["country", "2019", "2020", "2021", "y"]


def test_a_contract_that_was_told_from_some_rows_is_that_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def line(n: int) -> str:
        late = n == 377  # an odd row: none that is looked at closely
        day, word = f"20{9 if late else 10 + n % 10:02}-01-01", "late" if late else "klmno"[n % 5]
        return f"{n % 9}{'.5' * late},{-40 if late else n % 9},{word},{day},{'abc'[n % 3]}"

    path = written(tmp_path, "part,whole,word,day,y\n" + "".join(f"{line(n)}\n" for n in range(400)))
    of_all, _ = infer(path, "y")
    monkeypatch.setattr(opening, "MOST_ROWS", 100)
    of_some, found = infer(path, "y")
    assert says(found, "types, leaks and counts of cells were told from 200 rows, all else from all")
    assert of_some == of_all
