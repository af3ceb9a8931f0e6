"""KubeRay's own definition of a RayJob, as data: `rayjobs.ray.io.yaml` beside this file is cut out of it.

`python -m tests.scale.kuberay ray.io_rayjobs.yaml` writes it anew, from ray-operator/config/crd/bases of a release.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

from tests.serving.kubernetes import Document, closed

CUT_OUT = Path(__file__).parent / "rayjobs.ray.io.yaml"
VERSION = "v1.7.0"
# Large, and our RayJob has none of them: without a definition, they are refused.
OMITTED = [
    "status", "networkPolicy", "historyServerOptions", "gcsFaultToleranceOptions", "autoscalerOptions", "headService"
]  # fmt: skip
NOTICE = f"""\
# The definition of a RayJob by KubeRay {VERSION}: https://github.com/ray-project/kuberay
# ray-operator/config/crd/bases/ray.io_rayjobs.yaml. Copyright of the KubeRay authors; Apache License, Version 2.0:
# https://www.apache.org/licenses/LICENSE-2.0. Changed by tests/scale/kuberay.py: version v1 alone, without
# {", ".join(OMITTED[:3])},
# {", ".join(OMITTED[3:])}; any pod passes, since pods are Kubernetes' own.
"""


def definition() -> dict[tuple[str, str], Document]:
    """The schema of a RayJob, by apiVersion and kind. It refuses what it does not name."""
    read = yaml.safe_load(CUT_OUT.read_text(encoding="utf-8"))
    (version,) = read["spec"]["versions"]
    return {("ray.io/v1", "RayJob"): closed(version["schema"]["openAPIV3Schema"])}


def cut_out(schema: Any) -> Any:
    """A part of the published definition without what is omitted."""
    if isinstance(schema, list):
        return [cut_out(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "containers" in schema.get("properties", {}).get("spec", {}).get("properties", {}):
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {key: cut_out(part) for key, part in schema.items() if key not in OMITTED}


def main(published: Path) -> None:
    """Write the file anew."""
    read = yaml.safe_load(published.read_text(encoding="utf-8"))
    spec = read["spec"]
    (v1,) = [version for version in spec["versions"] if version["name"] == "v1"]
    kept = {"name": "v1", "schema": cut_out(v1["schema"])}
    document = {"spec": {"group": spec["group"], "names": spec["names"], "versions": [kept]}}
    CUT_OUT.write_text(NOTICE + yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
