"""What KubeRay 1.7 knows in a RayJob, field by field, as its CRD (ray.io/v1) has them; pods are Kubernetes' own.

Only the fields that are named here pass: another one is refused, as an API server with strict validation would.
"""

from typing import Any

STRING, BOOLEAN = {"type": "string"}, {"type": "boolean"}
COUNT = {"type": "integer", "minimum": 0}
TEXTS = {"type": "object", "additionalProperties": STRING}


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    """An object with these fields and no other."""
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


POD = {"type": "object", "required": ["spec"]}
HEAD = closed(["template"], rayStartParams=TEXTS, template=POD, serviceType=STRING, enableIngress=BOOLEAN)
WORKERS = closed(
    ["groupName", "minReplicas", "maxReplicas", "template"],
    groupName=STRING, replicas=COUNT, minReplicas=COUNT, maxReplicas=COUNT, numOfHosts=COUNT, suspend=BOOLEAN,
    idleTimeoutSeconds=COUNT, rayStartParams=TEXTS, template=POD,
)  # fmt: skip
CLUSTER = closed(
    ["headGroupSpec"],
    rayVersion=STRING, enableInTreeAutoscaling=BOOLEAN, suspend=BOOLEAN, headGroupSpec=HEAD,
    workerGroupSpecs={"type": "array", "items": WORKERS},
    authOptions=closed([], mode={"enum": ["disabled", "token"]}, secretName=STRING, enableK8sTokenAuth=BOOLEAN),
)  # fmt: skip
RAYJOB = closed(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata=closed(["name"], name=STRING, namespace=STRING, labels=TEXTS, annotations=TEXTS),
    spec=closed(
        ["entrypoint", "rayClusterSpec"],
        entrypoint=STRING, submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]},
        activeDeadlineSeconds=COUNT, backoffLimit=COUNT, shutdownAfterJobFinishes=BOOLEAN,
        ttlSecondsAfterFinished=COUNT, suspend=BOOLEAN, jobId=STRING, runtimeEnvYAML=STRING, metadata=TEXTS,
        rayClusterSpec=CLUSTER,
    ),
)  # fmt: skip
