"""All versions, where each stands in its life, and every move."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlops_kit import models
from mlops_kit.ground import params, project
from mlops_kit.registry.history import moves

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


@dataclass(frozen=True)
class Registered:
    """A version as it stands: where it is in its life, and what it was made of."""

    number: int
    life: str
    metrics: dict[str, float]
    data: str
    commit: str
    registered: datetime
    retired: str = ""
    model: str = ""
    run: str = ""  # of the training: what the service calls its version


def versions() -> list[Registered]:
    """All versions, the newest first."""
    client = models.client()
    found = client.search_model_versions(f"name='{project().name}'")
    return [
        Registered(
            number=int(version.version),
            life=life(client.get_model_version(project().name, version.version)),
            metrics=json.loads(version.tags["metrics"]),
            data=version.tags["data_md5"],
            commit=version.tags["git_commit"],
            registered=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
            retired=version.tags.get("retired", ""),
            model=version.tags["model_md5"],
            run=version.tags.get("run") or version.run_id or "",
        )
        for version in sorted(found, key=lambda version: -int(version.version))
    ]


def life(version: ModelVersion) -> str:
    """Where a version stands in its life."""
    if version.tags.get("retired"):
        return "retired"
    return ", ".join(sorted(version.aliases)) or "candidate"


def status() -> str:
    """All versions, the newest first, then every move, the newest first. `run` is what the service's answers name."""
    primary = params()["evaluate"]["primary"]
    every = versions()
    if not every:
        return "no version is registered"
    lines = [f"{'version':8} {'is':12} {primary:>22}  run       data      commit"]
    for one in every:
        value, hashes = one.metrics.get(primary, float("nan")), (one.run, one.data, one.commit)
        lines.append(f"{one.number!s:8} {one.life:12} {value:22.4f}  {'  '.join(f'{text[:8]:8}' for text in hashes)}")
    lines += [*disagreement(every, models.read_champion()), ""]
    history = list(reversed(moves()))
    width = max((len(move.who) for move in history), default=0)
    lines.append(f"{'when':17} {'version':8} {'move':10} {'who':{width}} why")
    for move in history:
        when = move.when[:16].replace("T", " ")
        lines.append(f"{when:17} {move.version:8} {move.what:10} {move.who:{width}} {move.why}")
    return "\n".join(lines)


def disagreement(every: list[Registered], named: models.Champion | None) -> list[str]:
    """A sentence where champion.yaml names another model than the registry, and which of the two is served."""
    champion = next((one for one in every if "champion" in one.life), None)
    named = None if named and named.retired else named
    if (named.model if named else "") == (champion.model if champion else ""):
        return []
    theirs = f"version {named.version} (model {named.model[:8]})" if named else "no model"
    ours = f"version {champion.number}" if champion else "no version"
    served = "the registry's, by MLFLOW_TRACKING_URI" if os.environ.get("MLFLOW_TRACKING_URI") else "champion.yaml's"
    told = f"champion.yaml names {theirs}, in the registry {ours} is champion. Served is {served}."
    return ["", told if models.is_committed("champion.yaml") else f"{told} See: git diff champion.yaml"]
