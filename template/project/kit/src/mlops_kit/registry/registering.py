"""Registering: the trained model becomes the challenger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mlops_kit import models
from mlops_kit.ground import project
from mlops_kit.registry.errors import RegistryError
from mlops_kit.registry.gates import checking_gates, read_report, trained_md5
from mlops_kit.registry.history import moves_of, record
from mlops_kit.registry.versions import find

if TYPE_CHECKING:
    from mlflow import MlflowClient

COMMIT_IT = '. Before you promote it, commit what was run: git add --all && git commit --message "model: what changed"'


def register() -> str:
    """Register model/ as challenger, if it passes the gates. The same model is registered once."""
    report, model_md5 = read_report(), trained_md5()
    with checking_gates(report):
        client = models.client()
    version = find(client, model_md5)
    if version is not None:
        if version.tags.get("retired"):
            raise RegistryError(f"This model is version {version.version}, which is retired: {version.tags['retired']}")
        if "champion" not in version.aliases:
            client.set_registered_model_alias(project().name, "challenger", version.version)
        if not moves_of(version):  # a registration that had stopped
            record(client, version.version, "register", "it passes the gates")
        life = "champion" if "champion" in version.aliases else "challenger"
        return f"already registered as version {version.version}, the {life}{run_first()}"
    number = log_version(client, report, model_md5)
    client.set_registered_model_alias(project().name, "challenger", number)
    record(client, number, "register", "it passes the gates")
    return f"registered as version {number}, the challenger{'' if models.is_committed('dvc.lock') else COMMIT_IT}"


def run_first() -> str:
    """What to do before there can be another model, where something was edited since the pipeline ran."""
    changed = models.changed_since_run()
    return f". Since that run, {', '.join(changed)} changed: uv run poe repro comes first" if changed else ""


def log_version(client: MlflowClient, report: dict[str, Any], model_md5: str) -> str:
    """Log the folder as it is, never training again, and make a version of it. Gives back its number."""
    trained = (project().root / "model/run_id").read_text(encoding="utf-8").strip()
    run = trained
    if models.if_known(client.get_run, run) is None:  # trained on another machine
        run = client.create_run(models.experiment_id(), run_name="register").info.run_id
        models.log_metrics(run, report["metrics"])
        client.set_terminated(run)
    tags = dict(
        run=trained,
        model_md5=model_md5,
        data_md5=models.data_md5(),
        git_commit=models.git_commit(),
        prediction_sha256=report["prediction_sha256"],
        metrics=json.dumps(report["metrics"]),
    )
    logged = client.create_logged_model(models.experiment_id(), name=project().name, source_run_id=run, tags=tags)
    client.log_model_artifacts(logged.model_id, str(project().root / "model"))
    client.finalize_logged_model(logged.model_id, "READY")
    if not client.search_registered_models(f"name='{project().name}'"):
        client.create_registered_model(project().name)
    with models.as_default():
        version = client.create_model_version(
            project().name, source=f"models:/{logged.model_id}", run_id=run, tags=tags, model_id=logged.model_id
        )
    return str(version.version)
