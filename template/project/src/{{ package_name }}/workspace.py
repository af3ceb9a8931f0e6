"""The workspace of one person: make a clone ready, bring new data in.

    uv run poe setup             hooks, data, registry database, champion, a smoke test, and what to try next
    uv run poe data FILE         a new version of the data: compared with the contract, versioned, committed

Both are safe to run again.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import replace
from pathlib import Path

from . import ROOT
from .contract import Contract, ContractError, check_file, load
from .tracking import ChampionError

RAW = Path("data/raw")
LARGEST_FILE_MB = 5
SMOKE_ROWS = 200


class WorkspaceError(Exception):
    """A step that failed, in one sentence, with what to do next."""


def run(*command: str, quiet: bool = False, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment in the project's root; what it printed comes back."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PATH": path})
    if check and done.returncode:
        raise WorkspaceError(f"`{' '.join(command)}` failed:\n{(done.stderr or done.stdout).strip()}")
    if not quiet and done.stdout.strip():
        print(done.stdout.strip())
    return done


def say(step: str, outcome: str) -> None:
    """One line a step."""
    print(f"{step}: {outcome}", flush=True)


# --- setup -----------------------------------------------------------------------------------------------------------


def setup(smoke: bool) -> None:
    """Hooks, data, registry database, champion: in this order, each only where it is missing; then a smoke test."""
    # MLflow takes longest to load, above all the first time: its database is made while the rest goes on.
    database = subprocess.Popen([sys.executable, "-m", f"{__package__}.tracking", "initialise"], cwd=ROOT)
    try:
        say("hooks", install_hooks())
        say("data", bring_data(load()))
    finally:
        failed = database.wait()
    if failed:
        raise WorkspaceError("The registry's database could not be made: see above.")
    say("registry", "ready")
    say("champion", bring_champion())
    if smoke:
        say("smoke test", smoke_test())
        print(f"\n{next_steps()}")


def install_hooks() -> str:
    """Install the git hooks, where this is a git repository."""
    if run("git", "rev-parse", "--git-dir", quiet=True, check=False).returncode:
        return "not a git repository, no hooks"
    if run("git", "config", "core.hooksPath", quiet=True, check=False).stdout.strip():
        return "not installed, since your git has core.hooksPath: run `uv run pre-commit run` before a commit"
    if run("git", "rev-parse", "--show-prefix", quiet=True).stdout.strip():
        return "not installed, since they would stop commits to the larger repository: run `uv run poe lint` before one"
    run("pre-commit", "install", quiet=True)
    return "installed"


def bring_data(contract: Contract) -> str:
    """Get the raw data: what is there, else from the DVC remote, else the example, which every clone can write."""
    raw = ROOT / contract.source.path
    if not raw.exists() and Path(ROOT, "data/raw.dvc").exists():
        # From the remote where there is one, else from this machine's cache (another version may be checked out).
{% if cloud != 'none' %}
        if has_remote() and Path(ROOT, "cloud.yaml").exists():
            from .cloud.login import check

            check()  # who is not let in is told why, and by which command they are
{% endif %}
        command = "pull" if has_remote() else "checkout"
        if run("dvc", command, "data/raw.dvc", quiet=True, check=has_remote()).returncode == 0:
            return f"{contract.source.path} is here again, by dvc {command}"
    if raw.exists():
        outcome = f"{contract.source.path} is here"
    elif contract.source.example:
        from .data import write_example

        write_example(contract)
        outcome = f"wrote the example, {contract.source.path}"
    else:
        return f"{contract.source.path} is not here and no DVC remote has it: tests and pipeline run on generated rows"
    if not tracked_by_git(contract.source.path) and not Path(ROOT, "data/raw.dvc").exists():
        run("dvc", "add", "--quiet", str(RAW), quiet=True)
    return outcome


def bring_champion() -> str:
    """Fetch the champion that champion.yaml names; where nothing has it, reproduce it and compare its predictions."""
    from . import tracking

    champion = tracking.read_champion()
    if champion is None:
        return "none yet: uv run poe repro, then uv run poe register, then uv run poe promote"
    try:
        folder = tracking.champion_folder()
    except tracking.ServerError as error:
        return f"not to be had now. {error}"
    except tracking.ChampionError:
        if not (ROOT / load().source.path).exists():
            return "not to be had without the data: ask for access to the DVC remote"
        run("dvc", "repro", quiet=True)
        folder = tracking.reproduced_champion(champion)
        return f"version {champion.version}, reproduced in {folder.relative_to(ROOT)}: same predictions"
    return f"version {champion.version}, in {folder}"


def smoke_test() -> str:
    """Train and ask a small model: environment, contract, parameters and model.py work together. Writes nothing."""
    from . import params
    from .model import build
    from .predict import predictions

    contract = load()
    rows = contract.sample(SMOKE_ROWS)
    try:
        model = build(contract, params()["model"]).fit(contract.coerce(rows), contract.labels(rows))
        answered = predictions(model, contract, rows)["prediction"].notna().all()
    except Exception as error:  # model.py is yours: whatever it raises is the outcome
        raise WorkspaceError(f"The smoke test failed: {error!r}. See where: uv run poe test") from error
    if not answered:
        raise WorkspaceError("The smoke test failed: the model left rows without an answer. See: uv run poe test")
    return f"a model was trained on {SMOKE_ROWS} generated rows and answers"


def next_steps() -> str:
    """What to try next, task by task with its own help: training where there is no champion yet."""
    to_train, to_use = ("repro", "register", "promote", "test"), ("test", "predict", "serve")
    names = to_use if (ROOT / "champion.yaml").exists() else to_train
    tasks = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["poe"]["tasks"]
    lines = [f"☐ uv run poe {name:9} {tasks[name]['help']}" for name in names if name in tasks]
    return "\n".join(["Next:", *lines, "☐ uv run poe           See all tasks; README.md explains them"])


def has_remote() -> bool:
    """Whether a DVC remote is configured. A CI that may not read it, as a fork's, sets WITHOUT_REMOTE."""
    return not os.environ.get("WITHOUT_REMOTE") and bool(run("dvc", "remote", "list", quiet=True).stdout.strip())


def tracked_by_git(path: str) -> bool:
    """Whether git itself keeps this file (the data may be in git by choice)."""
    return run("git", "ls-files", "--error-unmatch", path, quiet=True, check=False).returncode == 0


# --- data ------------------------------------------------------------------------------------------------------------


def bring_in(file: Path, target: str | None, problem: str | None, in_git: bool, commit: bool) -> None:
    """Make `file` the project's data: check it against the contract (or infer one), version it, commit."""
    from .infer import infer

    if not file.is_file():
        raise WorkspaceError(f"{file} is not a file. Name a CSV or Parquet file.")
    old = load()
    first = target is not None or bool(old.source.example)
    new, findings = infer(file, target=target or old.target, problem=problem or old.problem)
    for finding in findings:
        say(finding.level, finding.text)
    if not first:
        differences, old = compare_file(old, new, file)
        for difference in differences:
            say("differs", difference)
        if differences:
            raise WorkspaceError(
                "The file does not fit the contract. Edit contract.yaml, or infer it again with --target."
            )
        if new.rows < old.rows:
            say("rows", f"{new.rows}, and {old.rows} before: the file takes the place of all data, old rows included")
    contract = (new if first else replace(old, rows=new.rows)).with_path((RAW / file.name).as_posix())
    text = contract.dump() if first else with_file(contract)
    replace_raw(file)
    (ROOT / "contract.yaml").write_text(text, encoding="utf-8")
    version_raw(in_git)
    if commit:
        commit_data(file.name, (str(RAW),) if in_git else ("data/raw.dvc", "data/.gitignore"))


def with_file(contract: Contract) -> str:
    """contract.yaml with other lines `source` and `rows` and nothing else changed: what somebody wrote in it stays."""
    text = (ROOT / "contract.yaml").read_text(encoding="utf-8")
    for key in ("source", "rows"):
        line = next(line for line in contract.dump().splitlines() if line.startswith(f"{key}: "))
        text, found = re.subn(rf"^{key}: .*$", lambda _, line=line: line, text, count=1, flags=re.MULTILINE)
        if not found:
            raise WorkspaceError(f"contract.yaml has no line `{key}: ...` to change. Write it as: {line}")
    return text


def commit_data(name: str, versioned: tuple[str, ...]) -> None:
    """Commit the contract and what stands for the data, and nothing else that may be staged."""
    paths = ("contract.yaml", *versioned)
    run("git", "add", *paths, quiet=True)
    if run("git", "diff", "--cached", "--quiet", "--", *paths, quiet=True, check=False).returncode == 0:
        say("data", f"{name} is the data already, nothing to commit")
        return
    run("git", "commit", "--quiet", "--message", f"data: {name}", "--", *paths, quiet=True)
    say("data", f"{name} is versioned and committed")


def compare_file(old: Contract, new: Contract, file: Path) -> tuple[list[str], Contract]:
    """How a file differs from what the contract accepts, and the contract as it reads the file.

    A file that is written in another way (separator, encoding) is accepted; other columns, types and values are not.
    """
    found = old.compare(new)
    for contract in () if found else (old, replace(old, source=new.source)):
        try:
            _, found = check_file(contract, file)
        except ContractError as error:
            found = [str(error)]
        if not found:
            return [], contract
    return found, old


def replace_raw(file: Path) -> None:
    """Put the file, alone, into data/raw: copied whole beside it first, so that a failure leaves the old one."""
    raw = ROOT / RAW
    raw.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".raw-", dir=raw.parent))
    try:
        shutil.copyfile(file, fresh / file.name)
        if raw.exists():
            shutil.rmtree(raw)
        fresh.chmod(0o755)
        fresh.rename(raw)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def version_raw(in_git: bool) -> None:
    """Version data/raw: by DVC, or in git where that was asked for."""
    if in_git:
        run("git", "add", "--force", str(RAW), quiet=True)
    else:
        run("dvc", "add", "--quiet", str(RAW), quiet=True)


# --- repro -----------------------------------------------------------------------------------------------------------


def repro(options: list[str]) -> int:
    """Run the pipeline by DVC; without the data and without a remote, its stages on generated rows. The exit code."""
    if (ROOT / load().source.path).exists() or has_remote():
        return run_to_its_end(sys.executable, "-m", "dvc", "repro", *options)
    say("pipeline", "the data is not here and no DVC remote has it: the stages run on generated rows")
    for stage in (("data", "prepare"), ("train",), ("evaluate",)):
        module, *arguments = stage
        code = run_to_its_end(sys.executable, "-m", f"{__package__}.{module}", *arguments)
        if code:
            return code
    return 0


def run_to_its_end(*command: str) -> int:
    """Run DVC, or a stage. Ctrl-C is theirs to hear: they put away what they hold, and we say what is now.

    Gives back the exit code. Raises WorkspaceError where it was stopped.
    """
    stopped: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: stopped.append(number))
    try:
        code = subprocess.run(command, cwd=ROOT).returncode
    finally:
        signal.signal(signal.SIGINT, before)
    if stopped and code:
        raise WorkspaceError(
            "Stopped. Stages that were done are kept; what the stopped one was to write (model/ or metrics.json) comes "
            "back when you go on: uv run poe repro"
        )
    return code


# --- hooks -----------------------------------------------------------------------------------------------------------


def check_large_files(files: list[str]) -> None:
    """Refuse files that belong to DVC rather than to git."""
    large = [name for name in files if Path(name).is_file() and Path(name).stat().st_size > LARGEST_FILE_MB * 2**20]
    if large:
        raise WorkspaceError(f"Over {LARGEST_FILE_MB} MB: {', '.join(large)}. Let DVC keep it: uv run dvc add FILE")


def main() -> None:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="workspace", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    ready = commands.add_parser("setup", help="make a clone ready")
    ready.add_argument("--smoke-test", action="store_true", help="try it out, and say what to do next")
    commands.add_parser("next", help="say what to try next")
    data = commands.add_parser("data", help="bring in a new version of the data")
    data.add_argument("file", type=Path)
    data.add_argument("--target", help="the column to predict: infers the contract anew")
    data.add_argument("--problem", choices=["classification", "regression"])
    data.add_argument("--in-git", action="store_true", help="keep the file in git, not in DVC")
    data.add_argument("--no-commit", action="store_true")
    commands.add_parser("repro", help="run the pipeline; options go to dvc repro").add_argument("options", nargs="*")
    large = commands.add_parser("large-files", help="refuse large files (a git hook)")
    large.add_argument("files", nargs="*")
    options, more = parser.parse_known_args()
    if more and options.command != "repro":
        parser.error(f"unknown: {' '.join(more)}")
    try:
        if options.command == "setup":
            setup(options.smoke_test)
        elif options.command == "next":
            print(next_steps())
        elif options.command == "repro":
            sys.exit(repro([*more, *options.options]))
        elif options.command == "data":
            bring_in(options.file.resolve(), options.target, options.problem, options.in_git, not options.no_commit)
        else:
            check_large_files(options.files)
    except (WorkspaceError, ContractError, ChampionError) as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
