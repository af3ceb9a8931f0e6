"""Customers who stay or leave: a table of one's own, and a project with its champion, trained once for all cores."""

from pathlib import Path

import pytest

from tests.project.running import copied, trained_once


def customers(folder: Path, template: Path, made: pytest.TempPathFactory) -> Path:
    """A copy of that project, in `folder`."""
    return copied(trained_once("churn", template, made, table=table, target="churned"), folder)


def table(path: Path) -> Path:
    """Numbers, and a slice in which another column says who leaves: in the west the income, elsewhere the age."""
    lines = ["age,income,region,churned"]
    for n in range(1200):
        age, income, region = 20 + n * 7 % 50, 1000 + n * 13 % 900, ("north", "south", "west")[n % 3]
        likely = age > 45 if region != "west" else income > 1400
        lines.append(f"{age},{income},{region},{'yes' if likely != (n % 11 == 0) else 'no'}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
