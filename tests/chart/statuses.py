"""What controllers would report of objects: a Job that is done or failed, a Deployment and its ReplicaSet, a pod."""

import hashlib
import json
from typing import Any

Object = dict[str, Any]

_STARTED, _ENDED = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"
DONE: Object = {
    "succeeded": 1,
    "startTime": _STARTED,
    "completionTime": _ENDED,
    "conditions": [{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}],
}
FAILED: Object = {
    "failed": 7,
    "startTime": _STARTED,
    "conditions": [
        {"type": kind, "status": "True", "reason": "BackoffLimitExceeded"} for kind in ("FailureTarget", "Failed")
    ],
}


def is_migrated(deployment: Object, jobs: list[Object]) -> bool:
    """Whether a migration of the version that the Deployment's pods have is done, or they wait for none.

    Images have a digest each: there, any migration that is done is taken for that of the version.
    """
    pod = deployment["spec"]["template"]["spec"]
    image = pod["containers"][0]["image"]
    if "initContainers" not in pod:
        return True
    return any(
        job.get("status", {}).get("succeeded")
        and ("@" in image or _tag(job["spec"]["template"]["spec"]["containers"][0]["image"]) == _tag(image))
        for job in jobs
    )


def _tag(image: str) -> str:
    return image.partition("@")[0].rsplit(":", 1)[-1]


def ready(one: Object) -> Object:
    """The status of a Deployment or StatefulSet whose pods are all ready."""
    count = one["spec"].get("replicas", 1)
    counts = ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas")
    status: Object = {"observedGeneration": one["metadata"]["generation"], **dict.fromkeys(counts, count)}
    if one["kind"] == "StatefulSet":
        return status | {"currentReplicas": count, "currentRevision": "1", "updateRevision": "1"}
    conditions: list[Object] = [
        {"type": "Available", "status": "True"},
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
    ]
    return status | {"conditions": conditions}


def replica_set(deployment: Object) -> Object:
    """The ReplicaSet of a Deployment's newest pods."""
    meta = deployment["metadata"]
    owner = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
    }
    template = deployment["spec"]["template"]
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{meta['name'][:50]}-{digest}",
            "namespace": meta["namespace"],
            "labels": template["metadata"]["labels"],
            "ownerReferences": [owner],
            "annotations": {"deployment.kubernetes.io/revision": str(meta["generation"])},
        },
        "spec": {key: deployment["spec"].get(key) for key in ("replicas", "selector", "template")},
    }


def succeeded(pod: Object) -> Object:
    """The status of a pod that ended well."""
    ended = {"exitCode": 0, "reason": "Completed"}
    containers = [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": {"terminated": ended},
        }
        for container in pod["spec"]["containers"]
    ]
    return {"phase": "Succeeded", "containerStatuses": containers}
