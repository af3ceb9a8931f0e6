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

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
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
from mlops_kit.serving.limits import Limits
from mlops_kit.serving.scan import Shape, most_values, pieces, scan

AT_ONCE = 200  # rows that are checked at a time: in between, other threads run
MOST_NAMED = 10  # rows of a request that are told to be wrong
LONGEST_NAME = 200  # characters of a name that an answer repeats
SMALL_BODY = 32 * 1024  # bytes; of a larger one the parts are counted before it is parsed
PIECE = 16 * 1024  # bytes of a larger one that are parsed at a time: in between, other threads run
WANTED = {
    "numeric": "a finite number of at most 3.4e38",
    "boolean": "true or false",
    "categorical": "a string",
    "date": "a date as a string, such as 2026-01-31",
    "text": "a string",
}
# Most models read numbers as float32: what that cannot hold, none of them can take.
LARGEST = float(np.finfo("float32").max)
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


def clipped(name: str) -> str:
    """A name as an answer repeats it."""
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..."


def too_many(what: str, most: int, *place: str | int) -> RowsError:
    """A refusal for a limit."""
    return problem(f"There are too many {what}: at most {most} are accepted.", *place, kind="too_many")


def parsed(body: bytes) -> Any:
    """What JSON holds. Raises RowsError."""
    try:
        return from_json(body)
    except ValueError as error:
        raise problem(f"Invalid JSON: {error}", kind="json_invalid") from None


class RowReader:
    """Reads the rows of one contract, within limits."""

    def __init__(self, contract: Contract, limits: Limits | None = None) -> None:
        self.contract, self.limits = contract, limits or Limits()
        self.known = {column.name: column for column in contract.features}
        self.allowed = frozenset(self.known) | frozenset(contract.ignored)
        self.most_keys = max(self.limits.max_keys, len(self.allowed))
        # Columns may have names that Python cannot have, so a row is a dictionary with typed keys.
        longest = self.limits.max_string
        known = {one.name: _field(one, longest) for one in contract.features} | dict.fromkeys(contract.ignored, IGNORED)
        strict: Any = with_config(ConfigDict(extra="forbid"))
        row = strict(TypedDict("Row", known))  # type: ignore[operator]
        rows: Any = Annotated[
            list[row],  # type: ignore[valid-type]
            FailFast(),  # what is wrong is looked for only where something is
            Field(min_length=1, max_length=self.limits.max_rows),
        ]
        body = strict(TypedDict("Request", {"rows": rows}))  # type: ignore[operator]
        self._body: TypeAdapter[Any] = TypeAdapter(body)
        self._rows: TypeAdapter[Any] = TypeAdapter(rows)
        self._row: TypeAdapter[Any] = TypeAdapter(row)
        self._converters = [(column.name, self._converter(column)) for column in contract.features]

    def schema(self) -> dict[str, Any]:
        """The JSON schema of a request."""
        return self._body.json_schema()

    def read_body(self, body: bytes) -> Columns:
        """The rows of `{"rows": [...]}` in JSON. Raises RowsError."""
        small = len(body) <= SMALL_BODY
        if small and most_values(body) <= min(self.most_keys, self.limits.max_rows, self.limits.max_values):
            return self._typed(self._read_at_once(body))
        shape = scan(body, self.limits.max_values)
        if shape.values > self.limits.max_values:
            raise too_many("values in this request", self.limits.max_values)
        if shape.entries > self.limits.max_rows:
            raise too_many("rows in this request", self.limits.max_rows, "rows")
        if max(shape.largest, shape.outside) > self.most_keys:
            raise too_many("keys in a row, with the values in them", self.most_keys, "rows")
        return self._typed(self._read_at_once(body) if small else self._read_in_pieces(body, shape))

    def read_rows(self, rows: list[Row]) -> Columns:
        """Rows that were in another form. Raises RowsError."""
        checked: list[Row] = []
        for first in range(0, len(rows), AT_ONCE):
            checked += self._checked(rows[first : first + AT_ONCE], first, [rows[first + AT_ONCE :]])
        return self._typed(checked)

    def _read_at_once(self, body: bytes) -> list[Row]:
        # Python's objects are checked, rather than JSON: each error of pydantic would hold a copy of what it is about.
        found = parsed(body)
        if isinstance(found, dict) and (extra := [clipped(key) for key in found if key != "rows"]):
            wrong = [{"loc": (key,), "type": "extra_forbidden", "msg": "is not known: send `rows`."} for key in extra]
            raise RowsError(list(_problems(wrong[: self.limits.max_errors], self.known)))
        rows = found.get("rows") if isinstance(found, dict) else None
        if isinstance(rows, list) and 0 < len(rows) <= self.limits.max_rows:
            return self._checked(rows)
        try:
            return list(self._body.validate_python(found)["rows"])
        except ValidationError as error:
            raise RowsError(list(_problems(_errors(error), self.known))) from None

    def _read_in_pieces(self, body: bytes, shape: Shape) -> list[Row]:
        """The rows of a large body, some at a time. What is not a plain list of rows is read at once instead."""
        if _around(body, shape) != {"rows": []}:
            return self._read_at_once(body)
        rows: list[Row] = []
        parts = [b"[%b]" % body[begin:end] for begin, end in pieces(shape, PIECE)]
        for number, part in enumerate(parts, 1):
            try:
                found = from_json(part)
            except ValueError:
                found = []
            if not found:  # it is no JSON: where that ends is said of the whole body
                return self._read_at_once(body)
            rows += self._checked(found, len(rows), map(parsed, parts[number:]))
        return rows

    def _checked(self, rows: list[Row], first: int = 0, rest: Iterable[list[Row]] = ()) -> list[Row]:
        """Rows that are right; the first has the number `first`, and `rest` follows them. Raises RowsError."""
        try:
            return list(self._rows.validate_python(rows))
        except ValidationError as error:
            raise self._refusal(error, chain([rows], rest), first) from None

    def _typed(self, rows: list[Row]) -> Columns:
        return {name: converter([row.get(name) for row in rows]) for name, converter in self._converters}

    def _converter(self, column: Column) -> Callable[[list[Any]], np.ndarray]:
        """From accepted values to what `Contract.coerce` makes of them: that is the rule, this is its short way."""
        if column.type == "numeric":
            marks = numbers_for_missing(self.contract.source, column)
            return lambda values: _numbers(values, marks)
        if column.type == "boolean":
            truths: dict[Any, float] = {True: 1.0, False: 0.0, **dict.fromkeys(column.true_values, 1.0)}
            truths |= dict.fromkeys(column.false_values, 0.0)
            return lambda values: np.array([truths.get(value, np.nan) for value in values])
        if column.type == "date":
            return lambda values: self._dates(column, values)
        read = word_reader(self.contract.source, column)
        return lambda values: np.array([read(value) for value in values], dtype=object)

    def _dates(self, column: Column, values: list[str | None], first: int = 0) -> np.ndarray:
        """Dates; the first value is of row `first`. The first that cannot be read is searched for by halves."""
        try:
            return convert(self.contract, column, pd.Series(values, dtype=object)).to_numpy()
        except (ContractError, ValueError):  # one cannot be read, or some have a time zone and others have none
            if len(values) == 1:
                raise RowsError([_wrong(column, first, "value_error")]) from None
        half = len(values) // 2
        parts = (self._dates(column, values[:half], first), self._dates(column, values[half:], first + half))
        return np.concatenate(parts)

    def _refusal(self, error: ValidationError, rows: Iterable[list[Any]], first: int) -> RowsError:
        """All that is wrong in the first rows that are not right; the first of `rows` has the number `first`."""
        found: list[dict[str, Any]] = []
        wrong_rows = 0
        for number, row in enumerate(chain.from_iterable(rows), first):
            wrong = self._wrong_in(row)
            found += [{**one, "loc": (number, *one["loc"])} for one in wrong]
            wrong_rows += bool(wrong)
            if wrong_rows == MOST_NAMED or len(found) >= self.limits.max_errors:
                break
        return RowsError(list(_problems((found or _errors(error))[: self.limits.max_errors], self.known)))

    def _wrong_in(self, row: Any) -> list[dict[str, Any]]:
        """What is wrong in one row. Unknown keys are found here: pydantic takes long to tell of many."""
        extra = [key for key in row if key not in self.allowed] if isinstance(row, dict) else []
        found: list[dict[str, Any]] = []
        try:
            self._row.validate_python(dict(item for item in row.items() if item[0] in self.allowed) if extra else row)
        except ValidationError as error:
            found = _errors(error)
        unknown: list[dict[str, Any]] = [
            {"loc": (clipped(key),), "type": "extra_forbidden"} for key in extra[: self.limits.max_errors]
        ]
        return [*found, *unknown]


def _around(body: bytes, shape: Shape) -> Any:
    """What is around the first list of a body, with that list empty; None where that is no JSON."""
    if not 0 <= shape.begin <= shape.end:
        return None
    try:
        return from_json(body[: shape.begin] + body[shape.end :])
    except ValueError:
        return None


def _field(column: Column, longest: int) -> Any:
    """The type of a column's values in a request."""
    kind: Any = Annotated[StrictStr, Field(max_length=longest)]
    if column.type == "numeric":
        kind = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-LARGEST, le=LARGEST)]
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
    wanted = "a shorter string" if kind == "string_too_long" else wanted
    says = f"Row {row} (counted from 0), column {column.name!r}: must be {wanted}."
    return dict(loc=["body", "rows", row, column.name], msg=says, type=kind)
