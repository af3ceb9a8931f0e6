"""Real tables that PyPI packages ship, saved the way people send them. Run in an environment with these packages."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from statsmodels.datasets import fair
from vega_datasets import local_data


def write_all(folder: Path) -> None:
    """Write every table to its file."""
    cancer: Any = datasets.load_breast_cancer(as_frame=True)
    binary = cancer.data.iloc[:, :10].assign(diagnosis=cancer.target.map({0: "malignant", 1: "benign"}))
    binary.to_csv(folder / "semicolon.csv", sep=";", decimal=",", index=False)

    iris: Any = datasets.load_iris(as_frame=True)
    species = iris.frame.assign(species=iris.target.map(dict(enumerate(iris.target_names)))).drop(columns="target")
    species.to_csv(folder / "tab.tsv", sep="\t", index=False)

    diabetes: Any = datasets.load_diabetes(as_frame=True, scaled=False)
    diabetes.frame.to_parquet(folder / "numbers.parquet", index=False)
    diabetes.frame.sample(200, random_state=1).to_csv(folder / "small.csv", index=False)

    cars = local_data.cars()
    cars.to_csv(folder / "missing.csv", index=False)
    local_data.seattle_weather().to_csv(folder / "dates.csv", index=False)

    renamed = cars.rename(columns={"Weight_in_lbs": "Größe", "Origin": "Région"})
    renamed["Région"] = renamed["Région"].replace({"Europe": "Länder"})
    renamed.drop(columns="Name").dropna().to_csv(folder / "cp1252.csv", sep=";", encoding="cp1252", index=False)

    wine: Any = datasets.load_wine(as_frame=True)
    names = {name: f"列 {number}" for number, name in enumerate(wine.feature_names)}
    wine.frame.rename(columns={**names, "target": "品种"}).to_csv(folder / "bom.csv", encoding="utf-8-sig", index=False)

    affairs = fair.load_pandas().data
    large = affairs.sample(500_000, replace=True, random_state=1).reset_index(drop=True)
    generator = np.random.default_rng(1)
    large["income"] = generator.lognormal(size=len(large)) * (1 + large["educ"])
    large["region"] = pd.Series(generator.choice(["north", "south", "east"], len(large)))
    large["affair"] = np.where(large["affairs"] > 0, "yes", "no")
    large.drop(columns="affairs").to_csv(folder / "large.csv", index=False)

    stocks = local_data.stocks()
    stocks.assign(share=stocks["price"].rank(pct=True) > 0.5).drop(columns="price").to_parquet(folder / "mixed.parquet")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
