"""The network as a SavedModel: one named input a column, and outputs that say what they are.

What contract.yaml refuses is refused inside the graph, in the same words, so whatever runs it answers alike:

    numeric              a finite number, NaN where the value is missing
    boolean              1 or 0, NaN where it is missing
    categorical, text    a string, empty where it is missing; an unknown category counts as missing, as in training
    date                 a string, 2026-01-31 or 2026-01-31T12:30:00, empty where it is missing
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_kit.contract import Column, Contract
from mlops_kit.frameworks.tensorflow.estimator import Network
from mlops_kit.frameworks.tensorflow.quietly import keras
from mlops_kit.frameworks.tensorflow.quietly import tensorflow as tf

if TYPE_CHECKING:
    import pandas as pd

SIGNATURE = "serving_default"
# The days that there are: months of 31, of 30 and of 28 days, and 29 February in the years that have one.
MONTHS = r"(0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8])"
LEAP_YEAR = r"(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
DAY = rf"(\d\d\d\d-({MONTHS})|{LEAP_YEAR}-02-29)"
MOMENT = DAY + r"([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?Z?)?"
WANTED = dict(numeric="a finite number", boolean="1 or 0", date="a date such as 2026-01-31")


def export(estimator: Network, contract: Contract, folder: Path) -> None:
    """Write the SavedModel of a fitted network."""
    columns = list(contract.features)
    kinds = [tf.float64 if column.type in ("numeric", "boolean") else tf.string for column in columns]
    specs = [tf.TensorSpec([None], kind, name=f"column_{place}") for place, kind in enumerate(kinds)]

    def serve(*values: Any) -> dict[str, Any]:
        pairs = list(zip(columns, values, strict=True))
        with tf.control_dependencies([check for pair in pairs for check in checks(*pair)]):
            ready = [days(value) if column.type == "date" else tf.identity(value) for column, value in pairs]
        return outputs(estimator, estimator.network_([value[:, None] for value in ready], training=False))

    archive = keras.export.ExportArchive()
    archive.track(estimator.network_)
    archive.add_endpoint(SIGNATURE, serve, input_signature=specs)
    archive.write_out(str(folder), verbose=False)
    name_inputs(folder / "saved_model.pb", [column.name for column in columns])


def inputs(contract: Contract, rows: pd.DataFrame) -> dict[str, list[Any]]:
    """Typed rows as what the SavedModel takes: a list for each column."""
    return {column.name: [plain(value) for value in rows[column.name].tolist()] for column in contract.features}


def plain(value: Any) -> Any:
    """One value: NaN or an empty string where it is missing, a moment in ISO 8601."""
    if value is None or str(value) == "NaT":
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else value


def checks(column: Column, values: Any) -> Iterator[Any]:
    """What stops a batch with a value that the contract refuses; the message names the column."""
    if column.type in ("numeric", "boolean"):
        missing = tf.math.is_nan(values)
        good = (values == 0) | (values == 1) if column.type == "boolean" else tf.math.is_finite(values)
    else:
        missing = values == ""
        good = tf.strings.regex_full_match(values, MOMENT) if column.type == "date" else ~missing
    bad = ~(good | missing) if column.nulls else ~good
    wanted = WANTED.get(column.type, "a string that is not empty") + (" or missing" if column.nulls else "")
    # Of the operations that stop a graph, this one's message is told as it is written, whatever its letters.
    says = f"column {column.name!r}: must be {wanted}"
    yield tf.debugging.check_numerics(tf.where(bad, float("inf"), 0.0), says)


def days(moments: Any) -> Any:
    """ISO dates as days since 1970, NaN for an empty one: float64, shape (rows,).

    The day's number by Howard Hinnant's days_from_civil: https://howardhinnant.github.io/date_algorithms.html
    """
    missing = moments == ""
    # A day without its time is at midnight; what is not written is cut out of this one.
    midnight = tf.where(tf.strings.length(moments) > 10, "", "T00:00")
    whole = tf.strings.join([tf.where(missing, "1970-01-01", moments), midnight])

    def part(start: int, size: int) -> Any:
        return tf.strings.to_number(tf.strings.substr(whole, start, size), tf.int64)

    year, month, day = part(0, 4), part(5, 2), part(8, 2)
    year -= tf.cast(month <= 2, tf.int64)
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    seconds = tf.strings.regex_replace(tf.strings.substr(whole, 16, 20), "[:Z]", "")
    seconds = tf.strings.to_number(tf.where(seconds == "", "0", seconds), tf.float64)
    of_day = tf.cast(part(11, 2) * 3600 + part(14, 2) * 60, tf.float64) + seconds
    number = tf.cast(era * 146097 + day_of_era - 719468, tf.float64) + of_day / 86400
    return tf.where(missing, tf.constant(float("nan"), tf.float64), number)


def outputs(estimator: Network, answers: Any) -> dict[str, Any]:
    """The prediction, and for a classification the probability of each class, in the contract's order."""
    if not estimator.classes:
        return dict(prediction=tf.cast(answers[:, 0], tf.float64))
    places = tf.argmax(answers, axis=1)
    if estimator.decision is not None:
        place = list(estimator.classes).index(estimator.decision.positive)
        places = tf.where(answers[:, place] >= estimator.decision.threshold, place, 1 - place)
    prediction = tf.gather(tf.constant(estimator.classes), places)
    return dict(prediction=prediction, probability=answers)


def name_inputs(file: Path, names: list[str]) -> None:
    """Give the signature's inputs their columns' names, which need not be such as TensorFlow lets an argument have."""
    from tensorflow.core.protobuf import saved_model_pb2

    written = saved_model_pb2.SavedModel()
    written.ParseFromString(file.read_bytes())
    inputs = written.meta_graphs[0].signature_def[SIGNATURE].inputs
    named = {name: inputs[f"column_{place}"].SerializeToString() for place, name in enumerate(names)}
    inputs.clear()
    for name, info in named.items():
        inputs[name].ParseFromString(info)
    file.write_bytes(written.SerializeToString(deterministic=True))
