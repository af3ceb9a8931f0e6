"""What tells one model, data set or piece of code from another: DVC's hashes, predictions, git's commit."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mlops_kit.contract import load
from mlops_kit.data import has_data
from mlops_kit.frameworks import framework
from mlops_kit.ground import output_of, project

if TYPE_CHECKING:
    import pandas as pd


def prediction_hash(model: Any, rows: pd.DataFrame, known: Any = None) -> str:
    """The SHA-256 of a model's answers to coerced rows, rounded to 6 digits: equal for equal models.

    `known` gives the model's answers to these rows, where they are known already.
    """
    import numpy as np

    by = model if known is None else known
    answers = by.predict_proba(rows) if hasattr(by, "predict_proba") else by.predict(rows)
    rounded = np.round(np.asarray(answers, dtype="float64"), 6) + 0.0
    decision = framework().decision_of(model)
    return hashlib.sha256(rounded.tobytes() + (repr(decision) if decision else "").encode()).hexdigest()


def folder_md5(folder: Path) -> str:
    """DVC's hash of a folder: of the sorted list of its files' hashes."""
    files = sorted(
        (path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.relative_to(folder).parts
    )
    listed = [dict(md5=_md5(path.read_bytes()), relpath=path.relative_to(folder).as_posix()) for path in files]
    return _md5(json.dumps(listed, sort_keys=True).encode()) + ".dir"


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def locked_md5(stage: str, path: str) -> str:
    """The hash that dvc.lock has for a stage's output; empty where there is none."""
    lock = project().root / "dvc.lock"
    stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"] if lock.exists() else {}
    outs = stages.get(stage, {}).get("outs", [])
    return next((out["md5"] for out in outs if out["path"] == path), "")


def changed_since_run() -> list[str]:
    """The files that changed since the pipeline ran, as DVC sees it; none where the data is not here to be compared."""
    from dvc.repo import Repo

    if not has_data(load()):
        return []
    found: dict[str, None] = {}  # in the stages' order, each once
    for changes in Repo(str(project().root)).status().values():
        for change in changes:
            found |= dict.fromkeys(change.get("changed deps", []) if isinstance(change, dict) else ["dvc.yaml"])
    return list(found)


def data_md5() -> str:
    """The hash of the raw data: DVC's, or of the file itself where git keeps it; empty for generated rows."""
    tracked = project().root / "data/raw.dvc"
    if tracked.exists():
        return str(yaml.safe_load(tracked.read_text(encoding="utf-8"))["outs"][0]["md5"])
    raw = project().root / "data/raw"
    return folder_md5(raw) if raw.exists() else ""


def git_commit() -> str:
    """The commit that is checked out; empty outside git, and where there is no git (an image)."""
    return output_of("git", "rev-parse", "HEAD")


def is_committed(path: str) -> bool:
    """Whether a file is as it was committed last; also outside git."""
    return not output_of("git", "status", "--porcelain", path)
