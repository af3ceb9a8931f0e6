"""Tables written in every style by a known writer, inferred and read back: what comes out is what went in."""

# ruff: noqa: RUF001  (letters of other languages are meant)

from __future__ import annotations

import csv
import io
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlops_kit.contract import Contract
from mlops_kit.contract.infer import infer

ROWS = 48
# Words of a language that its encodings can write, with names of columns.
WORDS = {
    "utf-8": ["Zürich", "東京", "Łódź", "Köln"],
    "utf-8-sig": ["Zürich", "東京", "Łódź", "Köln"],
    "utf-16": ["Zürich", "東京", "Łódź", "Köln"],
    "cp1252": ["München", "Köln", "Düsseldorf", "Nürnberg", "Größe"],
    "cp1250": ["Kraków", "Łódź", "Gdańsk", "Wrocław", "Częstochowa"],
    "cp1251": ["Москва", "Казань", "Самара", "Воронеж", "Пермь"],
    "cp1253": ["Αθήνα", "Πάτρα", "Λάρισα", "Θεσσαλονίκη", "Ιωάννινα"],
    "cp1254": ["Muğla", "Şırnak", "Diyarbakır", "Eskişehir", "Kırşehir"],
    "iso8859_2": ["Plzeň", "Ústí", "Žďár", "Třebíč", "Děčín"],
    "koi8_r": ["Москва", "Казань", "Самара", "Воронеж", "Пермь"],
    "mac_roman": ["Orléans", "Besançon", "Nîmes", "Évreux", "Béziers", "Alès"],
    "shift_jis": ["東京", "大阪", "名古屋", "札幌", "カタカナ"],
    "euc_jp": ["東京", "大阪", "名古屋", "札幌", "カタカナ"],
    "gb18030": ["北京", "上海", "广州", "成都", "重庆"],
    "big5": ["臺北", "高雄", "臺中", "新竹", "數量"],
    "euc_kr": ["서울", "부산", "대구", "인천", "수량"],
}
SEPARATORS = (",", ";", "\t", "|")
QUOTES = (('"', csv.QUOTE_MINIMAL), ('"', csv.QUOTE_ALL), ("'", csv.QUOTE_ALL), ("'", csv.QUOTE_NONNUMERIC))
# decimal, thousands: as English, German, French, Swiss and plain programs write.
NUMBERS = (
    (".", ""),
    (",", ""),
    (".", ","),
    (",", "."),
    (",", " "),
    (",", "\u00a0"),
    (",", "\u202f"),
    (".", "'"),
    (".", "’"),
)
MISSING = ("", "NA", "?", "-", "NULL", "n/a", " ? ")
PREAMBLES = (
    "",
    "sep=\n",
    "# exported on 2024-01-31\n# by a program\n",
    "Report of January\n\n",
    "Title~~~~~\n",
    "UNITS",
    "TRAILING",
)


@dataclass(frozen=True)
class Style:
    """How a table is written."""

    encoding: str
    separator: str
    quote: tuple[str, Any]
    numbers: tuple[str, str]
    missing: str
    preamble: str

    @property
    def possible(self) -> bool:
        """Whether a program could write so, and a reader know it."""
        try:
            "".join(self.numbers).encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True


@dataclass(frozen=True)
class Table:
    """The cells of a table, typed: None is missing."""

    amount: list[float | None]
    count: list[int]
    city: list[str | None]
    day: list[date | None]
    member: list[bool]
    label: list[str]


def table(style: Style, seed: int) -> Table:
    """A table whose words the style can write."""
    draw = random.Random(seed)
    words = WORDS[style.encoding]

    def rare(value: Any) -> Any:
        return None if draw.random() < 0.15 else value

    return Table(
        amount=[rare(round(draw.uniform(-5000, 2_000_000), 2)) for _ in range(ROWS)],
        count=[draw.randrange(0, 900) for _ in range(ROWS)],
        city=[rare(words[n % len(words)]) for n in range(ROWS)],
        day=[rare(date(2020, 1, 1) + timedelta(days=draw.randrange(2000))) for _ in range(ROWS)],
        member=[draw.random() < 0.5 or n == 0 for n in range(ROWS - 1)] + [False],
        label=[words[n % 2] for n in range(ROWS)],
    )


def number(value: float, style: Style) -> str:
    """A number with two decimals, in a style."""
    decimal, thousands = style.numbers
    return f"{value:,.2f}".translate({ord("."): decimal, ord(","): thousands})


def write(style: Style, content: Table, path: Path) -> None:
    """Write a table to a file."""

    def cell(value: Any) -> str:
        if value is None:
            return style.missing
        if isinstance(value, bool):
            return "yes" if value else "no"
        return number(value, style) if isinstance(value, float) else str(value)

    columns = vars(content)
    buffer = io.StringIO(newline="")
    quote, quoting = style.quote
    writer = csv.writer(buffer, delimiter=style.separator, quotechar=quote, quoting=quoting, lineterminator="\n")
    writer.writerow(columns)
    if style.preamble == "UNITS":
        writer.writerow(["EUR", "pcs", "", "", "", ""])
    writer.writerows([cell(value) for value in row] for row in zip(*columns.values(), strict=True))
    text = buffer.getvalue()
    if style.preamble == "TRAILING":
        header, _, rest = text.partition("\n")
        text = header + "\n" + "".join(f"{line}{style.separator}\n" for line in rest.splitlines())
    elif style.preamble == "sep=\n":
        text = f"sep={style.separator}\n{text}"
    elif style.preamble != "UNITS":
        text = style.preamble.replace("~", style.separator) + text
    path.write_bytes(text.encode(style.encoding))


def expected(content: Table) -> dict[str, list[Any]]:
    """The typed rows: floats, strings, days."""
    return {
        "amount": [np.nan if value is None else value for value in content.amount],
        "count": [float(value) for value in content.count],
        "city": content.city,
        "day": [pd.NaT if value is None else pd.Timestamp(value) for value in content.day],
        "member": [float(value) for value in content.member],
        "label": content.label,
    }


def typed(contract: Contract, path: Path) -> dict[str, list[Any]]:
    """What the reader makes of a file."""
    frame = contract.read(path)
    return {name: frame[name].tolist() for name in frame.columns}


def same(left: list[Any], right: list[Any]) -> bool:
    """Whether two columns are equal, missing values too."""
    return len(left) == len(right) and all(a == b or (a != a and b != b) for a, b in zip(left, right, strict=True))


def styles() -> Iterator[Style]:
    """The whole matrix."""
    axes = (WORDS, SEPARATORS, QUOTES, NUMBERS, MISSING, PREAMBLES)
    return (style for style in itertools.starmap(Style, itertools.product(*axes)) if style.possible)


def drawn(count: int) -> list[Style]:
    """Some styles of the matrix, always the same ones."""
    return random.Random(20).sample(list(styles()), count)


def failure(style: Style, seed: int, folder: Path) -> str | None:
    """What went wrong with one file."""
    content = table(style, seed)
    path = folder / f"{seed}.csv"
    write(style, content, path)
    contract, found = infer(path, "label")
    read, wanted = typed(contract, path), expected(content)
    wrong = [name for name, values in wanted.items() if not same(read.get(name, []), values)]
    path.unlink()
    return f"{style}: {wrong} {contract.source} {list(found)}" if wrong else None


@pytest.mark.parametrize("style", drawn(60), ids=str)
def test_a_file_of_any_style_is_read_back_as_it_was_written(style: Style, tmp_path: Path) -> None:
    assert failure(style, 1, tmp_path) is None


@pytest.mark.parametrize("seed", [102, 1265, 1343, 1429])  # Korean, and French of a Mac
def test_what_is_not_japanese_is_not_taken_for_it(seed: int, tmp_path: Path) -> None:
    assert failure(drawn(2500)[seed], seed, tmp_path) is None


@pytest.mark.soak
def test_thousands_of_files_of_any_style_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    failed = [fault for seed, style in enumerate(drawn(2500)) if (fault := failure(style, seed, tmp_path))]
    assert failed == []


@pytest.mark.parametrize("encoding", WORDS)
def test_every_encoding_is_told_and_kept_in_the_contract(encoding: str, tmp_path: Path) -> None:
    style = Style(encoding, ";", QUOTES[0], NUMBERS[0], "", "")
    write(style, table(style, 0), tmp_path / "t.csv")
    contract, _ = infer(tmp_path / "t.csv", "label")
    words = WORDS[encoding]
    assert [word.encode(encoding).decode(contract.source.encoding) for word in words] == words or "utf" in encoding
