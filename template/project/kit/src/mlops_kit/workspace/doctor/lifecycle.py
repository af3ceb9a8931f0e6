"""Checks of a model's life: the pipeline, the registry, the champion."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from mlops_kit import models
from mlops_kit.contract import load
from mlops_kit.ground import git, project
from mlops_kit.workspace.doctor.form import Found, check
from mlops_kit.workspace.doctor.state import in_cache, repo, take_back
from mlops_kit.workspace.doctor.waiting import PATIENCE, answers
from mlops_kit.workspace.setup import has_model

DELETED = "SELECT experiment_id FROM experiments WHERE name = ? AND lifecycle_stage = 'deleted'"


@check("Runs, models and every move in their lives are kept in it.")
def registry() -> Found:
    """mlflow.db is here and of this MLflow's schema."""
    database = models.database()
    make = "uv run python -m mlops_kit.models"
    if os.environ.get("MLFLOW_TRACKING_URI"):
        return
    if not database.exists():
        if has_model():
            yield "mlflow.db is not here", make
        return
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            deleted = connection.execute(DELETED, [project().name]).fetchone()
    except (sqlite3.Error, TypeError):
        yield "mlflow.db is no database of MLflow", f"mv mlflow.db mlflow.db.broken && {make}"
        return
    before = revisions()
    if revision not in before:
        yield f"mlflow.db is of a newer MLflow (schema {revision})", f"mv mlflow.db mlflow.db.newer && {make}"
    elif revision in before.values():
        upgrade = f"uv run mlflow db upgrade {shlex.quote(models.database_uri())}"
        yield f"mlflow.db is of an older MLflow (schema {revision})", f"cp mlflow.db mlflow.db.before && {upgrade}"
    if deleted:
        yield (
            f"the experiment {project().name!r} was deleted in MLflow: no run can be logged",
            models.restore(deleted[0]),
        )


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
    elif not kept.is_dir() and not models.is_visible(found):
        yield (
            f"the champion's commit, of version {found.version}, is not in this shallow clone",
            "git fetch --unshallow",
        )
    elif not (kept.is_dir() or models.reproduction_of(found) or in_cache(found.model)):
        yield f"the champion, version {found.version}, is not here", "uv run poe setup"


@check("Metrics and model are not those of the code and data that are here.")
def pipeline() -> Found:
    """dvc.lock is up to date with code, data and parameters."""
    if not Path(project().root, "dvc.lock").exists() or not Path(project().root, load().source.path).exists():
        return
    changed = [name for name in repo().status() if not name.endswith(".dvc")]
    if changed:
        yield f"{', '.join(changed)} would run again", "uv run poe repro"
