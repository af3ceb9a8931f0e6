"""How long `mlops update` and `mlops check` take, against copier in the same run. Run it by `make bench`."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from new import BIN, HERE, environment, row, seconds

MLOPS, COPIER = str(BIN / "mlops"), str(BIN / "copier")
TWENTY = 20
TABLE = '\n[tool.{name}]\nkey = "{name}"\n'


def main() -> None:
    """Measure and print."""
    work = Path(tempfile.mkdtemp(prefix="mlops-bench-"))
    env = environment(work)
    run = partial(subprocess.run, env=env, check=True, capture_output=True)
    project = made_from(history(work, run), work, run)

    def back() -> None:
        run(["git", "reset", "-q", "--hard"], cwd=project)
        run(["git", "clean", "-q", "-fdx"], cwd=project)

    print(f"{'what':48} {'ours':>9} {'peer':>11} {'ratio':>7}")
    update = (MLOPS, "update", "-l", "-q")
    theirs = seconds(COPIER, "update", "-q", "--defaults", cwd=project, env=env, times=3, before=back)
    ours = seconds(*update, cwd=project, env=env, times=5, before=back)
    row("update, against copier update", ours, theirs, 0.15)
    back()
    many = [str(shutil.copytree(project, work / f"p{number}", symlinks=True)) for number in range(TWENTY)]
    row("twenty projects in one process, each", seconds(*update, *many, cwd=work, env=env) / TWENTY, theirs, 0.08)

    def forget() -> None:
        shutil.rmtree(work / "cache/renders", ignore_errors=True)

    # Both say by their exit code that there is an update.
    check = (MLOPS, "check", "-q")
    theirs = seconds(COPIER, "check-update", "-q", cwd=project, env=env, times=5, fine=(0, 2))
    uncached = seconds(*check, cwd=project, env=env, times=5, before=forget, fine=(0, 2))
    row("check, nothing cached, against check-update", uncached, theirs, 0.6)
    cached = seconds(*check, cwd=project, env=env, times=9, fine=(0, 2))
    row("check, its renders cached, against check-update", cached, theirs, 0.25)
    shutil.rmtree(work)


def history(work: Path, run: Callable[..., object]) -> Path:
    """Our template with two releases: the second one changes a handful of files."""
    template = work / "template"
    template.mkdir()
    shutil.copy(HERE.parent / "copier.yml", template)
    shutil.copytree(HERE.parent / "template", template / "template")
    run(["git", "init", "-q"], cwd=template)
    commit(template, "v1.0.0", run)
    for name in ("README.md", "pyproject.toml", ".gitignore", "dvc.yaml"):
        append(template / "template/project" / name, "# a line of the template\n")
    append(template / "template/project/pyproject.toml", TABLE.format(name="template"))
    commit(template, "v1.1.0", run)
    return template


def append(path: Path, text: str) -> None:
    """Add a text to a file."""
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def commit(folder: Path, tag: str, run: Callable[..., object]) -> None:
    """All that is there, as a version."""
    run(["git", "add", "-A"], cwd=folder)
    run(["git", "commit", "-q", "-m", tag], cwd=folder)
    run(["git", "tag", tag], cwd=folder)


def made_from(template: Path, work: Path, run: Callable[..., object]) -> Path:
    """A project of the first release, with an edit that git merges, and one that only the merge by keys does."""
    run([MLOPS, "new", "p", "-l", "--no-setup", "--template", str(template), "--vcs-ref", "v1.0.0"], cwd=work)
    readme = work / "p/README.md"
    readme.write_text("A line of ours.\n\n" + readme.read_text(encoding="utf-8"), encoding="utf-8")
    append(work / "p/pyproject.toml", TABLE.format(name="ours"))
    run(["git", "init", "-q"], cwd=work / "p")
    commit(work / "p", "ours", run)
    return work / "p"


if __name__ == "__main__":
    main()
