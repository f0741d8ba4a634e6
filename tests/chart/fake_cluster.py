"""A cluster in memory: its objects, who watches them, and what becomes of them.

A Job that migrates is done a moment after it was made; pods of Deployments wait for the schema, so they are ready only
once such a Job is done, as in a cluster; a StatefulSet is ready at once; a pod by itself ends well.
"""

import contextlib
import copy
import itertools
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]

KINDS: dict[str, dict[str, str]] = {
    "v1": {
        "configmaps": "ConfigMap",
        "secrets": "Secret",
        "services": "Service",
        "serviceaccounts": "ServiceAccount",
        "pods": "Pod",
        "namespaces": "Namespace",
        "events": "Event",
        "persistentvolumeclaims": "PersistentVolumeClaim",
    },
    "apps/v1": {"deployments": "Deployment", "replicasets": "ReplicaSet", "statefulsets": "StatefulSet"},
    "batch/v1": {"jobs": "Job"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "networking.k8s.io/v1": {"networkpolicies": "NetworkPolicy", "ingresses": "Ingress"},
    "autoscaling/v2": {"horizontalpodautoscalers": "HorizontalPodAutoscaler"},
}
MIGRATION_SECONDS = 0.3


class Cluster:
    """What the server holds, and who watches it."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.history: list[tuple[float, str, str, str]] = []
        self._lock = threading.RLock()
        self._versions = itertools.count(1)
        self._watchers: list[tuple[str, queue.Queue[Object]]] = []

    def of_kind(self, resource: str) -> list[Object]:
        """All objects of a resource."""
        with self._lock:
            return [copy.deepcopy(one) for key, one in self.objects.items() if key[0] == resource]

    def put(self, resource: str, one: Object, *, event: str | None = None) -> Object:
        """Create or replace an object, and let happen what would."""
        with self._lock:
            meta = one.setdefault("metadata", {})
            key = (resource, meta.get("namespace", ""), meta["name"])
            before = self.objects.get(key)
            meta.setdefault("uid", before["metadata"]["uid"] if before else f"uid-{next(self._versions)}")
            meta.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
            meta["resourceVersion"] = str(next(self._versions))
            if before is None or before.get("spec") != one.get("spec"):
                meta["generation"] = (before or {"metadata": {}})["metadata"].get("generation", 0) + 1
                self.history.append((time.monotonic(), "changed" if before else "created", resource, meta["name"]))
            self.objects[key] = one
            self._tell(resource, event or ("MODIFIED" if before else "ADDED"), one)
            if before is None or before.get("spec") != one.get("spec"):
                self._let_happen(resource, one)
            return copy.deepcopy(self.objects[key])

    def delete(self, resource: str, namespace: str, name: str) -> Object | None:
        """Remove an object; what it was, or null."""
        with self._lock:
            one = self.objects.pop((resource, namespace, name), None)
            if one is not None:
                self.history.append((time.monotonic(), "deleted", resource, name))
                self._tell(resource, "DELETED", one)
                for owned in [o for o in self.objects.values() if _owned_by(o, one)]:
                    self.delete(_resource(owned), namespace, owned["metadata"]["name"])
            return one

    @contextlib.contextmanager
    def watching(self, resource: str) -> Iterator[queue.Queue[Object]]:
        """Events of a resource from here on."""
        events: queue.Queue[Object] = queue.Queue()
        with self._lock:
            self._watchers.append((resource, events))
        try:
            yield events
        finally:
            with self._lock:
                self._watchers.remove((resource, events))

    def _tell(self, resource: str, kind: str, one: Object) -> None:
        for watched, events in self._watchers:
            if watched == resource:
                events.put({"type": kind, "object": copy.deepcopy(one)})

    def _let_happen(self, resource: str, one: Object) -> None:
        if resource == "services":
            one["spec"].setdefault("clusterIP", "10.0.0.1")
        elif resource == "jobs":
            threading.Timer(MIGRATION_SECONDS, self._finish_job, [one]).start()
        elif resource == "statefulsets":
            self._ready(resource, one)
        elif resource == "deployments":
            self._replica_set(one)
            if self._migrated(one):
                self._ready(resource, one)
            else:
                self.report_status(resource, one, {"observedGeneration": one["metadata"]["generation"], "replicas": 1})
        elif resource == "pods":
            threading.Timer(MIGRATION_SECONDS, self._finish_pod, [one]).start()

    def _finish_job(self, job: Object) -> None:
        conditions = [{"type": "Complete", "status": "True"}, {"type": "SuccessCriteriaMet", "status": "True"}]
        self.report_status(
            "jobs", job, {"succeeded": 1, "conditions": conditions, "completionTime": "2026-01-01T00:00:01Z"}
        )
        with self._lock:
            for deployment in [o for k, o in self.objects.items() if k[0] == "deployments"]:
                if self._migrated(deployment):
                    self._ready("deployments", deployment)

    def _migrated(self, deployment: Object) -> bool:
        """Whether a migration of the image that the Deployment's pods have is done."""
        tag = deployment["spec"]["template"]["spec"]["containers"][0]["image"].rsplit(":", 1)[1]
        if "initContainers" not in deployment["spec"]["template"]["spec"]:
            return True
        return any(
            job.get("status", {}).get("succeeded")
            and job["spec"]["template"]["spec"]["containers"][0]["image"].endswith(f":{tag}")
            for key, job in self.objects.items()
            if key[0] == "jobs"
        )

    def _finish_pod(self, pod: Object) -> None:
        done = [{"name": c["name"], "state": {"terminated": {"exitCode": 0}}} for c in pod["spec"]["containers"]]
        self.report_status("pods", pod, {"phase": "Succeeded", "containerStatuses": done})

    def _replica_set(self, deployment: Object) -> None:
        meta = deployment["metadata"]
        owner = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": meta["name"],
            "uid": meta["uid"],
            "controller": True,
        }
        name = f"{meta['name']}-{meta['generation']}"
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        made = {"name": name, "namespace": meta["namespace"], "labels": labels, "ownerReferences": [owner]}
        made["annotations"] = {"deployment.kubernetes.io/revision": str(meta["generation"])}
        spec = {key: deployment["spec"].get(key) for key in ("replicas", "selector", "template")}
        self.put("replicasets", {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": made, "spec": spec})
        self.report_status(
            "replicasets", self.objects["replicasets", meta["namespace"], name], {"observedGeneration": 1}
        )

    def _ready(self, resource: str, one: Object) -> None:
        count = one["spec"].get("replicas", 1)
        status = {
            "observedGeneration": one["metadata"]["generation"],
            **dict.fromkeys(
                ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas", "currentReplicas"), count
            ),
            "conditions": [
                {"type": "Available", "status": "True"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
            ],
        }
        self.report_status(resource, one, status)
        if resource == "deployments":
            meta = one["metadata"]
            replica_set = self.objects["replicasets", meta["namespace"], f"{meta['name']}-{meta['generation']}"]
            self.report_status("replicasets", replica_set, {"observedGeneration": 1, "readyReplicas": count})

    def report_status(self, resource: str, one: Object, status: Object) -> None:
        """Set the status of an object, if it is still there."""
        with self._lock:
            key = (resource, one["metadata"].get("namespace", ""), one["metadata"]["name"])
            if key in self.objects:
                self.put(resource, self.objects[key] | {"status": status})


def _owned_by(one: Object, owner: Object) -> bool:
    return any(o.get("uid") == owner["metadata"]["uid"] for o in one["metadata"].get("ownerReferences", []))


def _resource(one: Object) -> str:
    return next(name for kinds in KINDS.values() for name, kind in kinds.items() if kind == one["kind"])
