"""Infer the data contract from a data file: how it is written, what its columns are, what is to be predicted.

    uv run poe contract FILE --target COLUMN

Every decision that is not obvious is a finding, said once here and kept in contract.yaml, where it can be changed.
Only pandas, pyarrow, pyyaml and charset-normalizer are needed, and nothing else of the project.
"""

from mlops_kit.contract.infer.findings import Finding, Findings
from mlops_kit.contract.infer.inference import infer

__all__ = ["Finding", "Findings", "infer"]
