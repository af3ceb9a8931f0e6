"""`mlops doctor`: what is wrong with a project on this machine, why it matters, and the command that fixes it.

What a project can say of itself is looked at by its own `doctor` module, in one process of its own Python; git, uv, the
environment and the template are looked at here. Nothing is written but by `mend`. Nothing of a project that is not
trusted is run: of its environment, the names of what is installed are read.
"""

import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlops_scaffold.doctor import environment, git_checks, template  # noqa: F401  # each puts its checks into the registry
from mlops_scaffold.doctor.registry import CHECKS, TRUST, Finding, Place
from mlops_scaffold.ground import process
from mlops_scaffold.ground.errors import MlopsError
from mlops_scaffold.ground.report import Report
from mlops_scaffold.sources.catalog import suggest
from mlops_scaffold.vcs.repository import refuse_programs
from mlops_scaffold.vcs.trust import is_trusted

__all__ = ["CHECKS", "Diagnosis", "examine", "mend"]


@dataclass
class Diagnosis:
    """What was found. `unknown` are the checks that could not be made, each with the reason."""

    checks: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """Whether everything was looked at and nothing was found."""
        return not self.findings and not self.unknown

    def reasons(self) -> dict[str, list[str]]:
        """The checks that could not be made, by their reason."""
        found: dict[str, list[str]] = {}
        for name, reason in self.unknown.items():
            found.setdefault(reason, []).append(name)
        return found

    def as_json(self) -> dict[str, Any]:
        """For a machine."""
        return asdict(self)


def examine(place: Place, only: Sequence[str] = ()) -> Diagnosis:
    """Make the checks, or `only` some. Raises MlopsError for a check that neither the tool nor the project has."""
    found = Diagnosis()
    if not is_trusted(place.folder):
        refuse_programs(place.folder)
    for name, check in CHECKS.items():
        if only and name not in only:
            continue
        found.checks.append(name)
        try:
            found.findings += [Finding(name, what, check.why, mend, check.safe) for what, mend in check.look(place)]
        except (MlopsError, OSError) as error:
            found.unknown[name] = str(error)
    others = [name for name in only if name not in CHECKS]
    if others or not only:
        _ask_project(place, others, found)
    return found


def _ask_project(place: Place, only: Sequence[str], found: Diagnosis) -> None:
    """Add what the project's own module finds; a project of another template has none."""
    carried = place.project.checks if place.package is not None else None
    if carried is None:
        if only:
            raise MlopsError(f"There is no check {only[0]!r}.", suggest(only[0], CHECKS))
        return
    if not place.trusted:
        found.unknown["project"] = f"it would run code of the project. {TRUST}"
        return
    if not place.project.python.exists():
        found.unknown["project"] = "its own checks need its environment"
        return
    command = [str(place.project.python), "-m", module_of(carried), "--json", f"--skip={','.join(CHECKS)}"]
    try:
        done = process.run([*command, *([f"--only={','.join(only)}"] if only else [])], place.folder, place.variables)
    except OSError as error:
        found.unknown["project"] = f"its Python does not start: {error.strerror}"
        return
    if done.code not in (0, 2) or not done.output.startswith("{"):
        last = (done.errors.strip().splitlines() or ["it said nothing"])[-1]
        if only and last.startswith("There is no check"):
            sentence, _, known = last.partition(" There are: ")
            raise MlopsError(sentence, suggest(only[0], {*CHECKS, *known.rstrip(".").split(", ")}))
        found.unknown["project"] = f"its own checks failed: {last}"
        return
    told = json.loads(done.output)
    found.checks += told["checks"]
    found.findings += [Finding(**one) for one in told["findings"]]
    found.unknown.update(told["unknown"])


def module_of(place: Path) -> str:
    """The name of a module or package by its place, which is below a folder src or in an environment."""
    parts = place.with_suffix("").parts
    return ".".join(parts[max(i for i, name in enumerate(parts) if name in ("src", "site-packages")) + 1 :])


def mend(place: Place, found: Diagnosis, report: Report) -> list[str]:
    """Run the commands of the safe findings, each said before. Gives back those that were run."""
    place.require_trust()
    ran = list(dict.fromkeys(one.mend for one in found.findings if one.safe))
    ours = os.pathsep.join([str(Path(sys.executable).parent), str(Path(process.uv()).parent)])
    env = {**place.variables, "PATH": os.pathsep.join([ours, place.variables["PATH"]])}
    for command in ran:
        report.say(f"$ {command}")
        for part in command.split(" && "):
            done = process.run(shlex.split(part), place.folder, env)
            if done.code:
                report.warn(f"it failed: {(done.said.splitlines() or ['it said nothing'])[-1]}")
                break
    return ran
