"""Let the challenger answer what the service was asked, and compare its answers with the champion's.

    uv run poe shadow                 the prediction log in the folder that PREDICTION_LOG names (logs/ by default)

Prints what is to be said, writes report/shadow.html for people and report/shadow.prom for Prometheus. It decides
nothing: labels do (`poe promote`), and a person who has looked where the two differ.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from mlops_kit import models
from mlops_kit.contract import load
from mlops_kit.ground import command, project
from mlops_kit.monitoring import asked, pages, textfile
from mlops_kit.monitoring.errors import TooFewRowsError
from mlops_kit.monitoring.shadow import Shadow, compare
from mlops_kit.monitoring.shadow_page import page


def rehearse() -> Shadow:
    """Compare, write the reports. Raises ChampionError where one of the two is missing, TooFewRowsError."""
    contract = load()
    folders = models.champion_folder(), models.from_registry("challenger")[1]
    champion, challenger = (models.load_model(folder) for folder in folders)
    names = [(folder / "run_id").read_text(encoding="utf-8").strip() for folder in folders]
    everything = asked.read(asked.log_folder())
    rows = [one for one in everything if one.version == names[0] and one.prediction is not None]
    source = f"{len(rows)} rows of the prediction log, answered by the champion (run {names[0][:8]})"
    if len(rows) < len(everything):
        source += f"; {len(everything) - len(rows)} that another model answered are left out"
    try:
        found = compare(contract, asked.frame(contract, rows), [one.prediction for one in rows], champion, challenger)
    except TooFewRowsError as error:
        raise TooFewRowsError(f"{source}: {error}") from None
    pages.write("shadow.html", page(found, rows, f"{source}.", f"challenger (run {names[1][:8]})"))
    textfile.write(project().reports / "shadow.prom", metrics(found))
    return found


def metrics(found: Shadow) -> Iterator[str]:
    """The comparison in Prometheus' text format."""
    model = dict(model=project().name)
    yield from textfile.gauge("model_shadow_agreement", "The share of rows they agree on.", [(model, found.agreement)])
    by_slice = [({**model, "slice": part.name}, part.agreement) for part in found.slices]
    yield from textfile.gauge("model_shadow_slice_agreement", "The same, of a part of the rows.", by_slice)
    yield from textfile.gauge("model_shadow_rows", "The rows that both answered.", [(model, found.rows)])
    times = [
        ({**model, "role": role, "at": at}, value / 1e3)
        for role, taken in (("champion", found.champion), ("challenger", found.challenger))
        for at, value in (("median", taken.median), ("p95", taken.p95))
    ]
    yield from textfile.gauge("model_shadow_latency_seconds", "The time of one row.", times)
    yield from textfile.checked("model_shadow_checked_timestamp_seconds", model)


@command
def main() -> None:
    """Compare, and say what was found; a sentence where there is nothing to compare."""
    parser = argparse.ArgumentParser(
        prog="poe shadow", description="The challenger answers what the service was asked."
    )
    parser.parse_args()
    folder = asked.log_folder()
    if asked.is_empty(folder):
        print(f"nothing to look at: {asked.how_to_log(folder)}")
        return
    found = rehearse()
    print(*found.sentences, "report/shadow.html", sep="\n")


if __name__ == "__main__":
    main()
