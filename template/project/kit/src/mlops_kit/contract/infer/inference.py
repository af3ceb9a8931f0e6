"""From a data file to its contract: how it is written, what its columns are, what is to be predicted."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from mlops_kit.contract.coercion import plain_name
from mlops_kit.contract.contract import Column, Contract, Source
from mlops_kit.contract.errors import ContractError
from mlops_kit.contract.infer.cells import look_at
from mlops_kit.contract.infer.columns import describe
from mlops_kit.contract.infer.findings import Findings, listed
from mlops_kit.contract.infer.leaks import warn_of_leaks
from mlops_kit.contract.infer.opening import open_table
from mlops_kit.contract.infer.target import describe_target
from mlops_kit.contract.infer.widening import widen
from mlops_kit.ground import doing


def infer(
    path: Path,
    target: str | None,
    problem: str | None = None,
    encoding: str | None = None,
    missing: Collection[str] | None = None,
) -> tuple[Contract, Findings]:
    """The contract of a data file, and what was decided on the way. Raises ContractError for a file that cannot serve.

    `problem` is classification, regression or None: told from the target. `encoding` and `missing`, the words that mean
    "no value", are told from the file too where they are None.
    """
    found = Findings()
    source, frame, labels = open_table(path, target, found, encoding, None if missing is None else tuple(missing))
    target = _find_target(target, [str(name) for name in frame.columns], path)
    if len(frame) < 2:
        raise ContractError(f"{path.name} has only {len(frame)} row.", "Give a file with more rows.")
    whole = len(frame) == len(labels)
    cells = look_at(frame[target], target, source)
    all_cells = cells if whole else look_at(labels, target, source)
    target_column, problem, labelled = describe_target(all_cells, problem, source, found)
    kept = cells.present[~cells.present.isin(target_column.missing or ())]
    frame = frame if len(kept) == len(frame) else frame.loc[kept.index].reset_index(drop=True)
    doing("tell the columns' types", len(frame))
    columns, ignored = _describe_all(frame, target_column, source, found)
    if len(columns) < 2:
        reasons = listed((f"{name.strip() or '(no name)'} ({why})" for name, why in ignored.items()), 5)
        says = f"No column of {path.name} is left to predict {target!r} from: {reasons}."
        raise ContractError(says, "Add features to the file.")
    contract = Contract(problem, target, source, labelled, tuple(columns), ignored)
    if not whole:
        found.info(f"types, leaks and counts of cells were told from {len(frame)} rows, all else from all")
        contract = widen(contract, path)
    doing("look for leaks", len(frame))
    warn_of_leaks(contract, frame, found)
    found.info(f"{problem} of {target!r} from {len(columns) - 1} columns and {labelled} rows")
    return contract, found


def _find_target(target: str | None, names: list[str], path: Path) -> str:
    """The target's name in the file. Raises ContractError where there is no such column."""
    if target is None:
        raise ContractError("Which column is to be predicted?", f"Name it: {listed(names)}.")
    if target in names:
        return target
    if plain_name(target) in names:
        return plain_name(target)
    nearest = difflib.get_close_matches(target, names, len(names), 0.0)
    meant = f"Did you mean {nearest[0]!r}? " if difflib.get_close_matches(target, nearest[:1]) else ""
    raise ContractError(f"There is no column {target!r} in {path.name}.", f"{meant}Columns: {listed(nearest)}.")


def _describe_all(
    frame: pd.DataFrame, target: Column, source: Source, found: Findings
) -> tuple[list[Column], dict[str, str]]:
    """The columns of the contract in the file's order, and those that are left out, with the reason."""
    columns: list[Column] = []
    ignored: dict[str, str] = {}
    for name in frame.columns:
        described = target if name == target.name else describe(frame[name], str(name), source, found)
        if isinstance(described, Column):
            columns.append(described)
        else:
            ignored[str(name)] = described
    for reason in dict.fromkeys(ignored.values()):
        names = [name.strip() or "(no name)" for name, why in ignored.items() if why == reason]
        found.info(f"left out as {reason}: {', '.join(names)}")
    return columns, ignored
