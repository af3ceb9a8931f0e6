"""cloud.yaml: where the project is in a cloud. `poe cloud-settings` writes it; it holds no secret and is committed."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

import yaml

from mlops_kit.ground.errors import KitError
from mlops_kit.ground.project import project


class CloudError(KitError):
    """A step of the cloud that failed, in one sentence, with what to do next."""


@dataclass(frozen=True)
class Settings:
    """What cloud.yaml says, in the words of infra/'s outputs; empty where this cloud or project has none."""

    cloud: str
    storage_url: str  # s3://BUCKET, gs://BUCKET, azure://CONTAINER
    artifacts_url: str  # where MLflow keeps model files, as MLflow writes it
    storage_account: str = ""  # azure
    region: str = ""
    account: str = ""
    image: str = ""  # the registry and the image's name, without a tag
    service: str = ""
    endpoint: str = ""
    deploy_identity: str = ""  # whom a CI becomes: a role's ARN, a service account's address, a client's id
    destroy_identity: str = ""  # the same, where it takes things down; empty where CI may not
    identity_provider: str = ""  # gcp: the workload identity provider's full name; azure: the tenant's id
    default_remote: str = field(default="", compare=False)  # DVC's before the cloud, to go back to; infra/ has none


def file() -> Path:
    """Where cloud.yaml is."""
    return project().root / "cloud.yaml"


def read_file() -> Settings | None:
    """What cloud.yaml says, of whichever cloud; None where there is none. Raises CloudError where it is broken."""
    if not file().exists():
        return None
    names = {field.name for field in fields(Settings)}
    try:
        found = yaml.safe_load(file().read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it has no settings")
        if wrong := [*(found.keys() - names), *({"cloud", "storage_url", "artifacts_url"} - found.keys())]:
            raise ValueError(f"{wrong[0]} is {'no setting' if wrong[0] in found else 'missing'}")
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise CloudError(
            f"cloud.yaml cannot be read: {' '.join(str(error).split())}.",
            "Restore it: git checkout HEAD -- cloud.yaml. Or delete it and write it again: uv run poe cloud-settings",
        ) from None
    return Settings(**{name: str(value) for name, value in found.items()})
