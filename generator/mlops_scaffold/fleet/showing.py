"""The lines of a fleet for a person or a program, and the exit code that says what is left."""

import json
from collections import Counter
from collections.abc import Iterable

from mlops_scaffold.fleet.discovery import TEMPLATED
from mlops_scaffold.fleet.inventory import Member
from mlops_scaffold.fleet.line import BEHIND, PROPOSED, Line
from mlops_scaffold.ground.errors import shown, some

DONE, WAITING, NEEDS_A_PERSON, FAILED, STOPPED = 0, 10, 11, 20, 21


def show_members(members: Iterable[Member], quiet: bool, as_json: bool) -> None:
    """Print a line for each project of the inventory."""
    for member in [] if quiet and not as_json else members:
        held = (member.hold and member.hold.why) or "held" if member.is_held else None
        host = member.host.name if member.host else None
        for path in member.paths:
            row = {"repo": member.repo, "path": path, "ring": member.ring or None, "host": host, "hold": held}
            words = (member.ring, member.repo, path * (path != "."), held and f"on hold: {held}")
            print(json.dumps(row) if as_json else shown("  ".join(filter(None, words))))


def show_found(found: Iterable[tuple[str, str]], quiet: bool, as_json: bool) -> None:
    """Print what the inventory does not have: a repository of the template as the row to add."""
    for repo, state in found:
        if as_json:
            print(json.dumps({"repo": repo, "state": state}), flush=True)
        elif not quiet:
            row = f"  - {{repo: {repo}}}" if state == TEMPLATED else f"  # {repo}: {state}"
            print(shown(row), flush=True)


def show(lines: Iterable[Line], quiet: bool, as_json: bool) -> int:
    """Print each line as soon as it is known, then how many there are of each state. Gives back the exit code."""
    states: Counter[str] = Counter()
    code = DONE
    for line in lines:
        if as_json or line.failed or not quiet:
            print(json.dumps(line.to_json()) if as_json else shown(text_of(line)), flush=True)
        states[line.state] += 1
        code = max(code, code_of(line))
    if not as_json and not quiet:
        print(summary(states))
    return code


def summary(states: Counter[str]) -> str:
    """How many projects are in each state."""
    number = states.total()
    counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"{number} project{'' if number == 1 else 's'}: {counts}"


def code_of(line: Line) -> int:
    """What a project leaves to be done."""
    if line.failed:
        return FAILED
    if line.needs_a_person:
        return NEEDS_A_PERSON
    return WAITING if line.state in (BEHIND, PROPOSED) else DONE


def text_of(line: Line) -> str:
    """A line of the table."""
    name = line.repo if line.path == "." else f"{line.repo}: {line.path}"
    return "  ".join(filter(None, (line.ring, name, line.versions, line.state, *details(line))))


def details(line: Line) -> list[str]:
    """What else there is to say of a project."""
    found = []
    if line.files is not None:
        found.append(f"{len(line.files)} files")
    if line.conflicts:
        found.append("conflicts: " + ", ".join(f"{one['path']} ({one['kind']})" for one in line.conflicts))
    if line.drifted:
        found.append(f"drifted: {some(line.drifted)}")
    if line.error:
        found.append(line.error)
    return [*found, *line.notices]
