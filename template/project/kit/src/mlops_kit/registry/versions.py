"""Versions in MLflow's registry: aliases say which one is challenger and champion, tags say the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mlops_kit import models
from mlops_kit.ground import project

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


def find(client: MlflowClient, model_md5: str) -> ModelVersion | None:
    """The version of a model with this hash."""
    found = client.search_model_versions(f"name='{project().name}' and tags.model_md5='{model_md5}'")
    return client.get_model_version(project().name, found[0].version) if found else None


def by_alias(client: MlflowClient, alias: str) -> ModelVersion | None:
    """The version that has the alias."""
    return models.if_known(client.get_model_version_by_alias, project().name, alias)


def as_champion(version: ModelVersion) -> models.Champion:
    """What champion.yaml says of a version."""
    tags = version.tags
    return models.Champion(
        version=int(version.version),
        model=tags["model_md5"],
        data=tags["data_md5"],
        commit=tags["git_commit"],
        prediction_sha256=tags["prediction_sha256"],
        metrics=json.loads(tags["metrics"]),
    )
