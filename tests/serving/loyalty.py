"""Customers and whether they left: a project of LightGBM that MLServer serves, trained once for all cores."""

import csv
import random
from pathlib import Path

import pytest

from tests.project.running import trained_once


def loyalty(template: Path, made: pytest.TempPathFactory) -> Path:
    """A classification whose service can be built into an image. Nobody changes it."""
    serving = ["-d", "serving=seldon", "-d", "extras=[container]"]
    answers = ["--preset", "minimal", "-d", "framework=lightgbm", *serving]
    return trained_once("loyalty", template, made, *answers, table=table, target="left")


def table(path: Path) -> Path:
    """Customers: numbers, some missing, a truth, a category, a date, and whether they left."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["age", "monthly fee", "Länge", "loyal", "plan", "since", "left"])
        for number in range(400):
            age, fee = chance.randint(18, 90), round(chance.uniform(5, 99), 2)
            gap = "" if number % 9 == 0 else round(chance.gauss(170, 9), 1)
            plan, since = chance.choice(["basic", "plus", "max"]), f"20{number % 20 + 10}-0{number % 9 + 1}-15"
            left = "yes" if fee + chance.gauss(0, 9) > 50 else "no"
            rows.writerow([age, fee, gap, chance.choice(["true", "false"]), plan, since, left])
    return path
