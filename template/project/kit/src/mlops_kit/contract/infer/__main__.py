"""The command `poe contract`: infer contract.yaml from a data file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlops_kit.contract.contract import Contract
from mlops_kit.contract.errors import ContractError
from mlops_kit.contract.infer import Findings, infer
from mlops_kit.ground import command, project, reporting


def _lines(findings: Findings) -> Iterator[str]:
    for finding in findings:
        yield f"{'! ' if finding.level == 'warning' else ''}{finding.text}"


def _report(contract: Contract, found: Findings) -> dict[str, Any]:
    listed = [{"level": finding.level, "text": finding.text} for finding in found]
    told = {"problem": contract.problem, "rows": contract.rows, "columns": len(contract.columns), "findings": listed}
    return {**told, "contract": contract.dump()}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="poe contract", description="Infer contract.yaml from a data file.")
    parser.add_argument("file", type=Path, help="a CSV, JSON or Parquet file")
    parser.add_argument("--target", help="the column to predict")
    parser.add_argument("--problem", choices=["classification", "regression"], help="told from the target by default")
    parser.add_argument("--encoding", help="the encoding of a text file; told from the file by default")
    parser.add_argument(
        "--missing", nargs="*", metavar="WORD", help="words that mean 'no value', in place of the usual"
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument("--check", action="store_true", help="write nothing")
    return parser.parse_args()


@command
def main() -> None:
    """Parse the command line, infer, and write contract.yaml."""
    options = _options()
    try:
        with reporting("contract"):
            contract, found = infer(options.file, options.target, options.problem, options.encoding, options.missing)
    except ContractError as error:
        if options.json:
            print(json.dumps({"error": error.sentence, "next": error.next_step}, ensure_ascii=False))
            sys.exit(1)
        raise
    if options.json:
        print(json.dumps(_report(contract, found), ensure_ascii=False))
    else:
        print(*_lines(found), sep="\n")
    if not options.check:
        (project().root / "contract.yaml").write_text(contract.dump(), encoding="utf-8")
        print("wrote contract.yaml", file=sys.stderr)


if __name__ == "__main__":
    main()
