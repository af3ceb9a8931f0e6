"""What is wrong with this clone, why it matters, and the command that mends it.

    uv run poe doctor           look at everything; exit code 2 where something is found
    uv run poe doctor --fix     run the commands that cost nothing of yours, and look again

A check is one function: its first line says what should be so; it yields what is not, with the command that mends it.
Nothing is written without --fix.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mlops_kit import models
from mlops_kit.contract import load
from mlops_kit.ground import ProjectError, command, git, params, project
from mlops_kit.workspace.gone import gone_names
from mlops_kit.workspace.large_files import LARGEST_FILE_MB
from mlops_kit.workspace.setup import RAW

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_data.hashfile.db import HashFileDB

PATIENCE = 10  # seconds until a remote or a server counts as not reachable
A_MOMENT = 2  # seconds until a program on this machine does
LEAST_DISK_GB = 2
SECRET_FILES = (".env", ".dvc/config.local")
SECRET_OPTIONS = {"secret_access_key", "session_token", "password", "account_key", "connection_string", "sas_token"}
HTTP_LOGIN = "uv run dvc remote modify --local {name} password PASSWORD"
LOGINS = {
    **{"s3": "aws sso login", "gs": "gcloud auth application-default login", "azure": "az login"},
    **{"http": HTTP_LOGIN, "https": HTTP_LOGIN},
}
BUCKETS = ("s3", "gs", "azure")
# What a task listens on: the variable that moves it, the usual port, and a path that only its own program answers.
PORTS = {"serve": ("PORT", 8000, "/ready"), "ui": ("MLFLOW_PORT", 5000, "/version")}


@dataclass(frozen=True)
class Finding:
    """What is not as it should be."""

    check: str
    what: str
    why: str
    mend: str
    safe: bool  # nothing of yours is lost or leaves this machine: --fix runs it


Found = Iterator[tuple[str, str]]  # what is wrong, and the command that mends it


@dataclass(frozen=True)
class Check:
    """One look at one thing."""

    why: str
    safe: bool
    look: Callable[[], Found]

    @property
    def should(self) -> str:
        """What should be so."""
        return (self.look.__doc__ or "").splitlines()[0]


CHECKS: dict[str, Check] = {}


def check(why: str, safe: bool = False) -> Callable[[Callable[[], Found]], Callable[[], Found]]:
    """Put a function among the checks, under its name."""

    def register(look: Callable[[], Found]) -> Callable[[], Found]:
        CHECKS[look.__name__.replace("_", "-")] = Check(why, safe, look)
        return look

    return register


# --- git -------------------------------------------------------------------------------------------------------------


def is_repository() -> bool:
    """Whether the project is in a git repository."""
    return git("rev-parse", "--git-dir").returncode == 0


def take_back(path: str) -> str:
    """The command that takes a file back as it was committed; what is there now is kept, in the stash or in history."""
    if git("status", "--porcelain", "--", path).stdout:
        return f"git stash push -- {path}"
    before = git("log", "--skip=1", "--max-count=1", "--format=%h", "--", path).stdout.strip()
    return f"git checkout {before or 'HEAD'} -- {path}"


@check("Nothing can be committed without a name.")
def identity() -> Found:
    """Git knows who you are."""
    if is_repository() and git("var", "GIT_COMMITTER_IDENT").returncode:
        yield (
            "git does not know who you are",
            'git config user.name "YOUR NAME" && git config user.email you@example.com',
        )


@check("Without it, commits go in without a look at style, contract and size.", safe=True)
def hooks() -> Found:
    """The git hooks of .pre-commit-config.yaml are installed."""
    if not is_repository() or git("config", "core.hooksPath").stdout.strip():
        return
    if git("rev-parse", "--show-prefix").stdout.strip():  # a folder of a larger repository: see workspace.py
        return
    hook = project().root / git("rev-parse", "--git-path", "hooks/pre-commit").stdout.strip()
    text = hook.read_text(encoding="utf-8", errors="replace") if hook.is_file() else ""
    python = re.search(r"^INSTALL_PYTHON=(.+)$", text, re.MULTILINE)
    if "pre-commit" not in text:
        yield "the pre-commit hook is not installed", "uv run pre-commit install"
    elif python and not Path(shlex.split(python[1])[0]).exists():
        yield "the pre-commit hook calls a Python that is gone", "uv run pre-commit install"


@check("Whoever clones the repository can read it, and history keeps it: change the secret too.")
def secrets() -> Found:
    """No secret is in git."""
    for path in git("ls-files", "--", *SECRET_FILES).stdout.split():
        yield f"{path} is in git", f"git rm --cached --quiet {path}"
    for name, options in remotes("repo").items():
        for option in sorted(SECRET_OPTIONS & options.keys()):
            yield f"{option} is in .dvc/config", f"uv run dvc remote modify --unset {name} {option}"


@check("Every clone carries it for ever: large files are DVC's.")
def large_files() -> Found:
    """Git keeps no large file."""
    for path in git("ls-files", "-z").stdout.split("\0"):
        file = project().root / path
        is_large = path and file.is_file() and file.stat().st_size > LARGEST_FILE_MB * 2**20
        if is_large and RAW not in Path(path).parents:  # the data is in git where that was asked for
            name = shlex.quote(path)
            yield (
                f"{path} is over {LARGEST_FILE_MB} MB and in git",
                f"git rm --cached --quiet {name} && uv run dvc add {name}",
            )


# --- settings --------------------------------------------------------------------------------------------------------


@check("Reading, checking, training and serving all go by it.")
def contract() -> Found:
    """contract.yaml can be read."""
    try:
        load()
    except Exception as error:
        yield str(error).splitlines()[0], take_back("contract.yaml")


@check("The pipeline takes the split, the model's parameters and the gates from it.")
def parameters() -> Found:
    """params.yaml can be read."""
    try:
        params()
    except ProjectError as error:
        yield error.sentence.rstrip("."), take_back("params.yaml")


@check("The module fails when it is imported, or when the name is used.")
def imports() -> Found:
    """Your own files import names that exist, in the project or in the library."""
    for one in gone_names(project()):
        write = f"write: {one.instead}" if one.instead else "the library has nothing of that name"
        yield (
            f"{one.file}:{one.line} uses {one.name} of {one.module}, which is not there; {write}",
            '"${EDITOR:-vi}" ' + f"+{one.line} {shlex.quote(one.file)}",
        )


@check("An edit of yours to the former code goes with it, unless the update has carried it into kit/.")
def edits() -> Found:
    """No file that you edited is deleted by the update that brings the library, or you have had a look."""
    if git("cat-file", "-e", "HEAD:./kit").returncode == 0 or not (project().root / "kit").is_dir():
        return
    deleted = git("diff", "--name-only", "--relative", "--diff-filter=D", "HEAD", "--", "src", "tests").stdout.split()
    of_template = git("log", "--format=%h", "--", ".copier-answers.yml").stdout.split()
    for path in deleted:
        yours = [one for one in git("log", "--format=%h", "--", path).stdout.split() if one not in of_template]
        if yours:
            yield f"{path} is deleted, and you edited it in {yours[0]}", f"git show {yours[0]} -- {shlex.quote(path)}"


# --- data ------------------------------------------------------------------------------------------------------------


@cache
def repo() -> Repo:
    """The project as DVC sees it."""
    from dvc.repo import Repo

    return Repo(str(project().root))


def remotes(level: str | None = None) -> dict[str, dict[str, Any]]:
    """DVC's remotes by name; with `level` "repo", as .dvc/config alone has them."""
    from dvc.config import Config

    found: dict[str, dict[str, Any]] = (
        Config(str(project().root / ".dvc"), validate=False).read(level).get("remote", {})
    )
    return found


def in_cache(md5: str) -> bool:
    """Whether DVC's cache on this machine has an object."""
    return bool(md5) and repo().cache.local.exists(md5)


def is_tracked() -> bool:
    """Whether DVC keeps the raw data."""
    return Path(project().root, "data/raw.dvc").exists()


@check("DVC keeps data and models by it.")
def dvc() -> Found:
    """DVC's files can be read."""
    for path in (".dvc/config", "data/raw.dvc", "dvc.yaml", "dvc.lock"):
        file = project().root / path
        if not file.exists():
            if path in (".dvc/config", "dvc.yaml"):
                yield f"{path} is missing", f"git checkout HEAD -- {path}"
            continue
        try:
            if path == ".dvc/config":
                remotes("repo")
            elif not isinstance(yaml.safe_load(file.read_text(encoding="utf-8")), dict):
                raise ValueError(path)
        except Exception:
            yield f"{path} cannot be read", take_back(path)


@check("Without the data, tests and pipeline run on generated rows.", safe=True)
def data() -> Found:
    """The raw data is here."""
    source = load().source
    if Path(project().root, source.path).exists():
        return
    if is_tracked() and (in_cache(models.data_md5()) or (remotes() and not source.example)):
        command = "checkout" if in_cache(models.data_md5()) else "pull"
        yield f"{source.path} is not here", f"uv run dvc {command} data/raw.dvc"
    elif source.example:
        yield f"{source.path} is not here", "uv run poe setup"
    elif is_tracked():
        yield f"{source.path} is not here and no DVC remote has it", "uv run dvc remote add --default NAME URL"


@check("Data that DVC does not know cannot be told from the data that the model was trained on.")
def data_version() -> Found:
    """The raw data is the version that data/raw.dvc names."""
    if is_tracked() and Path(project().root, RAW).exists() and repo().status(["data/raw.dvc"]):
        yield "data/raw is not what data/raw.dvc names", "uv run dvc add data/raw"


@check("`git add --all` would take the data into git.", safe=True)
def data_ignored() -> Found:
    """Git ignores the data that DVC keeps."""
    if is_tracked() and is_repository() and git("check-ignore", "--quiet", str(RAW / "file")).returncode:
        yield "git does not ignore data/raw", "uv run dvc add data/raw"


@check("The cache is what `dvc checkout` and `dvc push` take data from: what is only in data/ can be lost.", safe=True)
def data_cached() -> Found:
    """DVC's cache has the data."""
    md5 = models.data_md5() if is_tracked() else ""
    if md5 and Path(project().root, RAW).exists() and not in_cache(md5):
        yield "DVC's cache does not have the data", "uv run dvc commit --force data/raw.dvc"


@check("Data and models are shared by it.")
def remote() -> Found:
    """DVC's remote answers, and you may read it."""
    chosen, known = repo().config["core"].get("remote"), remotes()
    if chosen and chosen not in known:
        yield f"the default remote {chosen!r} is none of DVC's remotes", "uv run dvc remote default --unset"
    elif chosen:
        yield from unreachable(chosen, known[chosen]["url"])


def unreachable(name: str, url: str) -> Found:
    """Why a remote cannot be read."""
    scheme = url.partition("://")[0] if "://" in url else "file"
    if scheme == "file":
        folder = Path(repo().config["remote"][name]["url"].removeprefix("file://"))
        if not folder.is_dir():
            yield f"the remote {name}, {folder}, is not there", f"mkdir -p {shlex.quote(str(folder))}"
        return
    from dvc.fs import RemoteMissingDepsError

    login = LOGINS.get(scheme, "uv run dvc remote list").format(name=name)
    try:
        there = repo().cloud.get_remote_odb(name)
        within(PATIENCE, lambda: there.fs.info(there.oid_to_path("0" * 32)))
    except RemoteMissingDepsError:
        yield f"the remote {name} needs dvc[{scheme}]", f"uv add --dev 'dvc[{scheme}]'"
    except FileNotFoundError as error:  # as it should: nothing has that name. By HTTP, a refusal looks the same.
        status = getattr(error.__cause__, "status", 404)
        if status != 404:
            yield f"the remote {name}, {url}, does not let you in: HTTP {status}", login
        elif scheme in BUCKETS and not has_bucket(there):
            made = (
                "uv run poe deploy"
                if Path(project().root, "infra").is_dir()
                else f"uv run dvc remote modify {name} url URL"
            )
            yield f"the bucket of the remote {name}, {url}, is not there: make it, or mend its name", made
    except Exception as error:
        reason = str(error) or f"no answer in {PATIENCE} s"
        yield f"the remote {name}, {url}, does not answer: {reason}", login


def has_bucket(there: HashFileDB) -> bool:
    """Whether the bucket of a remote is there: a file in one that is not is missed like any other."""
    bucket = there.oid_to_path("0" * 32).lstrip("/").partition("/")[0]
    try:
        within(PATIENCE, lambda: there.fs.ls(bucket))
    except FileNotFoundError:
        return False
    except OSError:  # who may see the remote's folder may not see the others
        return True
    return True


def within(seconds: float, act: Callable[[], object]) -> object:
    """The outcome of a call that may hang. Raises TimeoutError."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(act).result(seconds)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@check("Nobody else can fetch the champion, or train it again.")
def pushed() -> Found:
    """The remote has the champion and its data."""
    champion, name = models.read_champion(), repo().config["core"].get("remote")
    if champion is None or not name or any(unreachable(name, remotes()[name]["url"])):
        return
    there = repo().cloud.get_remote_odb(name)
    for what, md5 in (("champion", champion.model), ("data", models.data_md5() if is_tracked() else "")):
        if in_cache(md5) and not within(PATIENCE, lambda md5=md5: there.exists(md5)):
            yield f"the remote {name} does not have the {what}", "uv run dvc push"


# --- registry and champion -------------------------------------------------------------------------------------------


@check("Runs, models and every move in their lives are kept in it.")
def registry() -> Found:
    """mlflow.db is here and of this MLflow's schema."""
    database = models.home() / "mlflow.db"
    make = "uv run python -m mlops_kit.models"
    if os.environ.get("MLFLOW_TRACKING_URI"):
        return
    if not database.exists():
        yield "mlflow.db is not here", make
        return
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    except (sqlite3.Error, TypeError):
        yield "mlflow.db is no database of MLflow", f"mv mlflow.db mlflow.db.broken && {make}"
        return
    before = revisions()
    if revision not in before:
        yield f"mlflow.db is of a newer MLflow (schema {revision})", f"mv mlflow.db mlflow.db.newer && {make}"
    elif revision in before.values():
        upgrade = f"uv run mlflow db upgrade {shlex.quote(f'sqlite:///{database.as_posix()}')}"
        yield f"mlflow.db is of an older MLflow (schema {revision})", f"cp mlflow.db mlflow.db.before && {upgrade}"


def revisions() -> dict[str, str]:
    """The schemas that this MLflow knows, each with the one before: read from its migrations, without loading it."""
    spec = find_spec("mlflow")
    assert spec and spec.origin
    found = {}
    for file in Path(spec.origin).with_name("store").glob("db_migrations/versions/*.py"):
        text = file.read_text(encoding="utf-8")
        names = [re.search(rf'^{name} = "(\w+)"', text, re.MULTILINE) for name in ("revision", "down_revision")]
        if names[0]:
            found[names[0][1]] = names[1][1] if names[1] else ""
    return found


@check("All tasks that train, register or promote ask it.")
def server() -> Found:
    """The MLflow server of MLFLOW_TRACKING_URI answers."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if uri.startswith(("http://", "https://")) and not answers(f"{uri.rstrip('/')}/health", PATIENCE):
        yield f"{uri} does not answer", "unset MLFLOW_TRACKING_URI"


def answers(url: str, seconds: float) -> bool:
    """Whether a program answers an address in time, with no error."""
    try:
        with urllib.request.urlopen(url, timeout=seconds):
            return True
    except OSError:
        return False


@check("Nothing can predict or be served without a champion.")
def champion() -> Found:
    """champion.yaml names a champion, once a model has been trained."""
    try:
        found = models.read_champion()
    except Exception:
        yield "champion.yaml cannot be read", take_back("champion.yaml")
        return
    if found is not None or os.environ.get("MLFLOW_TRACKING_URI"):
        return
    if git("cat-file", "-e", "HEAD:./champion.yaml").returncode == 0:
        yield "champion.yaml is gone", "git checkout HEAD -- champion.yaml"
    elif Path(project().root, "metrics.json").exists():
        yield "a model is trained, but none is champion", "uv run poe register --promote"


@check("Predictions and the service need its files.", safe=True)
def champion_files() -> Found:
    """The champion's files are here, or in DVC's cache, and are the ones that champion.yaml names."""
    found = models.read_champion()
    if found is None or found.retired or os.environ.get("MLFLOW_TRACKING_URI"):
        return
    model, kept = project().root / "model", project().root / ".champion" / found.model
    if model.is_dir() and models.folder_md5(model) == found.model:
        return
    if kept.is_dir() and models.folder_md5(kept) != found.model:
        yield f"the files of the champion, version {found.version}, have been changed", "uv run poe setup"
    elif not (kept.is_dir() or kept.with_name(f"{found.model}-reproduced").is_dir() or in_cache(found.model)):
        yield f"the champion, version {found.version}, is not here", "uv run poe setup"


@check("Metrics and model are not those of the code and data that are here.")
def pipeline() -> Found:
    """dvc.lock is up to date with code, data and parameters."""
    if not Path(project().root, "dvc.lock").exists() or not Path(project().root, load().source.path).exists():
        return
    changed = [name for name in repo().status() if not name.endswith(".dvc")]
    if changed:
        yield f"{', '.join(changed)} would run again", "uv run poe repro"


# --- machine ---------------------------------------------------------------------------------------------------------


@check("Each process then compiles its packages again: every task takes seconds longer.")
def bytecode() -> Found:
    """Python may keep what it has compiled."""
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        yield "PYTHONDONTWRITEBYTECODE is set", "unset PYTHONDONTWRITEBYTECODE"


@check("The task that listens there cannot start.")
def ports() -> Found:
    """The ports of the service and of `poe ui` are free, or taken by just these."""
    tasks = tomllib.loads((project().root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["poe"]["tasks"]
    for task, (variable, usual, path) in PORTS.items():
        port = int(os.environ.get(variable) or usual)
        if task in tasks and is_taken(port) and not answers(f"http://127.0.0.1:{port}{path}", A_MOMENT):
            yield f"port {port} of `poe {task}` is taken by another program", f"export {variable}={free_port()}"


def is_taken(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@check("A stage that runs out of disk leaves half of what it writes.", safe=True)
def disk() -> Found:
    """The disk has room."""
    free = shutil.disk_usage(project().root).free / 1e9
    if free < LEAST_DISK_GB:
        yield f"{free:.1f} GB of disk are left", "uv cache prune"


@check("`poe image` builds the service's image by it.")
def container_engine() -> Found:
    """A container engine is here, where the project has an image."""
    if not Path(project().root, "Dockerfile").exists() or shutil.which(os.environ.get("CONTAINER_ENGINE") or "docker"):
        return
    other = next((name for name in ("podman", "buildah", "docker") if shutil.which(name)), "")
    if other:
        yield f"{os.environ.get('CONTAINER_ENGINE') or 'docker'} is not here", f"export CONTAINER_ENGINE={other}"
    else:
        yield "no container engine is here", "sudo apt-get install --yes podman && export CONTAINER_ENGINE=podman"


# --- the command -----------------------------------------------------------------------------------------------------


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
        subprocess.run(shlex.split(line), cwd=project().root)
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
    """The checks that are asked for. Exits with a sentence where there is no such check."""
    wanted, left_out = only.split(",") if only else list(CHECKS), skip.split(",")
    for name in wanted:
        if name not in CHECKS:
            sys.exit(f"There is no check {name!r}. There are: {', '.join(CHECKS)}.")
    return [name for name in wanted if name not in left_out]


@command
def main() -> None:
    """Look, mend where asked, tell."""
    parser = argparse.ArgumentParser(prog="doctor", description=(__doc__ or "").splitlines()[0])
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
