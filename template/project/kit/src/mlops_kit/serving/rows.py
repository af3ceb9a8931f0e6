"""The rows of a request: which ones are accepted, by the contract, and what is said of one that is not.

Every way in (/predict, /v2) ends here, so a row means the same whichever way it comes. What is accepted:

    numeric              a finite JSON number
    boolean              true, false, 1, 0, or a spelling that contract.yaml lists
    categorical, text    a string; a category that the contract does not know counts as missing, as in training
    date                 a string, in ISO 8601 or as the training data had it

A value may be null, and its column left out, where the contract allows missing values. A column that it ignores is
accepted and not read, as in a file. Ranges are for the data that is trained on: what is outside is answered here, and
told by drift.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, NotRequired

import numpy as np
import pandas as pd
from pydantic import (
    AfterValidator,
    ConfigDict,
    FailFast,
    Field,
    StrictBool,
    StrictStr,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic_core import from_json
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from mlops_kit.contract import Column, Contract, ContractError, convert, numbers_for_missing, word_reader
from mlops_kit.serving.endpoint import Row

MOST_ROWS = 10_000
MOST_NAMED = 10  # rows of a request that are told to be wrong
WANTED = {
    "numeric": "a finite number",
    "boolean": "true or false",
    "categorical": "a string",
    "date": "a date as a string, such as 2026-01-31",
    "text": "a string",
}
# A column that contract.yaml ignores: whatever it holds, nobody reads it.
IGNORED = NotRequired[Annotated[Any, Field(description="ignored")]]
# A batch, column by column: float64, datetime64[us] or objects (str, None), each of shape (rows,).
Columns = dict[str, np.ndarray]


class RowsError(Exception):
    """A request that is refused. `problems` names each place, in the form that FastAPI uses for HTTP 422."""

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(str(problem["msg"]) for problem in problems))
        self.problems = problems


def problem(sentence: str, *place: str | int, kind: str = "value_error") -> RowsError:
    """A refusal for one reason."""
    return RowsError([dict(loc=["body", *place], msg=sentence, type=kind)])


class RowReader:
    """Reads the rows of one contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        # Columns may have names that Python cannot have, so a row is a dictionary with typed keys.
        known = {column.name: _field(column) for column in contract.features} | dict.fromkeys(contract.ignored, IGNORED)
        row = TypedDict("Row", known)  # type: ignore[misc]
        rows = Annotated[
            list[with_config(ConfigDict(extra="forbid"))(row)],  # type: ignore[misc]
            FailFast(),  # what is wrong is looked for only where something is
            Field(min_length=1, max_length=MOST_ROWS),
        ]
        body = with_config(ConfigDict(extra="forbid"))(TypedDict("Request", {"rows": rows}))  # type: ignore[misc]
        self._body, self._rows = TypeAdapter(body), TypeAdapter(rows)
        self._row = TypeAdapter(with_config(ConfigDict(extra="forbid"))(row))
        self._converters = [(column.name, self._converter(column)) for column in contract.features]

    def schema(self) -> dict[str, Any]:
        """The JSON schema of a request."""
        return self._body.json_schema()

    def read_body(self, body: bytes) -> Columns:
        """The rows of `{"rows": [...]}` in JSON. Raises RowsError."""
        try:
            rows: list[Row] = self._body.validate_json(body)["rows"]
        except ValidationError as error:
            raise self._refusal(error, lambda: from_json(body)["rows"]) from None
        return self._typed(rows)

    def read_rows(self, rows: list[Row]) -> Columns:
        """Rows that were in another form. Raises RowsError."""
        try:
            return self._typed(self._rows.validate_python(rows))
        except ValidationError as error:
            raise self._refusal(error, lambda: rows) from None

    def _typed(self, rows: list[Row]) -> Columns:
        return {name: converter([row.get(name) for row in rows]) for name, converter in self._converters}

    def _converter(self, column: Column) -> Callable[[list[Any]], np.ndarray]:
        """From accepted values to what `Contract.coerce` makes of them: that is the rule, this is its short way."""
        if column.type == "numeric":
            marks = numbers_for_missing(self.contract.source, column)
            return lambda values: _numbers(values, marks)
        if column.type == "boolean":
            truths = {True: 1.0, False: 0.0, **dict.fromkeys(column.true_values, 1.0)}
            truths |= dict.fromkeys(column.false_values, 0.0)
            return lambda values: np.array([truths.get(value, np.nan) for value in values])
        if column.type == "date":
            return lambda values: self._dates(column, values)
        read = word_reader(self.contract.source, column)
        return lambda values: np.array([read(value) for value in values], dtype=object)

    def _dates(self, column: Column, values: list[str | None]) -> np.ndarray:
        try:
            return convert(self.contract, column, pd.Series(values, dtype=object)).to_numpy()
        except (ContractError, ValueError):  # one cannot be read, or some have a time zone and others have none
            return np.concatenate([self._date(column, row, value) for row, value in enumerate(values)])

    def _date(self, column: Column, row: int, value: str | None) -> np.ndarray:
        try:
            return convert(self.contract, column, pd.Series([value], dtype=object)).to_numpy()
        except (ContractError, ValueError):
            raise RowsError([_wrong(column, row, "value_error")]) from None

    def _refusal(self, error: ValidationError, rows: Callable[[], list[Any]]) -> RowsError:
        """All that is wrong in the first rows that are not right; `rows` gives all of them."""
        known = {column.name: column for column in self.contract.features}
        first = _errors(error)
        numbers = [part for part in first[0]["loc"][:2] if isinstance(part, int)]
        if not numbers:  # it is no list of rows
            return RowsError(list(_problems(first, known)))
        found, wrong_rows = first, 1
        for number, row in enumerate(rows()[numbers[0] + 1 :], numbers[0] + 1):
            try:
                self._row.validate_python(row)
            except ValidationError as another:
                found += [{**one, "loc": (number, *one["loc"])} for one in _errors(another)]
                wrong_rows += 1
                if wrong_rows == MOST_NAMED:
                    break
        return RowsError(list(_problems(found, known)))


def _field(column: Column) -> Any:
    """The type of a column's values in a request."""
    kind: Any = StrictStr
    if column.type == "numeric":
        kind = Annotated[float, Field(strict=True, allow_inf_nan=False)]
    elif column.type == "boolean":
        number = Annotated[float, Field(strict=True, ge=0, le=1, multiple_of=1), AfterValidator(_truth)]
        kind = StrictBool | number
        if spellings := (*column.true_values, *column.false_values):
            kind |= Literal[spellings]
    return NotRequired[kind | None] if column.nulls else kind


def _numbers(values: list[float | None], marks: list[float]) -> np.ndarray:
    """Numbers as float64, NaN for null and for numbers that the contract reads as missing, such as -999."""
    numbers = np.array(values, dtype="float64")
    return np.where(np.isin(numbers, marks), np.nan, numbers) if marks else numbers


def _truth(value: float) -> float:
    """1 or 0 exactly: `multiple_of` lets through what is nearly that."""
    if value not in (0, 1):
        raise ValueError(WANTED["boolean"])
    return value


def _errors(error: ValidationError) -> list[dict[str, Any]]:
    """What pydantic found, without the values: they may be long, or no JSON."""
    return [dict(one) for one in error.errors(include_url=False, include_context=False, include_input=False)]


def _problems(errors: list[dict[str, Any]], known: dict[str, Column]) -> Iterator[dict[str, Any]]:
    """What is wrong, each place once."""
    seen = set()
    for found in errors:
        place = found["loc"]
        if place[:1] == ("rows",) and len(place) > 1:  # what is around the rows; a column may be called so too
            place = place[1:]
        row, name = (*place[:2], None, None)[:2]
        if place[:2] in seen:
            continue
        seen.add(place[:2])
        if not isinstance(row, int):
            says = found["msg"] if not place else f"{'.'.join(map(str, place))}: {found['msg']}"
            yield dict(loc=["body", *found["loc"]], msg=says, type=found["type"])
        elif name is None:
            says = f"Row {row} (counted from 0): must be an object that names the columns."
            yield dict(loc=["body", "rows", row], msg=says, type=found["type"])
        elif found["type"] == "missing":
            says = f"Row {row} (counted from 0): the column {name!r} is missing."
            yield dict(loc=["body", "rows", row, name], msg=says, type="missing")
        elif found["type"] == "extra_forbidden":
            says = f"Row {row} (counted from 0): there is no column {name!r} in the contract."
            yield dict(loc=["body", "rows", row, name], msg=says, type=found["type"])
        else:
            yield _wrong(known[str(name)], row, found["type"])


def _wrong(column: Column, row: int, kind: str) -> dict[str, Any]:
    wanted = WANTED[column.type] + (" or null" if column.nulls else "")
    says = f"Row {row} (counted from 0), column {column.name!r}: must be {wanted}."
    return dict(loc=["body", "rows", row, column.name], msg=says, type=kind)
