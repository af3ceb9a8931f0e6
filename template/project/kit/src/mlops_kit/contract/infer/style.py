"""How a file writes its numbers: with a decimal comma, with points or commas between thousands."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from mlops_kit.contract.contract import Source
from mlops_kit.contract.infer.findings import Findings
from mlops_kit.contract.numbers import bare, to_numbers

POINTS_BETWEEN = r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?"  # thousands
COMMAS_BETWEEN = r"[+-]?[1-9]\d{0,2}((,\d{3})+|(,\d{2})+,\d{3})(\.\d+)?"  # 1,234,567 or, in India, 12,34,567
LOOKED_AT = 20_000  # cells of a column


def find_numbers_style(source: Source, frame: pd.DataFrame, found: Findings) -> Source:
    """The source that knows how numbers are written: with a decimal comma, or with commas between thousands."""
    comma, thousands = 0, 0
    points: dict[str, list[tuple[str, str]]] = {"decimal": [], "thousands": [], "either": [], "none": []}
    for name in frame.columns:
        if not pd.api.types.is_string_dtype(frame[name].dtype):
            continue
        values = _bare(frame[name])
        if values.empty:
            continue
        if _has_thousands(values, source):
            thousands += 1
            continue
        comma += values.str.fullmatch(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+").mean() > 0.5
        meaning, example = _points(values, source)
        points[meaning].append((name, example))
    point = len(points["decimal"])
    if comma > point or (points["thousands"] and not (comma or point or thousands)):
        grouped = bool(points["thousands"] or (points["either"] and not point))
        found.info(f"numbers have a decimal comma{' and points between thousands' * grouped}")
        source = replace(source, decimal=",", thousands="." if grouped else "")
    elif thousands:
        found.info("numbers have commas between thousands")
        source = replace(source, thousands=",")
    for name, example in points["thousands"] + points["either"]:
        if example.count(".") == 1 and "," not in example and (source.decimal == "," or not (point or thousands)):
            read = to_numbers(pd.Series([example]), source.decimal, source.thousands).iloc[0]
            found.warn(f"{name!r}: {example} could be {example.replace('.', '')} or a decimal, and is read as {read:g}")
    for name, example in points["decimal"] if source.thousands == "." else []:
        found.warn(f"{name!r}: {example} is no number in a file that has points between thousands: write a comma")
    return source


def _bare(cells: pd.Series) -> pd.Series:
    """Some of a column's cells that may be numbers, without currency, brackets and blanks between thousands."""
    cells = cells.dropna()
    texts = cells.iloc[:: max(len(cells) // LOOKED_AT, 1)].astype("str").str.strip()
    texts = texts[texts.str.contains(r"\d", regex=True)]
    dressed = ~texts.str.fullmatch(r"[+-]?[\d.,]*")
    different = texts[dressed].unique()
    return texts.where(~dressed, texts[dressed].map(dict(zip(different, map(bare, different), strict=True))))


def _points(values: pd.Series, source: Source) -> tuple[str, str]:
    """What a column's points are, and a value with one. 1.234 alone could be either, beside 1.234.567 it could not.

    Beside 950 it could not in a file with semicolons, which are there because of decimal commas: of decimals that are
    not filled up with zeros, some have one or two places.
    """
    pointed = values[values.str.fullmatch(r"[+-]?[\d,]*\.[\d.,]*")]
    whole = values.str.fullmatch(r"[+-]?\d+(,\d+)?|" + POINTS_BETWEEN)
    if len(pointed) and pointed.str.fullmatch(POINTS_BETWEEN).all() and whole.mean() > 0.5:
        clear = pointed[pointed.str.count("[.,]") > 1]
        beside = values.str.fullmatch(r"[+-]?\d{1,3}").any() and not values.str.fullmatch(r"[+-]?\d{4,}").any()
        if len(clear) or (source.separator == ";" and beside):
            return "thousands", str(clear.iloc[0] if len(clear) else pointed.iloc[0])
        return "either", str(pointed.iloc[0])
    decimals = values[values.str.fullmatch(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")]
    return ("decimal", str(decimals.iloc[0])) if len(decimals) > len(values) / 2 else ("none", "")


def _has_thousands(values: pd.Series, source: Source) -> bool:
    """Whether a column's commas are between thousands: in a file that has commas between cells, or beside points."""
    commas = values[values.str.contains(",", regex=False)]
    if commas.empty or not commas.str.fullmatch(COMMAS_BETWEEN).all():
        return False
    return source.separator == "," or bool(commas.str.contains(r",\d+[,.]").any())
