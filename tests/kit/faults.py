"""The faults that `poe doctor` finds: how each comes about in a small project, and what is said of it."""

import json
import os
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlops_kit import models
from mlops_kit.ground import Project
from mlops_kit.ground.ports import free_port
from mlops_kit.workspace.doctor import __main__ as doctor
from mlops_kit.workspace.doctor.git_checks import INSTALL
from mlops_kit.workspace.doctor.lifecycle import revisions
from mlops_kit.workspace.doctor.state import repo

from tests.conftest import git
from tests.web import Guarded, listening

DEFAULT, REMOTE = "    remote = storage\n", "['remote \"storage\"']\n    url = ../../remote\n"


@dataclass
class Patient:
    """A project in which a fault is planted. `stack` puts back what is not in its folder."""

    project: Project
    patch: pytest.MonkeyPatch
    stack: ExitStack
    print: pytest.CaptureFixture[str]

    @property
    def root(self) -> Path:
        return self.project.root

    def git(self, *arguments: str) -> str:
        return git(*arguments, cwd=self.root)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def change(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text
        self.write(path, text.replace(old, new, 1))

    def remove(self, *paths: str) -> None:
        for path in paths:
            file = self.root / path
            shutil.rmtree(file) if file.is_dir() else file.unlink()

    def commit(self) -> None:
        self.git("commit", "--quiet", "--no-verify", "--all", "--message", "a slip")

    def doctor(self, *options: str) -> tuple[str, int]:
        """What `poe doctor` prints, and its exit code."""
        self.patch.setattr(sys, "argv", ["doctor", *options])
        repo.cache_clear()
        self.print.readouterr()
        with pytest.raises(SystemExit) as ended:
            doctor.main()
        assert isinstance(ended.value.code, int), ended.value
        return self.print.readouterr().out, ended.value.code

    def found(self, check: str) -> dict[str, str]:
        """What a check finds: each fault with its command."""
        printed, code = self.doctor("--json", "--only", check)
        said: dict[str, Any] = json.loads(printed)
        assert said["unknown"] == {}
        assert code == (2 if said["findings"] else 0)
        return {one["what"]: one["mend"] for one in said["findings"]}


def registry(project: Project, schema: str) -> None:
    """mlflow.db, as far as the doctor reads it: MLflow takes seconds to make one."""
    with closing(sqlite3.connect(project.root / "mlflow.db")) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num TEXT)")
        database.execute("CREATE TABLE IF NOT EXISTS experiments (experiment_id TEXT, name TEXT, lifecycle_stage TEXT)")
        database.execute("DELETE FROM alembic_version")
        database.execute("INSERT INTO alembic_version VALUES (?)", [schema])


# --- the faults: how each comes about --------------------------------------------------------------------------------


def no_identity(p: Patient) -> None:
    p.patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    p.git("config", "user.useConfigOnly", "true")


def no_hook(p: Patient) -> None:
    p.remove(".git/hooks/pre-commit")


def no_merge_driver(p: Patient) -> None:
    p.git("config", "--remove-section", "merge.mlops-run")


def secret_file(p: Patient) -> None:
    p.write(".env", "PASSWORD=example\n")
    p.git("add", "--force", ".env")


def secret_option(p: Patient) -> None:
    p.change(".dvc/config", "url =", "secret_access_key = example\n    url =")


def large_file(p: Patient) -> None:
    p.write("notes.txt", "x" * 6 * 2**20)
    p.git("add", "notes.txt")


def contract_broken(p: Patient) -> None:
    p.change("contract.yaml", "columns:", "columns: [")


def contract_broken_in_history(p: Patient) -> None:
    contract_broken(p)
    p.commit()


def parameters_incomplete(p: Patient) -> None:
    p.change("params.yaml", "\nsplit:", "\nspilt:")


def name_that_is_gone(p: Patient) -> None:
    """As a project of before the library may have it: evaluate.py is a person's own short file now."""
    p.change("tests/test_model.py", "\nfrom", "\nfrom plain.evaluate import score\nfrom")


def edit_in_a_file_that_the_update_deletes(p: Patient) -> None:
    """As `mlops update` leaves a project that had the library's code as its own."""
    p.write(".copier-answers.yml", "_commit: v0.1.0\n")
    p.git("add", ".copier-answers.yml", "src")
    p.commit()
    p.change("src/plain/train.py", '"""', '"""Mine. ')
    p.commit()
    p.remove("src/plain/train.py")
    (p.root / "kit").mkdir()


def lock_file_broken(p: Patient) -> None:
    p.write("dvc.lock", "<<<<<<< HEAD\n")


def no_dvc_config(p: Patient) -> None:
    p.remove(".dvc/config")


def no_data(p: Patient) -> None:
    p.remove("data/raw")


def no_data_and_no_cache(p: Patient) -> None:
    p.remove("data/raw", ".dvc/cache")


def no_data_and_no_remote(p: Patient) -> None:
    no_data_and_no_cache(p)
    p.change(".dvc/config", DEFAULT + REMOTE, "")


def no_example(p: Patient) -> None:
    p.remove("data/raw", "data/raw.dvc")
    p.change("contract.yaml", "source: {", "source: {example: breast_cancer, ")


def data_edited(p: Patient) -> None:
    file = p.root / "data/raw/rows.csv"
    rows = file.read_bytes()
    file.unlink()
    file.write_bytes(rows + rows.splitlines(keepends=True)[-1])


def data_not_ignored(p: Patient) -> None:
    p.remove("data/.gitignore")


def data_not_cached(p: Patient) -> None:
    p.remove(".dvc/cache")


def unknown_remote(p: Patient) -> None:
    p.change(".dvc/config", "remote = storage", "remote = elsewhere")


def no_remote_folder(p: Patient) -> None:
    shutil.rmtree(p.root.parent / "remote")


def remote_of_a_package_that_is_missing(p: Patient) -> None:
    p.change(".dvc/config", "../../remote", "s3://example/data")


def nothing_pushed(p: Patient) -> None:
    no_remote_folder(p)
    (p.root.parent / "remote").mkdir()


def store(p: Patient) -> str:
    """The address of a store that lets in who has a password, which is the remote from now on."""
    address = f"{p.stack.enter_context(listening(Guarded))}/data"
    p.change(".dvc/config", "url = ../../remote", f"url = {address}")
    return address


def no_password(p: Patient) -> None:
    store(p)


def remote_that_is_down(p: Patient) -> None:
    p.change(".dvc/config", "../../remote", f"http://127.0.0.1:{free_port()}/data")


def no_database(p: Patient) -> None:
    p.remove("mlflow.db")


def no_such_database(p: Patient) -> None:
    p.write("mlflow.db", "this is no database")


def older_database(p: Patient) -> None:
    registry(p.project, next(before for before in revisions().values() if before))


def newer_database(p: Patient) -> None:
    registry(p.project, "ffffffffffff")


def no_server(p: Patient) -> None:
    p.patch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")


def champion_broken(p: Patient) -> None:
    p.write("champion.yaml", "version: [\n")


def champion_file_gone(p: Patient) -> None:
    p.remove("champion.yaml")


def no_champion(p: Patient) -> None:
    p.git("rm", "--quiet", "champion.yaml")
    p.commit()


def champion_not_here(p: Patient) -> None:
    p.remove("model", ".dvc/cache")


def champion_changed(p: Patient) -> None:
    champion = models.read_champion()
    assert champion
    p.remove("model")
    p.write(f".champion/{champion.model}/MLmodel", "another")


def pipeline_behind(p: Patient) -> None:
    p.change("params.yaml", "max_iter: 500", "max_iter: 501")


def no_bytecode(p: Patient) -> None:
    p.patch.setenv("PYTHONDONTWRITEBYTECODE", "1")


def port_taken(p: Patient) -> None:
    taken = p.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    p.patch.setenv("PORT", str(taken.getsockname()[1]))


def full_disk(p: Patient) -> None:
    found = shutil.disk_usage(p.root)
    p.patch.setattr(shutil, "disk_usage", lambda _: found._replace(free=10**9))


def another_engine(p: Patient) -> None:
    p.write("Dockerfile", "FROM scratch\n")
    p.write("bin/podman", "#!/bin/sh\n")
    (p.root / "bin/podman").chmod(0o755)
    p.patch.setenv("PATH", str(p.root / "bin"))


def no_engine(p: Patient) -> None:
    another_engine(p)
    p.remove("bin/podman")


@dataclass(frozen=True)
class Fault:
    """How it comes about, the check that finds it, what it says, and what the command begins with."""

    plant: Callable[[Patient], object]
    check: str
    what: str
    fix: str


FAULTS = [
    Fault(no_identity, "identity", "git does not know who you are", "git config user.name"),
    Fault(no_hook, "hooks", "the pre-commit hook is not installed", INSTALL),
    Fault(no_merge_driver, "merge-drivers", "git has no merge driver for dvc.lock", INSTALL),
    Fault(secret_file, "secrets", ".env is in git", "git rm --cached --quiet .env"),
    Fault(secret_option, "secrets", "secret_access_key is in .dvc/config", "uv run dvc remote modify --unset storage "),
    Fault(large_file, "large-files", "notes.txt is over 5 MB and in git", "git rm --cached --quiet notes.txt && "),
    Fault(contract_broken, "contract", "contract.yaml", "git stash push -- contract.yaml"),
    Fault(contract_broken_in_history, "contract", "contract.yaml", "git checkout "),
    Fault(parameters_incomplete, "parameters", "params.yaml has no section 'split'", "git stash push -- params.yaml"),
    Fault(name_that_is_gone, "imports", "uses score of plain.evaluate, which is not there", '"${EDITOR:-vi}" +'),
    Fault(edit_in_a_file_that_the_update_deletes, "edits", "src/plain/train.py is deleted, and you ", "git show "),
    Fault(lock_file_broken, "dvc", "dvc.lock cannot be read", "git stash push -- dvc.lock"),
    Fault(no_dvc_config, "dvc", ".dvc/config is missing", "git checkout HEAD -- .dvc/config"),
    Fault(no_data, "data", "data/raw/rows.csv is not here", "uv run dvc checkout data/raw.dvc"),
    Fault(no_data_and_no_cache, "data", "data/raw/rows.csv is not here", "uv run dvc pull data/raw.dvc"),
    Fault(no_data_and_no_remote, "data", "data/raw/rows.csv is not here and no", "uv run dvc remote add --default "),
    Fault(no_example, "data", "data/raw/rows.csv is not here", "uv run poe setup"),
    Fault(data_edited, "data-version", "data/raw is not what data/raw.dvc names", "uv run dvc add data/raw"),
    Fault(data_not_ignored, "data-ignored", "git does not ignore data/raw", "uv run dvc add data/raw"),
    Fault(data_not_cached, "data-cached", "DVC's cache does not have the data", "uv run dvc commit --force data/raw"),
    Fault(unknown_remote, "remote", "the default remote 'elsewhere' is none of ", "uv run dvc remote default --unset"),
    Fault(no_remote_folder, "remote", "the remote storage, ", "mkdir -p "),
    Fault(remote_of_a_package_that_is_missing, "remote", "the remote storage needs dvc[s3]", "uv add --dev 'dvc[s3]'"),
    Fault(
        no_password, "remote", ", does not let you in: HTTP 403", "uv run dvc remote modify --local storage password "
    ),
    Fault(remote_that_is_down, "remote", "/data, does not answer: ", "uv run dvc remote modify --local storage "),
    Fault(no_database, "registry", "mlflow.db is not here", "uv run python -m mlops_kit.models"),
    Fault(no_such_database, "registry", "mlflow.db is no database of MLflow", "mv mlflow.db mlflow.db.broken && "),
    Fault(older_database, "registry", "mlflow.db is of an older MLflow", "cp mlflow.db mlflow.db.before && "),
    Fault(newer_database, "registry", "mlflow.db is of a newer MLflow (schema f", "mv mlflow.db mlflow.db.newer && "),
    Fault(no_server, "server", "http://127.0.0.1:", "unset MLFLOW_TRACKING_URI"),
    Fault(champion_broken, "champion", "champion.yaml cannot be read", "git stash push -- champion.yaml"),
    Fault(champion_file_gone, "champion", "champion.yaml is gone", "git checkout HEAD -- champion.yaml"),
    Fault(no_champion, "champion", "a model is trained, but none is champion", "uv run poe register --promote"),
    Fault(champion_not_here, "champion-files", "the champion, version 1, is not here", "uv run poe setup"),
    Fault(champion_changed, "champion-files", "the files of the champion, version 1, have been ", "uv run poe setup"),
    Fault(pipeline_behind, "pipeline", "train would run again", "uv run poe repro"),
    Fault(no_bytecode, "bytecode", "PYTHONDONTWRITEBYTECODE is set", "unset PYTHONDONTWRITEBYTECODE"),
    Fault(port_taken, "ports", "port ", "export PORT="),
    Fault(full_disk, "disk", "1.0 GB of disk are left", "uv cache prune"),
    Fault(another_engine, "container-engine", "docker is not here", "export CONTAINER_ENGINE=podman"),
    Fault(no_engine, "container-engine", "no container engine is here", "sudo apt-get install --yes podman && "),
    Fault(nothing_pushed, "pushed", "the remote storage does not have the champion", "uv run dvc push"),
]
