"""The HTTP of Kubernetes' API server in front of a cluster in memory, as much of it as Helm needs."""

import contextlib
import copy
import json
import queue
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

import yaml

from chart.fake_cluster import KINDS, Cluster
from chart.patching import patched
from chart.protobuf import MAGIC, secret_from
from chart.statuses import Object


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cluster: Cluster

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Discovery, one object, a list, or a watch."""
        url = urlparse(self.path)
        query = parse_qs(url.query)
        if (found := _discovery(url.path)) is not None:
            self._answer(200, found)
            return
        version, namespace, resource, name = _parse(url.path)
        if resource not in KINDS.get(version, {}):
            self._not_found(resource, name)
        elif name:
            one = self.cluster.objects.get((resource, namespace, name))
            if one is None:
                self._not_found(resource, name)
            elif url.path.endswith("/log"):
                self._text("the pod's log\n")
            else:
                self._answer(200, one)
        elif query.get("sendInitialEvents") == ["true"]:
            self._answer(422, _failure(422, "Invalid", "no watch lists here"))
        elif query.get("watch") == ["true"]:
            self._watch(resource, query)
        else:
            items = [one for one in self.cluster.of_kind(resource) if _matches(one, namespace, query)]
            kind = f"{KINDS[version][resource]}List"
            self._answer(
                200, {"apiVersion": version, "kind": kind, "metadata": {"resourceVersion": "1"}, "items": items}
            )

    def do_POST(self) -> None:
        """Create an object."""
        version, namespace, resource, _ = _parse(urlparse(self.path).path)
        one = self._body()
        one.setdefault("metadata", {}).setdefault("namespace", namespace)
        one |= {"apiVersion": version, "kind": KINDS[version][resource]}
        if (resource, namespace, one["metadata"]["name"]) in self.cluster.objects:
            self._answer(409, _failure(409, "AlreadyExists", f"{resource} {one['metadata']['name']} already exists"))
            return
        self._answer(201, self.cluster.put(resource, one))

    def do_PUT(self) -> None:
        """Replace an object."""
        version, namespace, resource, _ = _parse(urlparse(self.path).path)
        one = self._body() | {"apiVersion": version, "kind": KINDS[version][resource]}
        one["metadata"].setdefault("namespace", namespace)
        self._answer(200, self.cluster.put(resource, one))

    def do_PATCH(self) -> None:
        """Apply, or merge."""
        version, namespace, resource, name = _parse(urlparse(self.path).path)
        before = self.cluster.objects.get((resource, namespace, name))
        applied = "apply-patch" in self.headers.get("content-type", "")
        if before is None and not applied:
            self._not_found(resource, name)
            return
        after = patched(copy.deepcopy(before or {}), self._body())
        after |= {"apiVersion": version, "kind": KINDS[version][resource]}
        after["metadata"].setdefault("namespace", namespace)
        if resource == "jobs" and before is not None and before["spec"]["template"] != after["spec"]["template"]:
            self._answer(422, _failure(422, "Invalid", f'Job "{name}" is invalid: spec.template: field is immutable'))
            return
        self._answer(200 if before else 201, self.cluster.put(resource, after))

    def do_DELETE(self) -> None:
        """Remove an object."""
        _, namespace, resource, name = _parse(urlparse(self.path).path)
        self._body()
        one = self.cluster.delete(resource, namespace, name)
        self._answer(200, one) if one is not None else self._not_found(resource, name)

    def _watch(self, resource: str, query: dict[str, list[str]]) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        # what there is comes first: nothing that happened between the list and the watch is missed
        first: list[Object] = [{"type": "MODIFIED", "object": one} for one in self.cluster.of_kind(resource)]
        with self.cluster.watching(resource) as events, contextlib.suppress(OSError):
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                for event in first:
                    if _matches(event["object"], "", query):
                        line = json.dumps(event).encode() + b"\n"
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                        self.wfile.flush()
                first = []
                with contextlib.suppress(queue.Empty):
                    first.append(events.get(timeout=0.2))
        self.close_connection = True

    def _body(self) -> Object:
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        if data.startswith(MAGIC):
            return secret_from(data) if b"Secret" in data[:60] else {}
        if not data:
            return {}
        read = yaml.safe_load(data) if "yaml" in self.headers.get("content-type", "") else json.loads(data)
        return dict(read)

    def _not_found(self, resource: str, name: str) -> None:
        self._answer(404, _failure(404, "NotFound", f'{resource} "{name}" not found'))

    def _answer(self, status: int, body: Object) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _text(self, text: str) -> None:
        self._send(200, "text/plain", text.encode())

    def _send(self, status: int, content_type: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _failure(code: int, reason: str, message: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }


def _matches(one: Object, namespace: str, query: dict[str, list[str]]) -> bool:
    meta = one["metadata"]
    if namespace and meta.get("namespace") != namespace:
        return False
    for term in ",".join(query.get("labelSelector", [])).split(","):
        key, _, value = term.replace("==", "=").partition("=")
        if term and meta.get("labels", {}).get(key) != value:
            return False
    for term in ",".join(query.get("fieldSelector", [])).split(","):
        key, _, value = term.replace("==", "=").partition("=")
        if key == "metadata.name" and meta["name"] != value:
            return False
    return True


def _parse(path: str) -> tuple[str, str, str, str]:
    """Version, namespace, resource and name of an object's path."""
    parts = path.strip("/").split("/")
    version, rest = ("v1", parts[2:]) if parts[0] == "api" else (f"{parts[1]}/{parts[2]}", parts[3:])
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    return version, namespace, rest[0], rest[1] if len(rest) > 1 else ""


def _discovery(path: str) -> Object | None:
    path = path.rstrip("/")
    if path == "/version":
        return {"major": "1", "minor": "34", "gitVersion": "v1.34.4"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [version.split("/") for version in KINDS if "/" in version]
        return {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [
                {
                    "name": group,
                    "versions": [{"groupVersion": f"{group}/{version}", "version": version}],
                    "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version},
                }
                for group, version in groups
            ],
        }
    version = path.removeprefix("/api/").removeprefix("/apis/")
    if version in KINDS and path in {f"/api/{version}", f"/apis/{version}"}:
        verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
        resources = [
            {
                "name": name,
                "singularName": kind.lower(),
                "namespaced": name != "namespaces",
                "kind": kind,
                "verbs": verbs,
            }
            for name, kind in KINDS[version].items()
        ]
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}
    return _openapi(path) if path.startswith("/openapi/v3") else None


def _openapi(path: str) -> Object:
    """As much as says that the server itself checks fields; with less, Helm would want to do it, by protobuf."""
    roots = {version: f"{'apis' if '/' in version else 'api'}/{version}" for version in KINDS}
    if path == "/openapi/v3":
        return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}"} for root in roots.values()}}
    version = next(version for version, root in roots.items() if path == f"/openapi/v3/{root}")
    group = version.rpartition("/")[0]
    checked = [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}]
    paths = {
        f"/{roots[version]}/namespaces/{{namespace}}/{name}/{{name}}": {
            "patch": {
                "parameters": checked,
                "responses": {},
                "x-kubernetes-group-version-kind": {"group": group, "kind": kind, "version": version.split("/")[-1]},
            }
        }
        for name, kind in KINDS[version].items()
    }
    return {"openapi": "3.0.0", "info": {"title": "fake", "version": "1"}, "paths": paths}


@contextlib.contextmanager
def serving() -> Iterator[tuple[Cluster, str]]:
    """A cluster, and where its API is."""
    cluster = Cluster()
    handler = type("Handler", (_Handler,), {"cluster": cluster})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield cluster, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
