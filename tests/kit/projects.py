"""Small projects to test the library on: a folder each, made of the template's files, without rendering or environment.

What a person of such a project would have is here: its settings, its contract, its data, its own modules and tests.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from mlops_kit.contract import Contract
from mlops_kit.contract.infer import infer
from mlops_kit.ground import Project

ROOT = Path(__file__).parents[2]
SETTINGS = ("dvc.yaml", "params.yaml", "pyproject.toml", "search.yaml")
TEMPLATE = Environment(
    loader=FileSystemLoader(ROOT),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,
)

Table = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of project: its table, whose last column is the target, and the answers that it was made with."""

    table: Callable[[np.random.Generator], Table]
    problem: str = "classification"
    framework: str = "sklearn"
    serving: str = "fastapi"
    compute: str = "local"
    less: tuple[str, str] = ("", "")  # in params.yaml, and what is there instead, where training takes long


# --- tables ----------------------------------------------------------------------------------------------------------


def some(dice: np.random.Generator, values: Any, missing: float = 0.1) -> pd.Series:
    """Values, a share of which is missing."""
    found = pd.Series(values).astype(object)
    return found.mask(dice.random(len(found)) < missing)


def mixed(dice: np.random.Generator, rows: int = 400) -> Table:
    """Every type of column, with missing values; what is learnt from them is a number."""
    size, age = dice.normal(20, 5, rows), dice.integers(0, 90, rows)
    colour = dice.choice(["red", "green", "blue"], rows)
    member = dice.random(rows) < 0.5
    opened = pd.Timestamp("2024-01-01") + pd.to_timedelta(dice.integers(0, 700, rows), unit="D")
    words = dice.choice(["late", "broken", "fine", "lovely", "plain"], (rows, 4))
    score = size / 5 + (colour == "red") * 3 + member * 2 + (words == "broken").any(axis=1) * 2
    return {
        "size": some(dice, size.round(3)),
        "age": age,
        "colour": some(dice, colour),
        "member": some(dice, np.where(member, "yes", "no"), 0.05),
        "opened": opened.strftime("%d.%m.%Y"),
        "said": [" ".join([*row, str(number)]) for number, row in enumerate(words)],
        "score": score + dice.normal(0, 0.5, rows),
    }


def grades(dice: np.random.Generator) -> Table:
    """Three classes, from every type of column."""
    table = mixed(dice)
    score = pd.Series(table.pop("score")).rank(pct=True)
    return {**table, "grade": np.select([score < 0.3, score < 0.7], ["bad", "fair"], "good")}


def prices(dice: np.random.Generator) -> Table:
    """A number, from every type of column."""
    table = mixed(dice)
    score = table.pop("score")
    return {**table, "price": (score * 10).round(2)}


def truths(dice: np.random.Generator) -> Table:
    """Booleans in several spellings and text with gaps; the classes are 0 and 1."""
    rows = 300
    first, second = dice.random((2, rows)) < 0.5
    words = np.where(second, "we are late again", "it was fine")
    return {
        "first": some(dice, np.where(first, "true", "false")),
        "second": np.where(second, "Y", "N"),
        "remark": some(dice, [f"{one} {number}" for number, one in enumerate(words)], 0.3),
        "left": ((first & second) | (dice.random(rows) < 0.1)).astype(int),
    }


def plain(dice: np.random.Generator) -> Table:
    """Two numbers and two classes, of little cost."""
    x, y = dice.normal(size=(2, 200))
    return {"x": x.round(4), "y": y.round(4), "side": np.where(x + y > 0, "in", "out")}


def many(dice: np.random.Generator) -> Table:
    """45 classes of 20 rows."""
    kinds = np.repeat(np.arange(45), 20)
    return {
        "x": (kinds // 7 + dice.normal(0, 0.2, 900)).round(2),
        "z": kinds % 7,
        "kind": [f"k{kind:02}" for kind in kinds],
    }


def one(dice: np.random.Generator) -> Table:
    """One feature."""
    age = dice.uniform(18, 90, 300).round(1)
    return {"age": age, "y": np.where(age + dice.normal(0, 10, 300) > 50, "b", "a")}


def quoted(dice: np.random.Generator) -> Table:
    """Names with a quote, a line's end, a brace and letters of other alphabets."""
    rows = 300
    size, height = dice.uniform(0, 10, (2, rows)).round(2)
    return {
        "size \"inch\"\nor 'so'": size,
        "height\nin cm": height,
        "{x}, größe\\": dice.integers(0, 9, rows),
        "色": dice.choice(["赤", 'a "b"', "it's"], rows),
        "y": np.where(size + height > 10, "b", "a"),
    }


def wide(dice: np.random.Generator) -> Table:
    """750 columns."""
    values = dice.normal(size=(750, 200)).round(3)
    return {
        **{f"c{place}": row for place, row in enumerate(values)},
        "y": np.where(values[:5].sum(axis=0) > 0, "b", "a"),
    }


TREES, EPOCHS = ("max_iter: 500", "max_iter: 15"), ("epochs: 100", "epochs: 30")
KINDS = {
    "grades": Kind(grades),
    "prices": Kind(prices, problem="regression"),
    "truths": Kind(truths),
    "plain": Kind(plain),
    "many": Kind(many, less=TREES),
    "one": Kind(one),
    "quoted": Kind(quoted),
    "wide": Kind(wide, less=TREES),
    "light_grades": Kind(grades, framework="lightgbm"),
    "light_prices": Kind(prices, problem="regression", framework="lightgbm"),
    "deep_grades": Kind(grades, framework="tensorflow", serving="tensorflow-serving", less=EPOCHS),
    "deep_prices": Kind(
        prices, problem="regression", framework="tensorflow", serving="tensorflow-serving", less=EPOCHS
    ),
}


# --- the folder ------------------------------------------------------------------------------------------------------


def make(name: str, folder: Path, package: str = "") -> Project:
    """The project of a kind in a folder: as `mlops new` leaves it, before a stage has run."""
    kind, package = KINDS[name], package or name
    answers = answers_of(kind, name.replace("_", "-"), package)
    for path in SETTINGS:
        write(folder / path, render(path, answers).replace(*kind.less, 1))
    # As in a rendered project, what another serving needs is not there.
    unwanted = {"serve.py": kind.serving != "fastapi", "test_service.py": kind.serving == "none"}
    for source, target in (("src/{{ package_name }}", f"src/{package}"), ("tests", "tests")):
        for file in sorted((ROOT / "template/project" / source).glob("*.py")):
            if not unwanted.get(file.name):
                write(folder / target / file.name, render(f"{source}/{file.name}", answers))
    data = folder / "data/raw/rows.csv"
    data.parent.mkdir(parents=True)
    table = pd.DataFrame(kind.table(np.random.default_rng(7)))
    table.to_csv(data, index=False, lineterminator="\n")
    write(folder / "contract.yaml", contract_of(data, kind.problem).with_path("data/raw/rows.csv").dump())
    return Project.read(folder)


def contract_of(data: Path, problem: str) -> Contract:
    """The contract of a file, as the library infers it; of a wide file, from some of its columns, which takes less."""
    table = pd.read_csv(data, dtype=str, keep_default_na=False)
    if len(table.columns) <= 20:
        return infer(data, table.columns[-1], problem)[0]
    some = data.with_name("some.csv")
    table.iloc[:, -3:].to_csv(some, index=False)
    found, _ = infer(some, table.columns[-1], problem)
    some.unlink()
    like = replace(found.columns[0], minimum=-9.0, maximum=9.0)
    return replace(found, columns=(*(replace(like, name=name) for name in table.columns[:-1]), found.columns[-1]))


def answers_of(kind: Kind, name: str, package: str) -> dict[str, Any]:
    """What the template asks, answered."""
    return dict(
        project_name=name,
        package_name=package,
        description="A project for the library's tests.",
        problem=kind.problem,
        framework=kind.framework,
        serving=kind.serving,
        compute=kind.compute,
        kit="vendored",
        level="pipeline",
        kit_index="",
        ci="github",
        cloud="none",
        package_index="",
        dependencies=[],
        images={},
        extras=["monitoring"],
        components={"github": {"managed": ["/.github/workflows/"]}, "vendored": {"managed": ["/kit/"]}},
        _copier_conf={"answers_file": ".copier-answers.yml"},
    )


def render(path: str, answers: dict[str, Any]) -> str:
    """A file of the template, by the answers."""
    return TEMPLATE.get_template(f"template/project/{path}").render(answers)


def write(file: Path, text: str) -> None:
    """Write a file, and the folders that it is in."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def copied(project: Project, folder: Path, *names: str) -> Project:
    """The same project in another folder, with some of its files only: all of them where none is named."""
    for name in names or [path.name for path in project.root.iterdir()]:
        source, target = project.root / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
    return replace(project, root=folder)
