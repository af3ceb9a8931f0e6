"""The trained model as a page, report/model.html: how good it is, where it errs, what it looks at.

`poe report` writes it, from metrics.json and plots/.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from mlops_kit.contract import load
from mlops_kit.ground import params, project
from mlops_kit.monitoring import charts, pages
from mlops_kit.registry.evidence import confusion
from mlops_kit.training import positive_class, read_plot

MOST_COLUMNS, MOST_SLICES, MOST_CLASSES = 25, 40, 30


def page(report: dict[str, Any]) -> str:
    """The whole page; `report` is what metrics.json says."""
    primary = params()["evaluate"]["primary"]
    best, guess = report["metrics"][primary], report["baseline"][primary]
    said = [f"{primary} is {best:.4f}, {guess:.4f} for the baseline."]
    if decision := report.get("decision"):
        said.append(f"It answers {decision['positive']} from a probability of {decision['threshold']:.4g} on.")
    body = pages.verdict([" ".join(said)], bad=best <= guess)
    for title, drawn in sections(report, primary):
        body += f"<h2>{title}</h2>\n{drawn}"
    return pages.page(f"{project().name}: the trained model", f"On {report['rows']} rows of the test part.", body)


def sections(report: dict[str, Any], primary: str) -> Iterator[tuple[str, str]]:
    """The parts of the page: a title, and HTML."""
    rows = [
        [pages.text(name), pages.number(f"{value:.4f}"), pages.number(f"{report['baseline'][name]:.4f}")]
        for name, value in report["metrics"].items()
    ]
    yield "Metrics", pages.table(["metric", pages.number("model"), pages.number("baseline")], rows)
    if load().problem == "regression":
        yield "Errors", errors()
    else:
        yield "Confusion", confusion_table()
        yield "Curves", curves()
    columns = [(row["feature"], float(row["importance"])) for row in read_plot("importance")]
    if columns:
        lead = f"<p>By how much {primary} falls where a column is shuffled (permutation importance).</p>\n"
        yield "What it looks at", lead + charts.bars(columns[:MOST_COLUMNS])
    if report["slices"]:
        yield "Slices", slices_table(report["slices"], primary)


def errors() -> str:
    """Predictions and residuals of a regression."""
    pairs = points("predictions", "actual", "predicted")
    left = points("residuals", "predicted", "residual")
    shown = charts.scatter(pairs, "actual", "predicted") if pairs else ""
    return _side_by_side(shown, charts.scatter(left, "predicted", "actual less predicted", zero=True) if left else "")


def curves() -> str:
    """ROC, precision and recall, calibration: nothing for a model without probabilities."""
    roc = points("roc", "false_positive_rate", "true_positive_rate")
    found = points("precision_recall", "recall", "precision")
    calibrated = points("calibration", "predicted", "observed")
    if not roc:
        return "<p>The model gives no probabilities.</p>\n"
    positive = positive_class(load())
    of = "Each class against the rest, pooled." if positive is None else f"Of the positive class, {positive}."
    return f"<p>{escape(of)}</p>\n" + _side_by_side(
        charts.curve(roc, "false positive rate", "true positive rate (ROC)", diagonal=True),
        charts.curve(found, "recall", "precision"),
        charts.curve(calibrated, "predicted probability", "observed share (calibration)", diagonal=True),
    )


def confusion_table() -> str:
    """How often which class was answered as which; the right answers are faint."""
    classes, counts = confusion([(row["actual"], row["predicted"]) for row in read_plot("predictions")])
    shown = classes[:MOST_CLASSES]
    rows = [
        [
            pages.text(actual),
            *(
                pages.Cell(str(counts[actual, predicted]), "number faint" if actual == predicted else "number")
                for predicted in shown
            ),
        ]
        for actual in shown
    ]
    more = f"<p>{len(shown)} of {len(classes)} classes.</p>\n" if len(classes) > len(shown) else ""
    return pages.table(["actual, then predicted", *map(pages.number, shown)], rows) + more


def slices_table(slices: dict[str, Any], primary: str) -> str:
    """The primary metric for each slice, the worst first."""
    worst = sorted(slices.items(), key=lambda one: float(one[1][primary]))[:MOST_SLICES]
    rows = [
        [pages.text(name), pages.number(str(one["rows"])), pages.number(f"{one[primary]:.4f}")] for name, one in worst
    ]
    return pages.table(["slice", pages.number("rows"), pages.number(primary)], rows)


def points(name: str, across: str, up: str) -> list[charts.Point]:
    """Two columns of a table of plots/."""
    return [(float(row[across]), float(row[up])) for row in read_plot(name)]


def _side_by_side(*drawn: str) -> str:
    return f'<div class="charts">\n{"".join(drawn)}</div>\n'
