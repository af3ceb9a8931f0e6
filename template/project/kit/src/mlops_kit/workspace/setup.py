"""Make a clone ready: hooks, data, registry database, champion, a smoke test, and what to try next.

    uv run poe setup

Safe to run again.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_kit import models
from mlops_kit.contract import Contract, load
from mlops_kit.data import has_data, has_remote, write_example
from mlops_kit.ground import KitError, main_root, params, project, run, say
from mlops_kit.ground.compiling import FIRST_MODEL, TRAINING, compiling

RAW = Path("data/raw")
SMOKE_ROWS = 200
# What git calls where both branches changed a file that a command has written (.gitattributes names the files). This
# branch's stays, and the pipeline says by itself that it is of other code. A retired model is for a person to see.
DRIVERS = {
    "mlops-run": 'echo %P": both branches ran the pipeline. Run it again: uv run poe repro" >&2',
    "mlops-champion": (
        "if grep -qs ^retired: %A %B; then git merge-file %A %O %B; exit 1; fi; "
        'echo %P": both branches promoted a model, and the champion of this branch stays. After uv run poe repro, '
        'compare: uv run poe register --promote" >&2'
    ),
}


def setup(smoke: bool) -> None:
    """Hooks, data, registry database, champion: in this order, each only where it is missing; then a smoke test."""
    with registry_database() if has_model() else compiling(*FIRST_MODEL):
        say("hooks", install_hooks())
        share_cache()
        say("data", bring_data(load()))
    there = os.environ.get("MLFLOW_TRACKING_URI") or models.database().exists()
    say("registry", "ready" if there else "the first run of the pipeline creates it")
    say("champion", bring_champion())
    if smoke:
        say("smoke test", smoke_test())
        print(f"\n{next_steps()}")


def has_model() -> bool:
    """Whether there is anything to keep in a registry: a champion, or a model that was trained here."""
    return models.champion_file().exists() or Path(project().root, "model").exists()


@contextmanager
def registry_database() -> Iterator[None]:
    """Make the registry's database while other things are done: MLflow takes long to load, above all the first time.

    Raises KitError where it could not be made.
    """
    making = subprocess.Popen([sys.executable, "-m", "mlops_kit.models"], cwd=project().root)
    try:
        with compiling(*TRAINING):
            yield
            making.wait()
    finally:
        failed = making.wait()
    if failed:
        raise KitError("The registry's database could not be made: see above.")


def install_hooks() -> str:
    """Install the git hooks and merge drivers, where this is a git repository."""
    if run("git", "rev-parse", "--git-dir", quiet=True, check=False).returncode:
        return "not a git repository, no hooks"
    for name, driver in DRIVERS.items():
        run("git", "config", f"merge.{name}.driver", driver, quiet=True)
    if run("git", "config", "core.hooksPath", quiet=True, check=False).stdout.strip():
        return "not installed, since your git has core.hooksPath: run `uv run pre-commit run` before a commit"
    if run("git", "rev-parse", "--show-prefix", quiet=True).stdout.strip():
        return "not installed, since they would stop commits to the larger repository: run `uv run poe lint` before one"
    hook = hook_file()
    if not (main_root(project().root) != project().root and hook.exists()):  # a worktree has the main one's
        run("pre-commit", "install", quiet=True)
    follow_folder(hook)
    return "installed"


def hook_file() -> Path:
    """The pre-commit hook of this repository, which all of its worktrees share."""
    return project().root / run("git", "rev-parse", "--git-path", "hooks/pre-commit", quiet=True).stdout.strip()


def follow_folder(hook: Path) -> None:
    """Let the hook call the environment of the folder that git runs it in: it may be moved, or be another worktree."""
    python = Path(sys.executable)
    if not python.is_relative_to(project().root):
        return
    here, text = python.relative_to(project().root).as_posix(), hook.read_text(encoding="utf-8")
    hook.write_text(re.sub("^INSTALL_PYTHON=.*$", f"INSTALL_PYTHON={here}", text, flags=re.MULTILINE), encoding="utf-8")


def share_cache() -> None:
    """Let a worktree use the DVC cache of the main one, and its settings for remotes, which are in no commit."""
    root, main = project().root, main_root(project().root)
    settings = root / ".dvc/config.local"
    if main == root:
        return
    theirs = main / ".dvc/config.local"
    if theirs.exists() and not settings.exists():
        shutil.copyfile(theirs, settings)
    cache = run("dvc", "--cd", str(main), "cache", "dir", quiet=True).stdout.strip()
    run("dvc", "cache", "dir", "--local", cache, quiet=True)
    say("worktree", f"shares the cache and the registry of {main}")


def bring_data(contract: Contract) -> str:
    """Get the raw data: what is there, else from the DVC remote, else the example, which every clone can write."""
    raw = project().root / contract.source.path
    if not raw.exists() and Path(project().root, "data/raw.dvc").exists():
        # From the remote where there is one, else from this machine's cache (another version may be checked out).
        if project().cloud != "none" and has_remote() and Path(project().root, "cloud.yaml").exists():
            from mlops_kit.cloud.login import check

            check()  # who is not let in is told why, and by which command they are
        command = "pull" if has_remote() else "checkout"
        if run("dvc", command, "data/raw.dvc", quiet=True, check=has_remote()).returncode == 0:
            return f"{contract.source.path} is here again, by dvc {command}"
    if raw.exists():
        outcome = f"{contract.source.path} is here"
    elif contract.source.example:
        write_example(contract)
        outcome = f"wrote the example, {contract.source.path}"
    else:
        return f"{contract.source.path} is not here and no DVC remote has it: tests and pipeline run on generated rows"
    if not tracked_by_git(contract.source.path) and not Path(project().root, "data/raw.dvc").exists():
        run("dvc", "add", "--quiet", str(RAW), quiet=True)
    return outcome


def bring_champion() -> str:
    """Fetch the champion that champion.yaml names; where nothing has it, reproduce it and compare its predictions."""
    champion = models.read_champion()
    if champion is None:
        return "none yet: uv run poe repro, then uv run poe register, then uv run poe promote"
    try:
        folder = models.champion_folder()
    except (models.ServerError, models.UnseenError) as error:
        return f"not to be had now. {error}"
    except models.ModelError:
        if not has_data(load()):
            return "not to be had without the data: ask for access to the DVC remote"
        run("dvc", "repro", quiet=True)
        folder = models.reproduced_champion(champion)
        return f"version {champion.version}, reproduced in {folder.relative_to(project().root)}: same predictions"
    return f"version {champion.version}, in {folder}"


def smoke_test() -> str:
    """Train and ask a small model: environment, contract, parameters and model.py work together. Writes nothing."""
    from mlops_kit.serving.predict import predictions

    contract = load()
    rows = contract.sample(SMOKE_ROWS)
    try:
        model = project().model.build(contract, params()["model"]).fit(contract.coerce(rows), contract.labels(rows))
        answered = predictions(model, contract, rows)["prediction"].notna().all()
    except Exception as error:  # model.py is yours: whatever it raises is the outcome
        raise KitError(f"The smoke test failed: {error!r}. See where: uv run poe test") from error
    if not answered:
        raise KitError("The smoke test failed: the model left rows without an answer. See: uv run poe test")
    return f"a model was trained on {SMOKE_ROWS} generated rows and answers"


def next_steps() -> str:
    """What to try next, task by task with its own help: training where there is no champion yet."""
    to_train, to_use = ("repro", "register", "promote", "test"), ("test", "predict", "serve")
    names = to_use if (project().root / "champion.yaml").exists() else to_train
    tasks = tomllib.loads((project().root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["poe"]["tasks"]
    lines = [f"☐ uv run poe {name:9} {tasks[name]['help']}" for name in names if name in tasks]
    return "\n".join(["Next:", *lines, "☐ uv run poe           See all tasks; README.md explains them"])


def tracked_by_git(path: str) -> bool:
    """Whether git itself keeps this file (the data may be in git by choice)."""
    return run("git", "ls-files", "--error-unmatch", path, quiet=True, check=False).returncode == 0
