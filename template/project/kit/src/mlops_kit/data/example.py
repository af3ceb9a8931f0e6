"""The example data, for a project that has none of its own yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlops_kit.contract import Contract
from mlops_kit.ground import project


def write_example(contract: Contract) -> Path:
    """Write the example's raw file from a data set that scikit-learn carries: the same bytes on every machine."""
    from sklearn import datasets

    if contract.source.example == "diabetes":
        bunch: Any = datasets.load_diabetes(as_frame=True, scaled=False)
        frame = bunch.frame.rename(columns=dict(target="progression"))
    else:
        bunch = datasets.load_breast_cancer(as_frame=True)
        frame = bunch.data.assign(diagnosis=bunch.target.map(dict(enumerate(bunch.target_names))))
    path = project().root / contract.source.path
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False, lineterminator="\n")
    return path
