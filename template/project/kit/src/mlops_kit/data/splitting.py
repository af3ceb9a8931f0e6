"""How rows are split into a training and a test part: at random, by time, or by group."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlops_kit.contract import Contract, ContractError, row_hashes
from mlops_kit.data.noticing import proposals, rare_class
from mlops_kit.data.rule import WITHIN, Rule, in_order
from mlops_kit.ground import doing

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

COPIES = 0.5  # where more rows than this have an equal one, equal rows are the rule and not a mistake
DRAWS = 200  # of groups, of which the best is taken
SPLIT_APART = "equal rows are split as others are"
APART = "copies_apart"  # noted on a part whose equal rows may be on both sides


def split(
    contract: Contract, frame: pd.DataFrame, test: float | None = None, seed: int | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two typed frames, the training and the test set, by the rule of params.yaml; each class is in both.

    `test`, a share between 0 and 1, and `seed` override the rule's.

    Prints the rule and the share of rows that the test set has.
    Raises ContractError where the rows cannot be split by the rule.
    """
    doing("split the rows", len(frame))
    rule = Rule.read()
    rule = replace(rule, test=rule.test if test is None else test, seed=rule.seed if seed is None else seed)
    in_test, told = choose(contract, frame, rule)
    print(described(in_test, rule, told))
    noticed = proposals(contract, frame) if rule.by == "random" else ()
    for line in (*noticed, *rare_class(contract, frame)):
        print(line)
    parts = []
    for chosen in (~in_test, in_test):
        part = frame[chosen].reset_index(drop=True)
        part.attrs[APART] = told.startswith(SPLIT_APART)
        parts.append(part)
    return parts[0], parts[1]


def choose(contract: Contract, frame: pd.DataFrame, rule: Rule) -> tuple[np.ndarray, str]:
    """Which rows belong to the test part, bool, shape (rows,), and what there is to say of it.

    Raises ContractError where the rule cannot be followed, or a class would not be in both parts.
    """
    import pandas as pd

    codes = codes_of(contract, frame[contract.target])
    if rule.by == "random":
        in_test, told = at_random(row_hashes(contract, frame), codes, rule)
    elif rule.by == "time":
        in_test, told = by_time(in_order(contract, rule, frame[rule.column]), rule)
    else:
        in_test, told = by_group(frame[rule.column], codes, rule)
    values = frame[rule.column] if rule.column else pd.Series(dtype=object)
    require_classes(contract, codes, in_test, values)
    return in_test, told


def codes_of(contract: Contract, targets: pd.Series) -> np.ndarray:
    """Each row's class as its place in the contract, int, shape (rows,); all 0 for a regression."""
    import numpy as np
    import pandas as pd

    if not contract.classes:
        return np.zeros(len(targets), dtype="int16")
    places = {label: place for place, label in enumerate(contract.classes)}
    return pd.Series(targets).map(places).to_numpy(dtype="int16")


# --- the rules -------------------------------------------------------------------------------------------------------


def at_random(hashes: np.ndarray, codes: np.ndarray, rule: Rule) -> tuple[np.ndarray, str]:
    """A random part, with the same share of each class. Rows that are equal in all features stay on one side.

    That is so unless most rows have an equal one, or the shares would bend by it: then each row is drawn on its own.
    """
    import numpy as np
    import pandas as pd

    groups = pd.Series(hashes)
    first = ~groups.duplicated().to_numpy()
    copies = 0.0 if first.all() else float(groups.duplicated(keep=False).mean())
    if copies <= COPIES:
        chosen = _drawn(np.flatnonzero(first), codes, rule)
        in_test = np.isin(hashes, hashes[chosen]) if copies else _marked(chosen, len(codes))
        if abs(in_test.mean() - rule.test) <= WITHIN and _all_in(codes, in_test):
            return in_test, f"equal rows stay on one side ({copies:.1%} of the rows have a copy)" if copies else ""
    in_test = _marked(_drawn(np.arange(len(codes)), codes, rule), len(codes))
    why = f"{copies:.1%} of the rows have a copy, and the shares would bend"
    return in_test, f"{SPLIT_APART}: {why}" if copies else ""


def _marked(chosen: np.ndarray, rows: int) -> np.ndarray:
    """Whether each of so many rows is among the chosen ones."""
    import numpy as np

    found = np.zeros(rows, dtype=bool)
    found[chosen] = True
    return found


def _drawn(rows: np.ndarray, codes: np.ndarray, rule: Rule) -> np.ndarray:
    """Some of these rows, stratified by class where each class allows for it."""
    import numpy as np
    from sklearn.model_selection import train_test_split

    counts = np.bincount(codes[rows])
    labels = codes[rows] if len(counts) > 1 and counts[counts > 0].min() > 1 else None
    try:
        chosen: np.ndarray = train_test_split(rows, test_size=rule.test, random_state=rule.seed, stratify=labels)[1]
    except ValueError as error:
        raise ContractError(
            f"The data cannot be split: {' '.join(str(error).split())}", "Give more rows, or change split.test."
        ) from None
    return chosen


def by_time(order: pd.Series, rule: Rule) -> tuple[np.ndarray, str]:
    """The latest rows; those of one time stay on one side, those without a time are trained on."""
    import numpy as np

    counts = order.value_counts().sort_index()
    require_values(len(counts), rule)
    later = counts[::-1].cumsum()[::-1].iloc[1:]  # the rows of the test part, by the time that it begins with
    start = (later / len(order) - rule.test).abs().idxmin()
    in_test = (order >= start).to_numpy(dtype=bool, na_value=False)
    shown = start.isoformat(sep=" ").removesuffix(" 00:00:00") if hasattr(start, "isoformat") else f"{start:g}"
    told = f"the test part begins at {rule.column} {shown}"
    share = float(np.mean(in_test))
    if abs(share - rule.test) > WITHIN:
        told += f"; rows of one time stay on one side, the most of one are {counts.max()}"
    if order.isna().any():
        told += f"; {int(order.isna().sum())} rows without a time are trained on"
    return in_test, told


def by_group(values: pd.Series, codes: np.ndarray, rule: Rule) -> tuple[np.ndarray, str]:
    """Whole groups: of some random draws the one with the best shares. A row without a group is one of its own."""
    import numpy as np
    import pandas as pd

    groups, names = pd.factorize(values)
    require_values(len(names), rule, groups=int((groups >= 0).sum()))
    alone = groups < 0
    groups[alone] = len(names) + np.arange(alone.sum())
    counts = pd.crosstab(groups, codes).to_numpy()  # rows of each class in each group
    asked = counts.sum(axis=0) * rule.test
    dice, best, badness = np.random.default_rng(rule.seed), np.array([], dtype=int), np.inf
    for _ in range(DRAWS):
        order = dice.permutation(len(counts))
        sizes = counts[order].sum(axis=1).cumsum()
        number = 1 + int(np.abs(sizes[:-1] - asked.sum()).argmin())
        inside = counts[order[:number]].sum(axis=0)
        missing = int(((inside == 0) | (inside == counts.sum(axis=0))).sum())
        found = (
            missing * 1e3 + abs(inside.sum() - asked.sum()) / len(groups) + np.abs(inside - asked).max() / len(groups)
        )
        if found < badness:
            best, badness = order[:number], found
        if badness < 0.005:
            break
    told = f"{len(names)} groups of {rule.column} stay whole"
    in_test: np.ndarray = np.isin(groups, best)
    if abs(in_test.mean() - rule.test) > WITHIN:
        told += f", the largest has {counts.sum(axis=1).max()} rows"
    return in_test, told


def require_values(distinct: int, rule: Rule, groups: int = 0) -> None:
    """Raise ContractError for a column that has one value, or a group a row."""
    if distinct < 2:
        told = "has the same value in every row" if distinct else "is empty"
        raise ContractError(f"The data cannot be split by {rule.column!r}: it {told}.", "Name another split.column.")
    if groups and distinct == groups:
        raise ContractError(
            f"The data cannot be split by {rule.column!r}: every row is a group of its own.",
            "Name a column whose values repeat, or split at random: split.by: random",
        )


# --- what must hold --------------------------------------------------------------------------------------------------


def _all_in(codes: np.ndarray, in_test: np.ndarray) -> bool:
    return set(codes) == set(codes[in_test]) == set(codes[~in_test])


def require_classes(contract: Contract, codes: np.ndarray, in_test: np.ndarray, values: pd.Series) -> None:
    """Raise ContractError where a class of the contract is not in both parts; `values` are the rule's column."""
    for place, label in enumerate(contract.classes):
        rows = codes == place
        kept = int((rows & in_test).sum())
        if 0 < kept < rows.sum():
            continue
        where = "the training part" if kept else "the test part"
        if not rows.any():
            told, hint = "has no rows", "Take it out of contract.yaml, or give rows of it."
        elif len(values) and values[rows].nunique() == 1:
            kind = "group" if values.dtype == object else "value"
            told = f"is in one {kind} of the split alone, {values[rows].iloc[0]!r}"
            hint = "Choose another split.column, or leave the class out."
        else:
            told = f"has {int(rows.sum())} rows, none of which is in {where}"
            hint = "Give more rows of it, another split.test or split.seed, or another rule."
        raise ContractError(f"The data cannot be split: the class {label!r} of {contract.target!r} {told}.", hint)


def described(in_test: np.ndarray, rule: Rule, told: str) -> str:
    """The split in one line: the rule, the share and what was asked for."""
    way = "at random" if rule.by == "random" else f"by {rule.by} of {rule.column!r}"
    share = float(in_test.mean())
    asked = f"{share:.1%} of {len(in_test)} rows to test on, {rule.test:.1%} asked for"
    if rule.by == "random" and abs(share - rule.test) > WITHIN:
        told = "; ".join(filter(None, [told, "a part has whole rows, and there are few"]))
    return f"split {way}: {asked}{'; ' if told else ''}{told}"


def folds_of(contract: Contract, frame: pd.DataFrame, folds: int, seed: int) -> np.ndarray:
    """Each row's fold by the rule of params.yaml: int, shape (rows,).

    By time, the folds follow each other, and -1 are the first rows, which are only trained on. Raises ValueError.
    """
    import numpy as np
    import pandas as pd
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    rule = Rule.read()
    if rule.column not in frame:
        rule = replace(rule, by="random")
    if rule.by == "time":
        ranks = in_order(contract, rule, frame[rule.column]).rank(method="dense", na_option="top")
        edges = ranks.quantile(np.linspace(0, 1, folds + 2)[1:-1], interpolation="higher")
        found: np.ndarray = np.searchsorted(edges, ranks, side="right") - 1
        if len(set(found)) <= folds:
            raise ValueError(f"{rule.column!r} has too few times")
        return found
    codes, classes = codes_of(contract, frame[contract.target]), bool(contract.classes)
    groups = pd.Series(row_hashes(contract, frame))
    if rule.by == "group":
        groups = pd.Series(pd.factorize(frame[rule.column], use_na_sentinel=False)[0])
        kind: Any = StratifiedGroupKFold if classes else GroupKFold
        parts = kind(folds, shuffle=True, random_state=seed).split(groups, codes, groups)
        return _numbered(parts, np.arange(len(frame)), len(frame))
    apart = groups.duplicated(keep=False).mean() > COPIES
    rows = np.arange(len(frame)) if apart else np.flatnonzero(~groups.duplicated())
    splitter = (StratifiedKFold if classes else KFold)(folds, shuffle=True, random_state=seed)
    found = _numbered(splitter.split(rows, codes[rows]), rows, len(frame))
    return found if apart else groups.map(dict(zip(groups[rows], found[rows], strict=True))).to_numpy()


def _numbered(parts: Any, rows: np.ndarray, total: int) -> np.ndarray:
    """The fold of each of these rows, from the splitter's parts."""
    import numpy as np

    found = np.full(total, -1)
    for fold, (_, part) in enumerate(parts):
        found[rows[part]] = fold
    return found
