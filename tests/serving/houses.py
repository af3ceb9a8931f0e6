"""Houses and their prices: a project of TensorFlow with its champion, trained once for all cores."""

import csv
import random
from pathlib import Path

import pytest

from tests.project.running import trained_once


def houses(template: Path, made: pytest.TempPathFactory) -> Path:
    """A regression, served by FastAPI, that can search. Nobody changes it."""
    answers = ["--preset", "minimal", "-d", "framework=tensorflow", "-d", "serving=fastapi", "-d", "compute=ray"]
    return trained_once("houses", template, made, *answers, table=table, target="price")


def table(path: Path) -> Path:
    """Houses and their prices: a number with gaps, a truth, a category, a date and a text."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["area", "year built", "garden", "town", "sold", "note", "price"])
        for number in range(400):
            area, town = chance.randint(40, 200), chance.choice(["Köln", "Bonn", "elsewhere"])
            built = "" if number % 8 == 0 else chance.randint(1900, 2020)
            note = " ".join(chance.choice(["bright", "quiet", "old", "large", "garage", "view"]) for _ in range(5))
            price = round(area * (3000 if town == "Köln" else 2000) + chance.gauss(0, 20000), 2)
            garden, sold = chance.choice(["yes", "no"]), f"20{number % 20 + 10}-0{number % 9 + 1}-15"
            rows.writerow([area, built, garden, town, sold, note if number % 5 else "", price])
    return path
