"""The model card and the data card: what somebody must know who uses the model, written from registry and contract.

    uv run poe cards

They are MODEL_CARD.md and DATA_CARD.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from mlops_kit.contract import Contract, load
from mlops_kit.ground import command, params, project
from mlops_kit.models import Champion, ChampionError, read_champion
from mlops_kit.registry.evidence import evidence, table
from mlops_kit.training import read_plot

NO_CHAMPION = "There is no champion yet: uv run poe repro, then register, then promote."
HEAD = "<!-- Written by `uv run poe cards`: what you want to add belongs into README.md. -->"


def model_card(champion: Champion, contract: Contract) -> Iterator[str]:
    """Where the champion comes from, how good it is, for whom it is less good, and what it must not be given."""
    settings, baseline = params(), baseline_of(champion)
    yield f"# Model card: {project().name}"
    yield HEAD
    yield f"Version {champion.version} predicts `{contract.target}` ({contract.problem})."
    if champion.retired:
        yield f"**It is retired, and nothing may use it: {champion.retired}**"
    yield "## Where it comes from"
    yield table(
        ["what", "value"],
        [
            ["code", f"commit {champion.commit[:12] or 'unknown'}"],
            ["data", champion.data or "generated rows"],
            ["model", champion.model],
            ["parameters", ", ".join(f"{key} {value}" for key, value in settings["model"].items())],
        ],
    )
    yield "## How good it is"
    yield f"On the test part, {settings['split']['test']:.0%} of the data. Greater is better."
    names = champion.metrics
    yield table(
        ["metric", "model", "baseline"], [[name, f"{names[name]:.4f}", baseline.get(name, "n/a")] for name in names]
    )
    if decision := report_of(champion).get("decision"):
        positive, threshold = decision["positive"], decision["threshold"]
        yield f"It answers `{positive}` from a probability of {threshold:.4g} on, and the other class below it."
    yield "## For whom"
    slices = slices_of(champion)
    primary = settings["evaluate"]["primary"]
    if slices:
        rows = [[name, str(part["rows"]), f"{part[primary]:.4f}"] for name, part in slices.items()]
        yield table([f"slice ({primary})", "rows", "model"], rows)
    else:
        yield "No slice of the test part is large enough to be measured by itself."
    if report_of(champion) and read_plot("predictions"):
        yield from evidence()
    yield "## What it must not be used for"
    yield (
        "Rows that break the data contract are refused. A category that the contract does not know counts as missing; "
        "nothing is known of the model's answers outside the ranges in DATA_CARD.md."
    )


def data_card(contract: Contract) -> Iterator[str]:
    """The columns, what they may hold, and what was left out."""
    yield f"# Data card: {project().name}"
    yield HEAD
    yield f"`{contract.source.path}`, its target is `{contract.target}`."
    raw: dict[str, Any] = yaml.safe_load((project().root / "contract.yaml").read_text(encoding="utf-8"))
    rows = []
    for name, column in raw["columns"].items():
        accepted = ", ".join(f"`{value}`" for value in column.get("categories", [])) or between(column)
        rows.append([f"`{name}`", column["type"], accepted, f"{column.get('nulls', 0):.0%}"])
    yield table(["column", "type", "accepted", "missing at most"], rows)
    ignored = raw.get("ignored") or {}
    if ignored:
        yield "## Left out"
        yield table(["column", "why"], [[f"`{name}`", str(why)] for name, why in ignored.items()])


def between(column: dict[str, Any]) -> str:
    """The bounds of a column, in words."""
    low, high = column.get("min"), column.get("max")
    if low is None and high is None:
        return "anything"
    return f"{'' if low is None else low} to {'' if high is None else high}".strip()


def report_of(champion: Champion) -> dict[str, Any]:
    """metrics.json, where it is of the champion and not of a model that came after it."""
    path = project().root / "metrics.json"
    report = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return report if report.get("prediction_sha256") == champion.prediction_sha256 else {}


def baseline_of(champion: Champion) -> dict[str, str]:
    """The baseline's metrics, as text."""
    return {name: f"{value:.4f}" for name, value in report_of(champion).get("baseline", {}).items()}


def slices_of(champion: Champion) -> dict[str, Any]:
    """The metrics of each slice."""
    return dict(report_of(champion).get("slices", {}))


@command
def main() -> None:
    """Write both cards; a sentence where there is no champion."""
    champion, contract = read_champion(), load()
    if champion is None:
        raise ChampionError(NO_CHAMPION)
    for name, parts in (("MODEL_CARD.md", model_card(champion, contract)), ("DATA_CARD.md", data_card(contract))):
        (project().root / name).write_text("\n\n".join(parts) + "\n", encoding="utf-8")
        print(f"{name} is written")


if __name__ == "__main__":
    main()
