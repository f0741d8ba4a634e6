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

from chart.schemas import CUSTOM, NEWEST, problems
from chart.statuses import DONE, FAILED, Object, is_migrated, ready, replica_set, succeeded

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
for _crd in CUSTOM.values():
    _version = f"{_crd['spec']['group']}/{_crd['spec']['versions'][0]['name']}"
    KINDS.setdefault(_version, {})[_crd["spec"]["names"]["plural"]] = _crd["spec"]["names"]["kind"]
MIGRATION_SECONDS = 0.3


class Cluster:
    """What the server holds, and who watches it."""

    def __init__(self) -> None:
        self.namespace = "campaigns"
        self.migration_seconds = MIGRATION_SECONDS
        self.migrations_fail = False
        self.migrated_by_hand = False
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
            if resource == "deployments":
                one["spec"].setdefault("replicas", 1)
            key = (resource, meta.get("namespace", ""), meta["name"])
            before = self.objects.get(key)
            meta.setdefault("uid", before["metadata"]["uid"] if before else f"uid-{next(self._versions)}")
            meta.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
            meta["resourceVersion"] = str(next(self._versions))
            changed = before is None or before.get("spec") != one.get("spec")
            # whoever replaces an object need not send it along
            meta["generation"] = (before or {"metadata": {}})["metadata"].get("generation", 0) + changed
            if changed:
                self.history.append((time.monotonic(), "changed" if before else "created", resource, meta["name"]))
            self.objects[key] = one
            self._tell(resource, event or ("MODIFIED" if before else "ADDED"), one)
            if changed:
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

    def refusals(self, one: Object) -> list[str]:
        """What Kubernetes' schemas say against an object."""
        return problems(one, NEWEST)

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
            threading.Timer(self.migration_seconds, self._finish_job, [one]).start()
        elif resource == "statefulsets":
            self._ready(resource, one)
        elif resource == "deployments":
            newest = replica_set(one)
            self.put("replicasets", newest)
            self.report_status("replicasets", newest, {"observedGeneration": 1})
            if self._is_migrated(one):
                self._ready(resource, one)
            else:
                self.report_status(resource, one, {"observedGeneration": one["metadata"]["generation"], "replicas": 1})
        elif resource == "pods":
            threading.Timer(self.migration_seconds, self._finish_pod, [one]).start()

    def _finish_job(self, job: Object) -> None:
        self.report_status("jobs", job, FAILED if self.migrations_fail else DONE)
        with self._lock:
            for deployment in [o for k, o in self.objects.items() if k[0] == "deployments"]:
                if self._is_migrated(deployment):
                    self._ready("deployments", deployment)

    def _is_migrated(self, deployment: Object) -> bool:
        jobs = [one for key, one in self.objects.items() if key[0] == "jobs"]
        return self.migrated_by_hand or is_migrated(deployment, jobs)

    def _finish_pod(self, pod: Object) -> None:
        self.report_status("pods", pod, succeeded(pod))

    def _ready(self, resource: str, one: Object) -> None:
        self.report_status(resource, one, ready(one))
        if resource == "deployments":
            newest = replica_set(one)
            self.report_status(
                "replicasets", newest, {"observedGeneration": 1, "readyReplicas": one["spec"].get("replicas", 1)}
            )

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
