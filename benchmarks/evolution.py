"""What is left of a person's work after an update: `mlops update` and `copier update` on the same histories.

Without arguments, on the cases of tests/update/test_nothing_lost.py. With them, on real projects: each argument is
PROJECT=TEMPLATE, two git repositories (bare ones too) in which the project's history holds updates of the template;
`--list FILE` names many, a line each: TEMPLATE PROJECT PROJECT... Every such update is made again, from the commit
before it and with the answers that it recorded, by both programs; the result is held against what the maintainer
committed. Nothing of them is kept or run: tasks and migrations are skipped, and the template's Jinja extensions are
trusted, so name only repositories that you know. (What an extension needs must be installed here.)
"""

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

ANSWERS = ".copier-answers.yml"
PROGRAMS = {
    "mlops": ["-m", "mlops_scaffold", "update", "--explain", "--defaults", "--trust", "--skip-tasks"],
    "copier": ["-m", "copier", "update", "--quiet", "--defaults", "--trust", "--skip-tasks"],
}
SHORT = 4  # shorter lines say nothing: they are everywhere


@dataclass
class Tally:
    """What came of some updates."""

    updates: int = 0
    failed: int = 0
    conflicts: int = 0  # files
    clean: int = 0  # updates without one
    unlike: int = 0  # lines that are not as the maintainer has them; markers are such lines
    lost: int = 0
    lossy: int = 0
    seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Add another one's figures."""
        for name in ("updates", "failed", "conflicts", "clean", "unlike", "lost", "lossy", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True)
class Step:
    """One update to be made: a committed project, and the version to go to."""

    project: Path
    version: str
    own: Counter[bytes]  # the lines that a person wrote, and how often each
    rendered: Counter[bytes]  # those of the template
    data: Path | None = None  # the answers that the maintainer gave
    wanted: str = ""  # the maintainer's commit


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("history", nargs="*", metavar="PROJECT=TEMPLATE")
    parser.add_argument("--list", type=Path, help="a file of lines: TEMPLATE PROJECT PROJECT...")
    parser.add_argument("--limit", type=int, default=1000, help="updates of each project, the newest first")
    parser.add_argument("--only", choices=PROGRAMS, help="one of the programs")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="mlops-evolution-"))
    os.environ.update(surroundings(work))
    if options.only:
        PROGRAMS.update({name: [] for name in PROGRAMS if name != options.only})
    heads = ("updated", "in conflict", "without", "lines unlike", "lost lines", "in", "s each")
    print(f"{'history':34} {'program':8}", *heads, sep="  ")
    sources = listed(options.history, options.list)
    if not sources:
        show("made by us", compare(made(work)))
    total = {program: Tally() for program, command in PROGRAMS.items() if command}
    for project, template in sources:
        label = project.parent.name if project.name in ("repo", ".git") else project.name
        found = compare(itertools.islice(real(project, template, work), options.limit))
        show(label, found)
        for program, tally in found.items():
            total[program].add(tally)
    if len(sources) > 1:
        show("all", total)
    shutil.rmtree(work)


def listed(pairs: list[str], file: Path | None) -> list[tuple[Path, Path]]:
    """Projects with their templates."""
    found = [tuple(pair.split("=", 1)) for pair in pairs]
    for line in file.read_text(encoding="utf-8").splitlines() if file else ():
        template, *projects = line.partition("#")[0].split() or [""]
        found += [(project, template) for project in projects]
    return [(Path(project).resolve(), Path(template).resolve()) for project, template in found]


def surroundings(work: Path) -> dict[str, str]:
    """Settings and caches of its own."""
    (work / "gitconfig").write_text("[user]\n  name = Bench\n  email = bench@example.com\n", encoding="utf-8")
    return {
        "MLOPS_CACHE_DIR": str(work / "cache"),
        "MLOPS_CONFIG_DIR": str(work / "config"),
        "COPIER_CACHE_DIR": str(work / "copier"),
        "GIT_CONFIG_GLOBAL": str(work / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }


def compare(steps: Iterator[Step]) -> dict[str, Tally]:
    """Make each update by both programs, on a copy each."""
    tallies = {program: Tally() for program, command in PROGRAMS.items() if command}
    for step in steps:
        for program, tally in tallies.items():
            copy = step.project.with_name(f"{step.project.name}-{program}")
            shutil.copytree(step.project, copy, symlinks=True)
            measure(program, step, copy, tally)
            shutil.rmtree(copy)
    return tallies


def measure(program: str, step: Step, copy: Path, tally: Tally) -> None:
    """One update."""
    start = time.perf_counter()
    command = [sys.executable, *PROGRAMS[program], "--vcs-ref", step.version]
    command += ["--data-file", str(step.data)] if step.data else []
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    tally.seconds += time.perf_counter() - start
    tally.updates += 1
    recorded = (copy / ANSWERS).read_text(encoding="utf-8") if (copy / ANSWERS).exists() else ""
    if done.returncode not in (0, 2) or f"_commit: {step.version}" not in recorded:
        tally.failed += 1
        tally.reasons[(done.stderr.strip().splitlines() or ["?"])[-1][:150]] += 1
        return
    unmerged = {line.split("\t")[1] for line in git("ls-files", "--unmerged", cwd=copy).splitlines()}
    tally.conflicts += len(unmerged)
    tally.clean += not unmerged
    left = lines_left(copy)
    missing = step.own - left
    for line in [line for line in missing if is_reported(line, done.stderr) or is_merged(line, step.rendered, left)]:
        del missing[line]
    tally.lost += missing.total()
    tally.lossy += bool(missing)
    where = step.wanted[:9]
    tally.reasons.update(f"lost {where}: {line.decode(errors='replace')[:100]}" for line in sorted(missing))
    tally.unlike += unlike(copy, step.wanted) if step.wanted else 0


def is_reported(line: bytes, said: str) -> bool:
    """Whether the program names a line that it replaced: an older pin, say."""
    return line.decode(errors="replace") in said


def is_merged(line: bytes, rendered: Iterable[bytes], left: Iterable[bytes]) -> bool:
    """Whether a line of the result has all the words that a person had put into the template's line.

    The template may have joined that line with others since.
    """
    text = line.decode(errors="replace")
    before = get_close_matches(text, [one.decode(errors="replace") for one in rendered], n=1, cutoff=0.5)
    said = words(text)
    added = said - words(before[0] if before else "")
    after = (words(one.decode(errors="replace")) for one in left)
    return any(added <= other and 2 * (said & other).total() >= said.total() for other in after)


def words(text: str) -> Counter[str]:
    """How often each word is in a text."""
    return Counter(re.findall(r"\w+", text))


def unlike(copy: Path, wanted: str) -> int:
    """How many lines are not as the maintainer committed them. What a program writes does not count."""
    git("add", "--all", "--force", cwd=copy)
    changed = git("diff", "--numstat", "--no-renames", wanted, "--", f":!{ANSWERS}", ":!*.lock", cwd=copy)
    return sum(int(number) for line in changed.splitlines() for number in line.split("\t")[:2] if number.isdigit())


def lines_left(folder: Path) -> Counter[bytes]:
    """How often each line is in the project; of a file in conflict, in the project's side of it."""
    found: Counter[bytes] = Counter()
    stages = [entry.split(maxsplit=3) for entry in git("ls-files", "--unmerged", "-z", cwd=folder).split("\0") if entry]
    unmerged = {path for *_, path in stages}
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if name.parts[0] == ".git" or name.as_posix() in {ANSWERS, *unmerged}:
            continue  # the answers are written by a program, by no person
        if path.is_symlink():
            found[os.fsencode(path.readlink())] += 1
        elif path.is_file():
            found.update(line.strip() for line in path.read_bytes().splitlines())
    for _, blob, stage, _ in stages:
        if stage == "2":
            side = subprocess.run(["git", "cat-file", "blob", blob], cwd=folder, capture_output=True, check=True)
            found.update(line.strip() for line in side.stdout.splitlines())
    return found


def show(name: str, tallies: dict[str, Tally]) -> None:
    """A line a program."""
    for program, tally in tallies.items():
        each = f"{tally.seconds / max(tally.updates, 1):6.2f}"
        updated = f"{tally.updates - tally.failed}/{tally.updates}"
        counted = (
            f"{updated:>7}  {tally.conflicts:11}  {tally.clean:7}  {tally.unlike:12}  {tally.lost:10}  {tally.lossy:2}"
        )
        print(f"{name:34}  {program:8}", counted, each, sep="  ", flush=True)
        for reason, count in tally.reasons.items():
            print(f"    {count}x {reason}")


# --- histories -------------------------------------------------------------------------------------------------------


def made(work: Path) -> Iterator[Step]:
    """The cases of the test suite."""
    from tests.update.test_nothing_lost import CASES
    from tests.update.world import make_world

    for number, case in enumerate(CASES.values()):
        world = make_world(work / f"case{number}", case.before, case.after)
        rendered = lines_left(world.project)
        world.edit(case.edit)
        yield Step(world.project, "v2.0.0", own(lines_left(world.project) - rendered), rendered)


def real(project: Path, template: Path, work: Path) -> Iterator[Step]:
    """The updates in a project's history, each from the commit before it."""
    mirror = work / f"{template.parent.name}.git"
    if not mirror.exists():
        git("clone", "--quiet", "--bare", str(template), str(mirror), cwd=work)
    now = named(answers(project, "HEAD")["_src_path"])
    for number, commit in enumerate(updates(project)):
        before, after = (answers(project, f"{commit}{parent}") for parent in ("^", ""))
        versions, templates = ([one[key] for one in (before, after)] for key in ("_commit", "_src_path"))
        if len(set(versions)) == 1 or {*map(named, templates)} != {now} or not known(mirror, *versions):
            continue
        folder = work / f"{project.parent.name}-{number}"
        git("clone", "--quiet", "--no-hardlinks", "--no-checkout", str(project), str(folder), cwd=work)
        git("checkout", "--quiet", "--detach", f"{commit}^", cwd=folder)
        text = (folder / ANSWERS).read_text(encoding="utf-8")
        pointed = re.sub(r"(?m)^_src_path:.*$", f"_src_path: file://{mirror}", text)
        (folder / ANSWERS).write_text(pointed, encoding="utf-8")
        git("commit", "--quiet", "--all", "--no-verify", "--message", "the template's place here", cwd=folder)
        data = work / f"{folder.name}.yml"
        recorded = yaml.safe_load(git("show", f"{commit}:{ANSWERS}", cwd=project))
        data.write_text(yaml.safe_dump({key: value for key, value in recorded.items() if not key.startswith("_")}))
        rendered = rendered_lines(folder)
        yield Step(folder, after["_commit"], own(lines_left(folder) - rendered), rendered, data, commit)
        shutil.rmtree(folder)


def named(address: str) -> str:
    """The name of a template: a project may have had another one before."""
    return address.removesuffix(".git").rpartition("/")[2]


def own(lines: Counter[bytes]) -> Counter[bytes]:
    """Those that say something."""
    return Counter({line: count for line, count in lines.items() if len(line) >= SHORT})


def updates(project: Path) -> list[str]:
    """The commits on the main line that changed the template's version; a merge counts by what it brought."""
    log = ("log", "--first-parent", "-m", "--format=%H", "-G^_commit:", "--diff-filter=M")
    return git(*log, "--", ANSWERS, cwd=project).split()


def answers(project: Path, commit: str) -> dict[str, str]:
    """The answers that are one word, of a commit."""
    text = git("show", f"{commit}:{ANSWERS}", cwd=project)
    return dict(re.findall(r"(?m)^(\w+): *(\S+)$", text))


def known(mirror: Path, *versions: str) -> bool:
    """Whether the template's repository has some versions."""
    command = ["git", "rev-parse", "--quiet", "--verify"]
    named = [[*command, f"{version}^{{commit}}"] for version in versions]
    return not any(subprocess.run(each, cwd=mirror, capture_output=True, check=False).returncode for each in named)


def rendered_lines(folder: Path) -> Counter[bytes]:
    """How often each line is in what the template gave to a project."""
    from mlops_scaffold.ground.errors import MlopsError
    from mlops_scaffold.ground.project import open_project
    from mlops_scaffold.rendering.recorded import render_base
    from mlops_scaffold.sources.address import recorded_address
    from mlops_scaffold.sources.source import reopen_version

    project = open_project(folder)
    version = reopen_version(recorded_address(project.source), project.version, "")
    try:
        files = render_base(project, version, trust=True).tree.files.values()
    except MlopsError:
        return lines_left(folder)  # the update fails too, and says why: nothing can be lost
    return Counter(line.strip() for entry in files for line in entry.content.splitlines())


def git(*arguments: str, cwd: Path) -> str:
    """What git says."""
    return subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
