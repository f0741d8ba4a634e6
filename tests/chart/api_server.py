"""Kubernetes' own API server with etcd behind it, without controllers and nodes: one for all tests of a run."""

import contextlib
import json
import os
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx2 as httpx
import trustme
import yaml

from chart.kubeconfig import write_kubeconfig
from chart.kubelet import pod_logs
from leopard_local.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".local/chart-server"
BINARIES = ("kube-apiserver", "etcd", "kubectl")
CRDS = Path(__file__).parent / "crds"
VARIABLE = "CHART_API_SERVER"
"""Names the folder of the server that runs, for processes that run tests."""
_START_SECONDS = 90


class ApiServerError(Exception):
    """The API server does not start; says what it printed."""


@dataclass(frozen=True)
class ApiServer:
    """A server that runs, by the folder of its files."""

    folder: Path

    @property
    def kubeconfig(self) -> Path:
        """How commands reach it."""
        return self.folder / "kubeconfig"

    def client(self) -> httpx.Client:
        """How Python reaches it."""
        config = json.loads(self.kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        headers = {"authorization": f"Bearer {user['token']}"}
        return httpx.Client(base_url=cluster["server"], verify=context, headers=headers, timeout=30)


def is_built() -> bool:
    """Whether `make chart-server` has built it."""
    return (FOLDER / "version").exists() and all((FOLDER / name).exists() for name in BINARIES)


@lru_cache(maxsize=1)
def api_server() -> ApiServer | None:
    """The server of this run; null where the one in memory stands in."""
    folder = os.environ.get(VARIABLE)
    return ApiServer(Path(folder)) if folder else None


def description() -> str:
    """Which server the tests use, in a line."""
    if VARIABLE in os.environ:
        return f"API server: Kubernetes' own ({(FOLDER / 'version').read_text().strip()})"
    return "API server: in memory, which accepts more than Kubernetes' own (`make chart-server` builds that)"


@contextlib.contextmanager
def running() -> Iterator[ApiServer]:
    """Start it, with our CRDs and a node that answers for logs, until the end.

    Raises:
        ApiServerError: It is not ready after a while.
    """
    with tempfile.TemporaryDirectory(prefix="chart-server-") as name, contextlib.ExitStack() as stack:
        server = ApiServer(Path(name))
        ports = [free_port() for _ in range(3)]
        _write_files(server, ports[0])
        stack.enter_context(_process(server.folder, "etcd", _etcd_options(server.folder, *ports[1:])))
        options = _server_options(server.folder, ports[0], ports[1])
        process = stack.enter_context(_process(server.folder, "kube-apiserver", options))
        with server.client() as client:
            _wait_until_ready(client, process, server.folder)
            _create_crds(client)
            _create_priority_class(client)
            stack.enter_context(pod_logs(client))
        yield server


def _write_files(server: ApiServer, port: int) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(server.folder / "ca.pem"))
    certificate.private_key_and_cert_chain_pem.write_to_path(str(server.folder / "server.pem"))
    certificate.private_key_pem.write_to_path(str(server.folder / "accounts.pem"))
    (server.folder / "tokens.csv").write_text("tests,admin,admin,system:masters\n")
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(server.folder / "ca.pem")}
    write_kubeconfig(server.kubeconfig, cluster, {"token": "tests"})


def _etcd_options(folder: Path, port: int, peer_port: int) -> list[str]:
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    return [
        f"--data-dir={folder / 'etcd'}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
    ]


def _server_options(folder: Path, port: int, etcd_port: int) -> list[str]:
    return [
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--tls-cert-file={folder / 'server.pem'}",
        f"--tls-private-key-file={folder / 'server.pem'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'accounts.pem'}",
        f"--service-account-signing-key-file={folder / 'accounts.pem'}",
        "--service-cluster-ip-range=10.0.0.0/16",
        "--authorization-mode=RBAC",
        "--endpoint-reconciler-type=none",
        "--enable-priority-and-fairness=false",
    ]


@contextlib.contextmanager
def _process(folder: Path, name: str, options: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([FOLDER / name, *options], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        # nothing of it is kept, so nothing needs a clean end
        process.kill()
        process.wait()


def _wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if client.get("/readyz").status_code == 200:
                return
        time.sleep(0.2)
    raise ApiServerError((folder / "kube-apiserver.log").read_text()[-3000:])


def _create_crds(client: httpx.Client) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for file in sorted(CRDS.glob("*.yaml")):
        client.post(path, json=yaml.safe_load(file.read_text())).raise_for_status()
    deadline = time.monotonic() + _START_SECONDS
    while not all(_established(one) for one in client.get(path).json()["items"]):
        if time.monotonic() > deadline:
            raise ApiServerError(f"not established: {client.get(path).text[:2000]}")
        time.sleep(0.2)


def _create_priority_class(client: httpx.Client) -> None:
    """The one that a values file names; Kubernetes refuses pods of an unknown one."""
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000}
    client.post("/apis/scheduling.k8s.io/v1/priorityclasses", json=high).raise_for_status()


def _established(crd: dict[str, Any]) -> bool:
    conditions = {one["type"]: one["status"] for one in crd.get("status", {}).get("conditions") or ()}
    return conditions.get("Established") == "True" and conditions.get("NamesAccepted") == "True"
