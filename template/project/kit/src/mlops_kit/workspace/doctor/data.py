"""Checks of the raw data: it is here, of its version, in DVC's cache."""

from __future__ import annotations

from pathlib import Path

import yaml

from mlops_kit import models
from mlops_kit.contract import load
from mlops_kit.data import remotes
from mlops_kit.ground import git, project
from mlops_kit.workspace.doctor.form import Found, check
from mlops_kit.workspace.doctor.state import in_cache, is_repository, is_tracked, repo, take_back
from mlops_kit.workspace.setup import RAW


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
