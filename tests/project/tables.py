"""Real tables that PyPI packages ship, saved the way people send them.

python tables.py FOLDER FILE    in a project's environment, with statsmodels and vega_datasets
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets


def semicolon(file: Path) -> None:
    cancer: Any = datasets.load_breast_cancer(as_frame=True)
    binary = cancer.data.iloc[:, :10].assign(diagnosis=cancer.target.map({0: "malignant", 1: "benign"}))
    binary.to_csv(file, sep=";", decimal=",", index=False)


def tab(file: Path) -> None:
    iris: Any = datasets.load_iris(as_frame=True)
    species = iris.frame.assign(species=iris.target.map(dict(enumerate(iris.target_names)))).drop(columns="target")
    species.to_csv(file, sep="\t", index=False)


def numbers(file: Path) -> None:
    diabetes: Any = datasets.load_diabetes(as_frame=True, scaled=False)
    diabetes.frame.to_parquet(file, index=False)


def small(file: Path) -> None:
    diabetes: Any = datasets.load_diabetes(as_frame=True, scaled=False)
    diabetes.frame.sample(200, random_state=1).to_csv(file, index=False)


def missing(file: Path) -> None:
    vega().cars().to_csv(file, index=False)


def dates(file: Path) -> None:
    vega().seattle_weather().to_csv(file, index=False)


def cp1252(file: Path) -> None:
    renamed = vega().cars().rename(columns={"Weight_in_lbs": "Größe", "Origin": "Région"})
    renamed["Région"] = renamed["Région"].replace({"Europe": "Länder"})
    renamed.drop(columns="Name").dropna().to_csv(file, sep=";", encoding="cp1252", index=False)


def bom(file: Path) -> None:
    wine: Any = datasets.load_wine(as_frame=True)
    names = {name: f"列 {number}" for number, name in enumerate(wine.feature_names)}
    wine.frame.rename(columns={**names, "target": "品种"}).to_csv(file, encoding="utf-8-sig", index=False)


def large(file: Path) -> None:
    from statsmodels.datasets import fair

    rows = fair.load_pandas().data.sample(500_000, replace=True, random_state=1).reset_index(drop=True)
    generator = np.random.default_rng(1)
    rows["income"] = generator.lognormal(size=len(rows)) * (1 + rows["educ"])
    rows["region"] = pd.Series(generator.choice(["north", "south", "east"], len(rows)))
    rows["affair"] = np.where(rows["affairs"] > 0, "yes", "no")
    rows.drop(columns="affairs").to_csv(file, index=False)


def mixed(file: Path) -> None:
    stocks = vega().stocks()
    stocks.assign(share=stocks["price"].rank(pct=True) > 0.5).drop(columns="price").to_parquet(file)


def vega() -> Any:
    """The tables of Vega."""
    from vega_datasets import local_data

    return local_data


WRITERS: tuple[Callable[[Path], None], ...] = (
    semicolon, tab, numbers, small, missing, dates, cp1252, bom, large, mixed,
)  # fmt: skip

if __name__ == "__main__":
    named = Path(sys.argv[2])
    {writer.__name__: writer for writer in WRITERS}[named.stem](Path(sys.argv[1]) / named)
