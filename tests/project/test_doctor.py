"""`mlops doctor`: each fault is planted in a real project, found, and mended by the command that is named.

Faults that git, DVC or the library itself fixes are planted in tests/kit/test_doctor.py.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.conftest import git
from tests.project.running import environment, free_port, new, poe, python, set_up, with_champion
from tests.web import Guarded, listening

pytestmark = pytest.mark.long


@dataclass
class Patient:
    """A healthy project with a champion, a remote that has it all, and a template of its own."""

    folder: Path
    remote: Path
    template: Path
    env: dict[str, str] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)  # what puts back what a mending command does not

    def doctor(self, *only: str, first: str = "true") -> dict[str, object]:
        """What `mlops doctor --json` says, in a shell in which another command was run before, as printed."""
        options = " ".join(f"--only {name}" for name in only)
        script = f"{first}\nexec '{sys.executable}' -m mlops_scaffold doctor --json {options}"
        done = subprocess.run(
            ["bash", "-e", "-c", script], cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )
        line = done.stdout.splitlines()[-1] if done.stdout else ""
        assert line.startswith("{"), done.stdout[-2000:] + done.stderr[-2000:]
        found: dict[str, object] = json.loads(line)
        assert done.returncode == (2 if found["findings"] or found["unknown"] else 0)
        return found

    def write(self, path: str, text: str, add: bool = False) -> None:
        (self.folder / path).write_text(text, encoding="utf-8")
        if add:
            git("add", "--force", path, cwd=self.folder)

    def change(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text(encoding="utf-8")
        assert old in text
        self.write(path, text.replace(old, new, 1))

    def remove(self, *paths: str) -> None:
        for path in paths:
            file = self.folder / path
            shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)

    def set_aside(self, path: str) -> None:
        """Take a file or folder away, and put it back in the end."""
        file, aside = self.folder / path, self.folder.parent / "aside"
        file.rename(aside)

        def put_back() -> None:
            self.remove(path)
            aside.rename(file)

        self.stack.callback(put_back)

    def dvc(self, *arguments: str) -> None:
        subprocess.run(["uv", "run", "dvc", *arguments], cwd=self.folder, env=self.env, check=True)

    def take_data_back(self) -> None:
        git("reset", "--quiet", "--hard", cwd=self.folder)
        self.dvc("checkout", "--quiet", "--force")

    def forget(self, md5: str) -> None:
        """Take an object and what it holds out of DVC's cache."""
        cache = self.folder / ".dvc/cache/files/md5"
        listing = cache / md5[:2] / md5[2:]
        for one in json.loads(listing.read_text(encoding="utf-8")):
            (cache / one["md5"][:2] / one["md5"][2:]).unlink()
        listing.unlink()

    @property
    def champion_md5(self) -> str:
        md5: str = yaml.safe_load((self.folder / "champion.yaml").read_text(encoding="utf-8"))["model"]
        return md5


@pytest.fixture(scope="module")
def healthy(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Patient:
    folder = tmp_path_factory.mktemp("a clinic")
    git("clone", "--quiet", str(template), str(folder / "template"), cwd=folder)
    project = with_champion(folder / "churn", template, tmp_path_factory)
    answers = project / ".copier-answers.yml"
    text = re.sub(r"(?m)^_src_path: .*$", f"_src_path: {folder / 'template'}", answers.read_text(encoding="utf-8"))
    answers.write_text(text, encoding="utf-8")
    patient = Patient(project, folder / "remote", folder / "template", environment())
    patient.dvc("remote", "add", "--quiet", "--default", "storage", str(patient.remote))
    patient.dvc("push", "--quiet")
    git("commit", "--quiet", "--no-verify", "--all", "--message", "a remote", cwd=project)
    engine = folder / "bin/docker"
    engine.parent.mkdir()
    engine.write_text("#!/bin/sh\n")
    engine.chmod(0o755)
    env = environment()
    env |= {"PATH": f"{engine.parent}:{Path(sys.executable).parent}:{env['PATH']}"}
    env |= {"PORT": str(free_port()), "MLFLOW_PORT": str(free_port())}
    patient.env.update(env)
    return patient


@pytest.fixture
def patient(healthy: Patient) -> Iterator[Patient]:
    """The project, and afterwards everything as it was committed."""
    start = git("rev-parse", "HEAD", cwd=healthy.folder)
    with ExitStack() as stack:
        stack.callback(lambda: git("reset", "--quiet", "--hard", start, cwd=healthy.folder))
        yield Patient(healthy.folder, healthy.remote, healthy.template, dict(healthy.env), stack)


# --- the faults: how each comes about --------------------------------------------------------------------------------


def no_uv(p: Patient) -> None:
    p.env["PATH"] = ":".join(f for f in p.env["PATH"].split(":") if not (Path(f) / "uv").exists())


def old_git(p: Patient) -> None:
    """One that says so, and a package manager that brings the real one back."""
    programs = p.folder.parent / "old"
    programs.mkdir()
    p.stack.callback(shutil.rmtree, programs)
    git_is = shutil.which("git", path=p.env["PATH"])
    program(programs / "git", f"""case "$*" in *--version) echo git version 2.25.1;; *) exec '{git_is}' "$@";; esac""")
    program(programs / "sudo", f"""[ "$*" = "apt-get install --yes git" ] && rm '{programs}/git'""")
    p.env["PATH"] = f"{programs}:{p.env['PATH']}"


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def another_python(p: Patient) -> None:
    p.write(".python-version", "3.9\n")


def lock_behind(p: Patient) -> None:
    p.change("pyproject.toml", '"poethepoet>=0.37"', '"poethepoet>=0.37,<9"')


def no_lock(p: Patient) -> None:
    p.remove("uv.lock")


def package_gone(p: Patient) -> None:
    subprocess.run(["uv", "pip", "uninstall", "--quiet", "threadpoolctl"], cwd=p.folder, env=p.env, check=True)


def no_environment(p: Patient) -> None:
    p.set_aside(".venv")


def no_identity(p: Patient) -> None:
    p.env["GIT_CONFIG_GLOBAL"] = os.devnull
    git("config", "user.useConfigOnly", "true", cwd=p.folder)
    p.stack.callback(lambda: git("config", "--remove-section", "user", cwd=p.folder))


def no_repository(p: Patient) -> None:
    p.set_aside(".git")


def setup_cut_off(p: Patient) -> None:
    p.write(".git/mlops-setup.json", "{}")


def merge_conflict(p: Patient) -> None:
    for branch, text in (("theirs", "one"), ("ours", "two")):
        git("switch", "--quiet", "--force-create", branch, "main", cwd=p.folder)
        p.write("README.md", text)
        git("commit", "--quiet", "--no-verify", "--all", "--message", branch, cwd=p.folder)
    subprocess.run(["git", "merge", "--quiet", "theirs"], cwd=p.folder, check=False, capture_output=True)
    p.stack.callback(lambda: git("switch", "--quiet", "main", cwd=p.folder))


def answers_broken(p: Patient) -> None:
    text = (p.folder / ".copier-answers.yml").read_text(encoding="utf-8")
    p.write(".copier-answers.yml", "".join(line for line in text.splitlines(True) if not line.startswith("_commit:")))
    git("commit", "--quiet", "--no-verify", "--all", "--message", "a slip", cwd=p.folder)


def template_moved_on(p: Patient) -> None:
    file = p.template / "template/project/README.md"
    file.write_text(file.read_text(encoding="utf-8") + "\nOne more line.\n", encoding="utf-8")
    git("commit", "--quiet", "--no-verify", "--all", "--message", "more", cwd=p.template)
    p.stack.callback(lambda: git("reset", "--quiet", "--hard", "HEAD~1", cwd=p.template))


def managed_file_edited(p: Patient) -> None:
    p.change(".github/workflows/ci.yml", "timeout-minutes: 10", "timeout-minutes: 99")
    git("commit", "--quiet", "--no-verify", "--all", "--message", "more time", cwd=p.folder)


def no_hook(p: Patient) -> None:
    p.remove(".git/hooks/pre-commit")


def hook_of_another_place(p: Patient) -> None:
    python = next(line for line in (p.folder / ".git/hooks/pre-commit").read_text().splitlines() if "INSTALL_P" in line)
    p.change(".git/hooks/pre-commit", python, "INSTALL_PYTHON=/gone/bin/python")


def parameters_incomplete(p: Patient) -> None:
    p.change("params.yaml", "\nsplit:", "\nspilt:")


def no_data(p: Patient) -> None:
    p.remove("data/raw")


def refused_credentials(p: Patient) -> None:
    address = f"{p.stack.enter_context(listening(Guarded))}/data"
    p.dvc("remote", "add", "--quiet", "--force", "storage", address)
    for option in (("auth", "basic"), ("user", "me")):
        p.dvc("remote", "modify", "storage", *option)
    p.stack.callback(lambda: p.remove(".dvc/config.local"))


def older_database(p: Patient) -> None:
    """As an older MLflow made it: with all of this MLflow's migrations but the last."""
    p.set_aside("mlflow.db")
    code = """
from alembic import command
from alembic.script import ScriptDirectory
from mlflow.store.db.utils import _get_alembic_config, create_sqlalchemy_engine
from mlflow.store.tracking.dbmodels.initial_models import Base
uri = "sqlite:///mlflow.db"
Base.metadata.create_all(create_sqlalchemy_engine(uri))
config = _get_alembic_config(uri)
script = ScriptDirectory.from_config(config)
command.upgrade(config, script.get_revision(script.get_current_head()).down_revision)
"""
    subprocess.run([".venv/bin/python", "-c", code], cwd=p.folder, env=p.env, check=True, capture_output=True)
    p.stack.callback(lambda: p.remove("mlflow.db.before"))


def no_server(p: Patient) -> None:
    p.env["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{free_port()}"


def no_champion(p: Patient) -> None:
    git("rm", "--quiet", "champion.yaml", cwd=p.folder)
    git("commit", "--quiet", "--no-verify", "--message", "no champion", cwd=p.folder)
    p.set_aside("mlflow.db")


def champion_not_here(p: Patient) -> None:
    p.forget(p.champion_md5)
    p.remove("model")
    # The command brings the champion's files, not the pipeline's outputs: those come from the remote again.
    p.stack.callback(lambda: p.dvc("pull", "--quiet", "--force"))


def champion_changed(p: Patient) -> None:
    folder = p.folder / ".champion" / p.champion_md5
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "MLmodel").write_text("another", encoding="utf-8")
    p.set_aside("model")


def pipeline_behind(p: Patient) -> None:
    p.change("params.yaml", "primary: roc_auc_ovr_weighted", "primary: roc_auc_ovo_weighted")
    p.stack.callback(p.take_data_back)


def no_bytecode(p: Patient) -> None:
    p.env["PYTHONDONTWRITEBYTECODE"] = "1"


def port_taken(p: Patient) -> None:
    taken = p.stack.enter_context(socket.socket())
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    p.env["PORT"] = str(taken.getsockname()[1])


def full_disk(p: Patient) -> None:
    """A disk of 10 GB that uv's cache takes nearly all of: its Python counts the cache's files, whose blocks are not.

    The rest is real: `uv cache prune` removes what no version of uv knows.
    """
    (packages,) = (p.folder / ".venv/lib").glob("python*/site-packages")
    cache = p.folder.parent / "uv-cache"
    (cache / "wheels-v0").mkdir(parents=True)
    p.stack.callback(shutil.rmtree, cache)
    with (cache / "wheels-v0/large").open("wb") as file:
        file.truncate(9 * 10**9)
    (packages / "small_disk.pth").write_text("import small_disk\n", encoding="utf-8")
    (packages / "small_disk.py").write_text(SMALL_DISK.format(cache=cache), encoding="utf-8")
    for name in ("small_disk.pth", "small_disk.py"):
        p.stack.callback((packages / name).unlink)
    p.env["UV_CACHE_DIR"] = str(cache)


SMALL_DISK = """
import pathlib, shutil
whole = shutil.disk_usage
def disk_usage(path):
    used = sum(file.stat().st_size for file in pathlib.Path("{cache}").rglob("*") if file.is_file())
    return whole(path)._replace(total=10**10, used=used, free=10**10 - used)
shutil.disk_usage = disk_usage
"""


def no_engine(p: Patient) -> None:
    p.env["CONTAINER_ENGINE"] = "an-engine-that-is-not-here"


@dataclass(frozen=True)
class Fault:
    """How it comes about, the check that finds it, and what the command that fixes it begins with."""

    plant: Callable[[Patient], None]
    check: str
    fix: str


FAULTS = [
    Fault(no_uv, "uv", "export PATH="),
    Fault(old_git, "git-version", "sudo apt-get install --yes git"),
    Fault(another_python, "python", "uv python pin --rm"),
    Fault(lock_behind, "lock", "uv lock"),
    Fault(no_lock, "lock", "uv lock"),
    Fault(package_gone, "packages", "uv sync"),
    Fault(no_environment, "packages", "uv sync"),
    Fault(no_identity, "identity", "git config user.name"),
    Fault(no_repository, "repository", "git init"),
    Fault(setup_cut_off, "unfinished-setup", "mlops setup"),
    Fault(merge_conflict, "conflicts", "git merge --abort"),
    Fault(answers_broken, "answers", "git checkout "),
    Fault(template_moved_on, "behind", "mlops update"),
    Fault(managed_file_edited, "drifted", "mlops diff | git apply --reverse"),
    Fault(hook_of_another_place, "hooks", "uv run python -m mlops_kit.workspace hooks"),
    Fault(refused_credentials, "remote", "uv run dvc remote modify --local storage password PASSWORD"),
    Fault(older_database, "registry", "cp mlflow.db mlflow.db.before && uv run mlflow db upgrade "),
    Fault(no_champion, "champion", "uv run poe register --promote"),
    Fault(champion_not_here, "champion-files", "uv run poe setup"),
    Fault(champion_changed, "champion-files", "uv run poe setup"),
    Fault(full_disk, "disk", "uv cache prune"),
]
# tests/kit/test_doctor.py finds these as well; here, the command trains or sets a shell variable.
SOAK = [
    Fault(pipeline_behind, "pipeline", "uv run poe repro"),
    Fault(no_server, "server", "unset MLFLOW_TRACKING_URI"),
    Fault(no_bytecode, "bytecode", "unset PYTHONDONTWRITEBYTECODE"),
    Fault(port_taken, "ports", "export PORT="),
    Fault(no_engine, "container-engine", "export CONTAINER_ENGINE="),
]


def test_a_healthy_project_has_nothing(healthy: Patient) -> None:
    assert healthy.doctor()["findings"] == []
    assert "checks, nothing found" in poe(healthy.folder, "doctor", "--skip", "ports,container-engine")
    assert git("status", "--porcelain", cwd=healthy.folder) == ""


@pytest.mark.parametrize(
    "fault",
    [*FAULTS, *(pytest.param(fault, marks=pytest.mark.soak) for fault in SOAK)],
    ids=lambda fault: fault.plant.__name__,
)
def test_a_fault_is_found_and_mended_by_the_command_that_is_named(fault: Fault, patient: Patient) -> None:
    fault.plant(patient)
    found = patient.doctor(fault.check)["findings"]
    assert isinstance(found, list)
    assert {one["check"] for one in found} == {fault.check}
    assert found[0]["mend"].startswith(fault.fix)
    assert found[0]["what"]
    assert found[0]["why"]
    mended = patient.doctor(fault.check, first=found[0]["mend"])
    assert mended["findings"] == []
    assert mended["unknown"] == {}


@pytest.mark.parametrize("preset", ["minimal", "production"])  # the patient is of the third
def test_a_new_project_of_every_preset_is_healthy(
    preset: str, healthy: Patient, template: Path, tmp_path: Path
) -> None:
    project = new(tmp_path / "churn", template, "--no-setup", "--preset", preset)
    set_up(project, healthy.folder)
    found = Patient(project, tmp_path, template, healthy.env).doctor()
    assert found["findings"] == []
    assert found["unknown"] == {}


def test_fix_runs_what_is_safe_and_tells_the_rest(patient: Patient) -> None:
    no_hook(patient)
    no_data(patient)
    parameters_incomplete(patient)
    command = [sys.executable, "-m", "mlops_scaffold", "doctor", "--fix"]
    done = subprocess.run(command, cwd=patient.folder, env=patient.env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "$ uv run python -m mlops_kit.workspace hooks" in done.stderr
    assert "$ uv run poe setup" not in done.stderr or (patient.folder / "data/raw/example.csv").exists()
    assert "! parameters: params.yaml has no section 'split'" in done.stderr
    assert "git stash push -- params.yaml" in done.stderr
    assert "hooks:" not in done.stderr
    assert (patient.folder / ".git/hooks/pre-commit").exists()
    patient.doctor("parameters", first="git stash push -- params.yaml && uv run poe doctor --fix || true")
    assert patient.doctor()["findings"] == []


def test_a_project_that_was_moved_commits_trains_and_registers_where_it_is(patient: Patient) -> None:
    moved = patient.folder.rename(patient.folder.with_name("moved elsewhere"))

    def move_back() -> None:
        moved.rename(patient.folder)
        subprocess.run(["uv", "sync", "--quiet"], cwd=patient.folder, env=patient.env, check=True)

    patient.stack.callback(move_back)
    (moved / "README.md").write_text("Moved.\n", encoding="utf-8")
    command = ["git", "commit", "--quiet", "--all", "--message", "docs: moved"]
    done = subprocess.run(command, cwd=moved, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "checks, nothing found" in poe(moved, "doctor", "--skip", "ports,container-engine")
    place = python(moved, "from mlops_kit import models; print(models.client().get_experiment('1').artifact_location)")
    assert place == (moved / "mlartifacts").as_uri()
    found = Patient(moved, patient.remote, patient.template, patient.env).doctor()
    assert found["findings"] == []
