"""How a model errs, as tables in Markdown: for the model card, and for the report on a request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mlops_kit.contract import load
from mlops_kit.training import read_plot

SHOWN = 10  # columns by importance
FIFTHS = (0.2, 0.4, 0.6, 0.8, 0.9)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown; a bar or a line's end in a cell would end it."""
    cells = [head, ["---"] * len(head), *([one.replace("|", "\\|").replace("\n", " ") for one in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def answers_table() -> str:
    """For classes, how often which was taken for which; for numbers, the error in each fifth of the actual values."""
    pairs = [(row["actual"], row["predicted"]) for row in read_plot("predictions")]
    if load().problem == "regression":
        return errors_table([(float(actual), float(predicted)) for actual, predicted in pairs])
    classes, counts = confusion(pairs)
    rows = [[actual, *(str(counts[actual, predicted]) for predicted in classes)] for actual in classes]
    return table(["actual \\ predicted", *classes], rows)


def confusion(pairs: list[tuple[str, str]]) -> tuple[list[str], Counter[tuple[str, str]]]:
    """The classes, and how often which (actual) was answered as which (predicted)."""
    return sorted({name for pair in pairs for name in pair}), Counter(pairs)


def errors_table(pairs: list[tuple[float, float]]) -> str:
    """The mean error and the mean absolute error in each fifth of the actual values."""
    pairs = sorted(pairs)
    rows = []
    for fifth in range(5):
        part = pairs[len(pairs) * fifth // 5 : len(pairs) * (fifth + 1) // 5]
        if part:
            errors = [predicted - actual for actual, predicted in part]
            spread = sum(map(abs, errors)) / len(part)
            mean = sum(errors) / len(part)
            rows.append([f"{part[0][0]:.4g} to {part[-1][0]:.4g}", str(len(part)), f"{mean:+.4g}", f"{spread:.4g}"])
    return table(["actual", "rows", "mean error", "mean absolute error"], rows)


def evidence() -> Iterator[str]:
    """Sections of the model card: errors, curves, calibration, and the columns that matter."""
    yield "## How it errs"
    yield answers_table()
    if curve := read_plot("precision_recall"):
        points = [(float(row["recall"]), float(row["precision"])) for row in curve]
        best = [max((precision for recall, precision in points if recall >= least), default=0) for least in FIFTHS]
        yield "The precision that is possible at a recall, by another decision threshold:"
        yield table([f"recall {least:.0%}" for least in FIFTHS], [[f"{one:.0%}" for one in best]])
    if curve := read_plot("roc"):
        points = [(float(row["false_positive_rate"]), float(row["true_positive_rate"])) for row in curve]
        found = [max((true for false, true in points if false <= most), default=0) for most in (0.01, 0.05, 0.1, 0.2)]
        yield "The true positive rate that is possible at a false positive rate (ROC curve):"
        yield table([f"{most:.0%} false" for most in (0.01, 0.05, 0.1, 0.2)], [[f"{one:.0%}" for one in found]])
    if bins := read_plot("calibration"):
        yield "Calibration: what was predicted, and how often it came true."
        rows = [[f"{float(row['predicted']):.1%}", f"{float(row['observed']):.1%}"] for row in bins]
        yield table(["predicted probability", "observed share"], rows)
    if columns := read_plot("importance"):
        yield "## What it looks at"
        yield "By how much the primary metric falls where a column is shuffled (permutation importance)."
        rows = [[f"`{row['feature']}`", f"{float(row['importance']):.4f}"] for row in columns[:SHOWN]]
        yield table(["column", "importance"], rows)
