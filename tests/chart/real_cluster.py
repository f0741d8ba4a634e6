"""A namespace of Kubernetes' own API server, with stand-ins for the controllers that it runs without.

As in the cluster in memory, a Job that migrates is done a moment after it was made, pods of Deployments wait for it, a
StatefulSet is ready at once, and a pod by itself ends well.
"""

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx

from chart.api_server import ApiServer
from chart.fake_cluster import KINDS, MIGRATION_SECONDS
from chart.kubelet import NODE
from chart.statuses import DONE, FAILED, Object, is_migrated, ready, replica_set, succeeded

_VERSIONS = {resource: version for version, kinds in KINDS.items() for resource in kinds}
_MERGE = {"content-type": "application/merge-patch+json"}
_PERIOD_SECONDS = 0.2


class RealCluster:
    """The objects of one namespace."""

    def __init__(self, client: httpx.Client, namespace: str) -> None:
        self.namespace = namespace
        self.migration_seconds = MIGRATION_SECONDS
        self.migrations_fail = False
        self.migrated_by_hand = False
        self._client = client
        self._seen: dict[str, float] = {}

    def of_kind(self, resource: str) -> list[Object]:
        """All objects of a resource."""
        answer = self._client.get(self._path(resource)).raise_for_status().json()
        meta = {"apiVersion": answer["apiVersion"], "kind": answer["kind"].removesuffix("List")}
        return [one | meta for one in answer["items"]]

    def put(self, resource: str, one: Object) -> None:
        """Replace an object."""
        name = one["metadata"]["name"]
        self._client.put(f"{self._path(resource)}/{name}", json=one).raise_for_status()

    def refusals(self, one: Object) -> list[str]:
        """Why the server would not create an object, unknown and double keys among the reasons; nothing is created."""
        path = f"{_root(one['apiVersion'])}/namespaces/{self.namespace}/{_resource(self._client, one)}"
        meta = one["metadata"] | {"namespace": self.namespace}
        query = {"dryRun": "All", "fieldValidation": "Strict"}
        answer = self._client.post(path, params=query, json=one | {"metadata": meta})
        return [] if answer.is_success else [f"{one['kind']} {meta['name']}: {answer.json()['message']}"]

    def report_status(self, resource: str, one: Object, status: Object) -> None:
        """Set the status of an object, if it is still there."""
        path = f"{self._path(resource)}/{one['metadata']['name']}/status"
        answer = self._client.patch(path, json={"status": status}, headers=_MERGE)
        if answer.status_code not in (404, 409):
            answer.raise_for_status()

    def settle(self) -> None:
        """Let happen what controllers would do now."""
        for job in self.of_kind("jobs"):
            if not job.get("status", {}).get("conditions") and self._age(job) >= self.migration_seconds:
                self.report_status("jobs", job, FAILED if self.migrations_fail else DONE)
        jobs, deployments = self.of_kind("jobs"), self.of_kind("deployments")
        self._collect_garbage(deployments)
        for deployment in deployments:
            self._settle_deployment(deployment, jobs)
        for stateful in self.of_kind("statefulsets"):
            if _is_behind(stateful):
                self.report_status("statefulsets", stateful, ready(stateful))
        for pod in self.of_kind("pods"):
            self._settle_pod(pod)

    def _collect_garbage(self, deployments: list[Object]) -> None:
        """Delete the ReplicaSets of Deployments that are no more."""
        there = {one["metadata"]["uid"] for one in deployments}
        for one in self.of_kind("replicasets"):
            if one["metadata"]["ownerReferences"][0]["uid"] not in there:
                self._client.delete(f"{self._path('replicasets')}/{one['metadata']['name']}")

    def _settle_deployment(self, deployment: Object, jobs: list[Object]) -> None:
        if not _is_behind(deployment):
            return
        newest = replica_set(deployment)
        self._client.post(self._path("replicasets"), json=newest)
        if self.migrated_by_hand or is_migrated(deployment, jobs):
            count = deployment["spec"].get("replicas", 1)
            status = {"observedGeneration": 1, "replicas": count, "readyReplicas": count, "availableReplicas": count}
            self.report_status("replicasets", newest, status)
            self.report_status("deployments", deployment, ready(deployment))

    def _settle_pod(self, pod: Object) -> None:
        if "nodeName" not in pod["spec"]:
            target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod["metadata"]["name"]}}
            self._client.post(
                f"{self._path('pods')}/{pod['metadata']['name']}/binding", json=binding | {"target": target}
            )
        elif pod["status"].get("phase") == "Pending" and self._age(pod) >= self.migration_seconds:
            self.report_status("pods", pod, succeeded(pod))

    def _age(self, one: Object) -> float:
        """Seconds since it was first seen here."""
        return time.monotonic() - self._seen.setdefault(one["metadata"]["uid"], time.monotonic())

    def _path(self, resource: str) -> str:
        return f"{_root(_VERSIONS[resource])}/namespaces/{self.namespace}/{resource}"


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _resource(client: httpx.Client, one: Object) -> str:
    listed = client.get(_root(one["apiVersion"])).raise_for_status().json()["resources"]
    found: Any = next(r["name"] for r in listed if r["kind"] == one["kind"] and "/" not in r["name"])
    return str(found)


def _is_behind(one: Object) -> bool:
    """Whether the status is not yet that of all pods."""
    status = one.get("status", {})
    return (status.get("observedGeneration"), status.get("readyReplicas", 0)) != (
        one["metadata"]["generation"],
        one["spec"].get("replicas", 1),
    )


@contextlib.contextmanager
def new_namespace(server: ApiServer) -> Iterator[RealCluster]:
    """A namespace that enforces restricted Pod Security, settled until the end."""
    namespace = f"campaigns-{uuid.uuid4().hex[:8]}"
    enforced = {"pod-security.kubernetes.io/enforce": "restricted"}
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": enforced}}
    with server.client() as client:
        client.post("/api/v1/namespaces", json=made).raise_for_status()
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        client.post(f"/api/v1/namespaces/{namespace}/serviceaccounts", json=account).raise_for_status()
        cluster, ended = RealCluster(client, namespace), threading.Event()
        failures: list[Exception] = []

        def settle() -> None:
            while not ended.wait(_PERIOD_SECONDS):
                try:
                    cluster.settle()
                except httpx.HTTPError as error:
                    failures.append(error)
                    return

        thread = threading.Thread(target=settle, daemon=True)
        thread.start()
        try:
            yield cluster
        finally:
            ended.set()
            thread.join()
        if failures:
            raise failures[0]
