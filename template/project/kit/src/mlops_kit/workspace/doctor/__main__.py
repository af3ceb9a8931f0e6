"""What is wrong with this clone, why it matters, and the command that fixes it.

    uv run poe doctor           look at everything; exit code 2 where something is found
    uv run poe doctor --fix     run the commands that cost nothing of yours, and look again

A check is one function: its first line says what should be so; it yields what is not, with the command that fixes it.
Nothing is written without --fix.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from dataclasses import asdict

from mlops_kit.ground import KitError, command, run_openly
from mlops_kit.workspace.doctor import CHECKS
from mlops_kit.workspace.doctor.form import Finding
from mlops_kit.workspace.doctor.state import repo


def examine(names: list[str]) -> tuple[list[Finding], dict[str, str]]:
    """What the checks find; and which could not be made, with the reason."""
    findings, unknown = [], {}
    for name in names:
        one = CHECKS[name]
        try:
            findings += [Finding(name, what, one.why, mend, one.safe) for what, mend in one.look()]
        except Exception as error:  # what one check needs is broken: another check says so
            unknown[name] = (str(error) or repr(error)).splitlines()[0]
    return findings, unknown


def mend(findings: list[Finding]) -> None:
    """Run the commands that are safe, each shown before."""
    for line in dict.fromkeys(finding.mend for finding in findings if finding.safe):
        print(f"$ {line}", flush=True)
        run_openly(*shlex.split(line))
    repo.cache_clear()


def tell(findings: list[Finding], unknown: dict[str, str], number: int) -> None:
    """Each finding in three lines: what, why, and the command."""
    for finding in findings:
        print(f"! {finding.check}: {finding.what}\n    {finding.why}\n    {finding.mend}")
    for reason in dict.fromkeys(unknown.values()):
        names = ", ".join(name for name, its in unknown.items() if its == reason)
        print(f"! {names} could not be looked at: {reason}")
    if not findings and not unknown:
        print(f"✓ {number} checks, nothing found")
    elif any(finding.safe for finding in findings):
        print(f"☐ --fix runs those that cost nothing: {sum(finding.safe for finding in findings)} of {len(findings)}")


def chosen(only: str, skip: str) -> list[str]:
    """The checks that are asked for. Raises KitError where there is no such check."""
    wanted, left_out = only.split(",") if only else list(CHECKS), skip.split(",")
    for name in wanted:
        if name not in CHECKS:
            raise KitError(f"There is no check {name!r}.", f"There are: {', '.join(CHECKS)}.")
    return [name for name in wanted if name not in left_out]


@command
def main() -> None:
    """Look, fix where asked, report."""
    parser = argparse.ArgumentParser(prog="poe doctor", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fix", action="store_true", help="run the commands that cost nothing of yours")
    parser.add_argument("--only", default="", metavar="NAME,...", help="these checks alone")
    parser.add_argument("--skip", default="", metavar="NAME,...", help="all checks but these")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    options = parser.parse_args()
    names = chosen(options.only, options.skip)
    findings, unknown = examine(names)
    if options.fix and any(finding.safe for finding in findings):
        mend(findings)
        findings, unknown = examine(names)
    if options.json:
        print(json.dumps({"checks": names, "findings": [asdict(one) for one in findings], "unknown": unknown}))
    else:
        tell(findings, unknown, len(names))
    sys.exit(2 if findings or unknown else 0)


if __name__ == "__main__":
    main()
