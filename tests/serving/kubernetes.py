"""What a cluster would say to a manifest, without a cluster: schemas with unknown keys refused, and rules for pods."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.conftest import ROOT

BIN = Path(sys.executable).parent
# Definitions of custom resources are data of others, beside this repository.
DEFINITIONS = Path(os.environ.get("MLOPS_CRDS") or ROOT.parent / "shared/crds")
# Keys that KServe has beside those of a pod.
OF_KSERVE = ("minReplicas", "maxReplicas", "canaryTrafficPercent")
Document = dict[str, Any]


def kustomize(folder: Path) -> list[Document]:
    """What `kubectl apply --kustomize` would send."""
    done = subprocess.run([BIN / "kubectl", "kustomize", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr
    return list(yaml.safe_load_all(done.stdout))


def definitions() -> dict[tuple[str, str], Document]:
    """The schemas that are here, by apiVersion and kind; the test is skipped where there are none."""
    if not DEFINITIONS.is_dir():
        pytest.skip(f"no definitions of custom resources in {DEFINITIONS}: name their folder in MLOPS_CRDS")
    return read_definitions()


@cache
def read_definitions() -> dict[tuple[str, str], Document]:
    """They are megabytes of YAML: read once, and by the fast reader where there is one."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = {}
    for path in DEFINITIONS.glob("*.yaml"):
        spec = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)["spec"]
        for version in spec["versions"]:
            name = f"{spec['group']}/{version['name']}"
            found[name, spec["names"]["kind"]] = closed(version["schema"]["openAPIV3Schema"])
    return found


def closed(schema: Any) -> Any:
    """A schema that refuses what it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(part) for key, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def assert_valid(document: Document, schemas: dict[tuple[str, str], Document]) -> None:
    """Its definition accepts it."""
    schema = schemas[document["apiVersion"], document["kind"]]
    errors = [f"{'/'.join(map(str, e.path))}: {e.message[:300]}" for e in Draft7Validator(schema).iter_errors(document)]
    assert not errors, "\n".join(errors)


def pods(document: Document) -> list[Document]:
    """The specifications of pods in a custom resource."""
    spec = document["spec"]
    if document["kind"] == "InferenceService":
        return [{key: value for key, value in spec["predictor"].items() if key not in OF_KSERVE}]
    if document["kind"] == "SeldonDeployment":
        return [part["spec"] for predictor in spec["predictors"] for part in predictor["componentSpecs"]]
    return [spec["podSpec"]] if "podSpec" in spec else []


def assert_good_pod(spec: Document, folder: Path) -> None:
    """Kubernetes knows every key of it; it has no right that it does not need, and its share of the machine is said."""
    path = folder / "pod.json"
    path.write_text(
        json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}), encoding="utf-8"
    )
    done = subprocess.run([BIN / "kubernetes-validate", "--strict", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]) == {"requests", "limits"}
