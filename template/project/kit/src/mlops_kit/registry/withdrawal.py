"""Going back to the champion before, and retiring a version for good."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mlops_kit import models
from mlops_kit.ground import project
from mlops_kit.registry.errors import RegistryError
from mlops_kit.registry.history import record, record_once
from mlops_kit.registry.versions import as_champion, by_alias

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


def rollback(why: str = "") -> str:
    """Make the champion before champion again.

    The alias moves last: until then, the same command goes on where this one stopped, and never one version further.
    """
    client = models.client()
    current = by_alias(client, "champion")
    if current is None or "previous_champion" not in current.tags:
        raise RegistryError("There is no champion before this one.")
    previous = client.get_model_version(project().name, current.tags["previous_champion"])
    if previous.tags.get("retired"):
        raise RegistryError(f"Version {previous.version} is retired: {previous.tags['retired']}")
    models.write_champion(as_champion(previous))
    record_once(client, current.version, "replaced", f"rolled back to version {previous.version}")
    record_once(client, previous.version, "rollback", why or f"instead of version {current.version}")
    client.set_registered_model_alias(project().name, "champion", previous.version)
    return f"version {previous.version} is champion again, instead of {current.version}"


def retire(number: str, reason: str, even_champion: bool = False) -> str:
    """Mark a version as retired, for a reason; it loses its aliases and cannot come back, and nothing serves it.

    With `even_champion`, the number may be that of champion.yaml, whose version another clone registered.
    """
    client, champion = models.client(), models.read_champion()
    version = models.if_known(client.get_model_version, project().name, number)
    if even_champion and champion is not None and str(champion.version) == number and is_foreign(champion, version):
        models.write_champion(replace(champion, retired=reason))
        return f"version {number} of champion.yaml, which is not in this registry, is retired: {reason}"
    if version is None:
        raise RegistryError(f"There is no version {number}. See: uv run poe status")
    if "champion" in version.aliases and not even_champion:
        raise RegistryError(
            f"Version {number} is the champion. Promote another one or roll back first; "
            "to stop serving at once, add --even-champion."
        )
    for alias in version.aliases:
        client.delete_registered_model_alias(project().name, alias)
    client.set_model_version_tag(project().name, number, "retired", reason)
    (record_once if version.tags.get("retired") == reason else record)(client, number, "retire", reason)
    if champion is not None and champion.model == version.tags["model_md5"]:
        models.write_champion(replace(champion, retired=reason))
    return f"version {number} is retired: {reason}"


def is_foreign(champion: models.Champion, version: ModelVersion | None) -> bool:
    """Whether champion.yaml is from another clone's registry: here, the version of its number is another model."""
    return version is None or ("champion" not in version.aliases and version.tags["model_md5"] != champion.model)
