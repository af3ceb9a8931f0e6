"""The registry's versions in the manifests of deploy/: the champion gets the traffic, the challenger a share of it.

    uv run poe manifests --storage s3://models.example.com/churn --image registry.example.com/churn:3 --canary 10

It changes no cluster and no storage, it writes files:

    build/models/VERSION/   a version's files, verified, with the settings by which MLServer finds our class
    deploy/versions/        an overlay for each system, to be committed: kubectl apply -k deploy/versions/kserve

build/models/ must be copied to the storage before an overlay is applied.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlops_kit import models
from mlops_kit.ground import KitError, command, project

SETTINGS = "model-settings.json"
IMAGE = re.compile(r"(?P<name>[^@\s]+?)(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?")
Document = dict[str, Any]


def bases() -> Path:
    """The manifests that overlays stand on."""
    return project().root / "deploy"


def exported() -> Path:
    """Where models' files are written for a storage."""
    return project().root / "build/models"


class ManifestError(KitError):
    """What is asked for cannot be written: one sentence."""


@dataclass(frozen=True)
class Version:
    """A registered version, and the address that its files will have in the storage."""

    number: str
    uri: str


@dataclass(frozen=True)
class Rollout:
    """What is to run: the champion, and with a canary the challenger, for `share` requests in a hundred."""

    champion: Version
    challenger: Version | None = None
    share: int = 0


# --- versions --------------------------------------------------------------------------------------------------------


def champion() -> tuple[str, Path]:
    """The champion's number and folder, verified. Raises ChampionError."""
    if os.environ.get("MLFLOW_TRACKING_URI"):
        return models.from_registry("champion")
    folder = models.local_champion_folder()
    described = models.read_champion()
    assert described is not None  # it has a folder
    return str(described.version), folder


def export(number: str, folder: Path, storage: str) -> Version:
    """Copy a version's files, with settings for MLServer: they name our class, and this folder as the model."""
    target = exported() / number
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target)
    settings = json.loads((bases() / "mlserver" / SETTINGS).read_text(encoding="utf-8"))
    settings["parameters"] = {"uri": "./", "version": number}
    (target / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return Version(number, f"{storage.rstrip('/')}/{number}")


# --- overlays --------------------------------------------------------------------------------------------------------


def kserve(rollout: Rollout) -> tuple[list[Document], list[Document]]:
    """Patches and further documents. KServe gives the newest revision a share, and the rest to the one before it.

    So the champion is applied first, without a canary, and this overlay after that.
    """
    newest = rollout.challenger or rollout.champion
    container = read("kserve/inferenceservice.yaml")["spec"]["predictor"]["containers"][0]
    place = [variable["name"] for variable in container["env"]].index("STORAGE_URI")
    changes = [replaced(f"/spec/predictor/containers/0/env/{place}/value", newest.uri)]
    if rollout.challenger:
        changes.append(dict(op="add", path="/spec/predictor/canaryTrafficPercent", value=rollout.share))
    return [patch("InferenceService", changes)], []


def core1(rollout: Rollout) -> tuple[list[Document], list[Document]]:
    """Patches and further documents: a predictor for each version, with its traffic."""
    base = read("core1/seldondeployment.yaml")["spec"]["predictors"][0]

    def predictor(name: str, version: Version, traffic: int) -> Document:
        made: Document = copy.deepcopy(base) | dict(name=name, traffic=traffic)
        made["graph"]["modelUri"] = version.uri
        return made

    predictors = [predictor("champion", rollout.champion, 100 - rollout.share)]
    if rollout.challenger:
        predictors.append(predictor("challenger", rollout.challenger, rollout.share))
    return [patch("SeldonDeployment", [replaced("/spec/predictors", predictors)])], []


def core2(rollout: Rollout) -> tuple[list[Document], list[Document]]:
    """Patches and further documents: a second Model, and the Experiment that splits the first one's requests."""
    patches = [patch("Model", [replaced("/spec/storageUri", rollout.champion.uri)], project().name)]
    if rollout.challenger is None:
        return patches, []
    other = f"{project().name}-challenger"
    model = read("core2/model.yaml")
    model["metadata"]["name"] = other
    model["spec"]["storageUri"] = rollout.challenger.uri
    weights = [dict(name=project().name, weight=100 - rollout.share), dict(name=other, weight=rollout.share)]
    experiment = dict(
        apiVersion=model["apiVersion"],
        kind="Experiment",
        metadata=dict(name=f"{project().name}-canary"),
        spec=dict(default=project().name, candidates=weights),
    )
    return patches, [model, experiment]


SYSTEMS = {"kserve": kserve, "core1": core1, "core2": core2}


def read(name: str) -> Document:
    """One of the documents of deploy/."""
    found: Document = yaml.safe_load((bases() / name).read_text(encoding="utf-8"))
    return found


def replaced(path: str, value: Any) -> Document:
    """One change of a JSON patch."""
    return dict(op="replace", path=path, value=value)


def patch(kind: str, changes: list[Document], name: str = "") -> Document:
    """A patch of a kustomization, of the resources of one kind."""
    target = dict(kind=kind, name=name) if name else dict(kind=kind)
    return dict(target=target, patch=yaml.safe_dump(changes, sort_keys=False))


def image(reference: str) -> list[Document]:
    """The image, for a kustomization. Raises ManifestError."""
    found = IMAGE.fullmatch(reference)
    if not found:
        raise ManifestError(f"{reference!r} names no image: write it as registry.example.com/{project().name}:1.")
    keys = dict(newName=found["name"], newTag=found["tag"], digest=found["digest"])
    return [dict(name=project().name, **{key: value for key, value in keys.items() if value})]


def write(system: str, rollout: Rollout, images: list[Document]) -> None:
    """Write a system's overlay anew."""
    patches, documents = SYSTEMS[system](rollout)
    folder = bases() / "versions" / system
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    resources = [f"../../{system}"]
    if documents:
        (folder / "challenger.yaml").write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")
        resources.append("challenger.yaml")
    overlay = dict(
        apiVersion="kustomize.config.k8s.io/v1beta1",
        kind="Kustomization",
        resources=resources,
        images=images,
        patches=patches,
    )
    split = f", challenger: version {rollout.challenger.number}, {rollout.share} %" if rollout.challenger else ""
    head = f"# Written by `poe manifests`. Champion: version {rollout.champion.number}{split}.\n"
    text = head + yaml.safe_dump(overlay, sort_keys=False, allow_unicode=True)
    (folder / "kustomization.yaml").write_text(text, encoding="utf-8")


@command
def main() -> None:
    """Parse the command line and write."""
    parser = argparse.ArgumentParser(prog="poe manifests", description="Put the registry's versions into deploy/.")
    parser.add_argument("--storage", required=True, help="where build/models/ is copied to: s3://BUCKET/FOLDER")
    parser.add_argument("--image", required=True, help="the service's image: registry.example.com/NAME:TAG")
    parser.add_argument("--canary", type=int, default=0, metavar="PERCENT", help="the challenger's share of requests")
    options = parser.parse_args()
    if "://" not in options.storage:
        raise ManifestError(f"{options.storage!r} is no address of a storage: write it as s3://BUCKET/FOLDER.")
    if not 0 <= options.canary < 100:
        raise ManifestError(f"A share of {options.canary} % is none: give a number from 1 to 99, or none.")
    images, rollout = image(options.image), Rollout(export(*champion(), options.storage))
    if options.canary:
        challenger = export(*models.from_registry("challenger"), options.storage)
        rollout = Rollout(rollout.champion, challenger, options.canary)
    for system in SYSTEMS:
        write(system, rollout, images)
    print(f"deploy/versions/ is written. Copy build/models/ to {options.storage}, then apply one of the overlays:")
    print(*(f"kubectl apply --kustomize deploy/versions/{system}" for system in SYSTEMS), sep="\n")


if __name__ == "__main__":
    main()
