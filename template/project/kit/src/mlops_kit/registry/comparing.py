"""Two models compared fairly: on rows that neither has learnt, with an interval beside the two numbers."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_kit import models
from mlops_kit.contract import Contract, parquet_batches, row_hashes
from mlops_kit.data import APART, TRAIN
from mlops_kit.ground import project
from mlops_kit.registry.errors import RegistryError
from mlops_kit.training import scorer

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

RESAMPLES, FEWEST_RESAMPLES = 200, 50
CHEAP = 2_000_000  # scored rows in all, beyond which fewer resamples do
CERTAIN = 0.9  # of the interval: one in twenty is below it by chance


# --- the rows --------------------------------------------------------------------------------------------------------


def unseen(contract: Contract, test: pd.DataFrame, champion: models.Champion) -> tuple[pd.DataFrame, str]:
    """The rows of the test part that the champion was not trained on, and by which rule they were told.

    The prepared parts tell it, since the same raw data may be split in another way. Raises RegistryError where too few
    are left to compare on.
    """
    prepared = models.locked_md5("prepare", "data/prepared")
    if prepared and prepared == models.locked_by(champion, "prepare", "data/prepared"):
        return test, f"on the {len(test)} test rows, the parts being the ones that the champion was made with"
    folder = project().root / ".champion/prepared"
    if not models.of_run(champion, "data/prepared", folder):
        return test, f"on the {len(test)} test rows, some of which the champion may have learnt: its parts are not here"
    names = [column.name for column in contract.features]
    learnt = hashes_of(contract, folder / TRAIN.name, names)
    if learnt is None:
        return test, f"on the {len(test)} test rows, of which the champion, trained on other columns, may know some"
    kept, rule = without(contract, test, learnt)
    whole = set(contract.classes) <= set(kept[contract.target]) if contract.classes else len(kept) > 1
    if not whole:
        raise RegistryError(
            f"Not promoted: the champion (version {champion.version}) has learnt {len(test) - len(kept)} of the "
            f"{len(test)} test rows, and the others are too few to compare on. Take the split that it was made with "
            f"(commit {champion.commit[:12]}), or more data."
        )
    return kept, rule


def hashes_of(contract: Contract, file: Any, names: list[str]) -> np.ndarray | None:
    """The hashes of a part's rows; None where it lacks one of the columns."""
    import numpy as np
    from pyarrow.parquet import read_schema

    if not set(names) <= set(read_schema(file).names):
        return None
    batches = parquet_batches(file, names)
    return np.concatenate([row_hashes(contract, batch.to_pandas()) for batch in batches])


def without(contract: Contract, test: pd.DataFrame, learnt: np.ndarray) -> tuple[pd.DataFrame, str]:
    """The rows of a test part that are not among the learnt ones.

    Where equal rows are split as others are, a row is told from its equals by their number: of n equal rows in today's
    data, of which the champion has learnt t, at most n - t are kept.
    """
    import numpy as np
    import pandas as pd

    hashes = row_hashes(contract, test)
    if not test.attrs.get(APART):
        kept = test[~np.isin(hashes, learnt)].reset_index(drop=True)
        return kept, described(kept, test)
    names = [column.name for column in contract.features]
    train = hashes_of(contract, project().root / TRAIN, names)
    assert train is not None
    today, before = Counter([*train.tolist(), *hashes.tolist()]), Counter(learnt.tolist())
    # In an order of their own, so that those which are kept do not follow the file's.
    order = np.random.default_rng(0).permutation(len(test))
    number = pd.Series(hashes[order]).groupby(hashes[order]).cumcount().to_numpy()
    spare = np.array([today[value] - before[value] for value in hashes[order].tolist()])
    kept = test.iloc[np.sort(order[number < spare])].reset_index(drop=True)
    return kept, described(kept, test) + " (equal ones told by their number)"


def described(kept: pd.DataFrame, test: pd.DataFrame) -> str:
    """How many rows, of how many."""
    return f"on the {len(kept)} of {len(test)} rows that the champion was not trained on"


# --- the numbers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Compared:
    """A metric of both models on the same rows, and the interval of their difference: challenger less champion."""

    new: float
    old: float
    low: float
    high: float

    @property
    def worse(self) -> bool:
        """Whether the challenger is worse by more than chance."""
        return self.new < self.old and self.high < 0

    def __str__(self) -> str:
        interval = f"{CERTAIN:.0%} of the differences from {self.low:+.4f} to {self.high:+.4f}"
        return f"{self.new:.4f}, the champion's {self.old:.4f} ({interval})"


def compared(new: Any, old: Any, contract: Contract, frame: pd.DataFrame, metric: str) -> Compared:
    """Both models' metric on a frame, and the interval of the difference by a paired bootstrap.

    Rows are drawn anew within their class, the same ones for both models: Efron and Tibshirani, An Introduction to the
    Bootstrap, chapter 13.
    """
    import numpy as np

    from mlops_kit.training.answers import Classes, Numbers

    rows = contract.coerce(frame).reset_index(drop=True)
    labels, ask = contract.labels(frame), scorer(metric, contract)
    kind = Classes if contract.classes else Numbers
    answers = [kind(model, rows) for model in (new, old)]
    scores = [round(float(ask(one, rows, labels)), 6) for one in answers]
    if metric not in getattr(project().model, "SCORERS", {}):
        rows = rows[[]]  # scikit-learn's look at the answers alone
    strata = [np.flatnonzero(labels == label) for label in contract.classes] or [np.arange(len(rows))]
    dice, differences = np.random.default_rng(0), []
    with warnings.catch_warnings(action="ignore"):
        for _ in range(max(FEWEST_RESAMPLES, min(RESAMPLES, CHEAP // len(rows)))):
            drawn = np.concatenate([dice.choice(stratum, len(stratum)) for stratum in strata if len(stratum)])
            ours, theirs = (ask(one, rows.iloc[drawn], labels[drawn]) for one in answers)
            differences.append(float(ours) - float(theirs))
    edges = np.nanquantile(differences, [(1 - CERTAIN) / 2, (1 + CERTAIN) / 2])
    return Compared(scores[0], scores[1], float(edges[0]), float(edges[1]))
