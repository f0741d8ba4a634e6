"""Releases by the real Helm: by Kubernetes' own API server, or in a cluster in memory where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from chart.api_server import api_server
from chart.fake_cluster import Cluster
from chart.fake_kubernetes import serving
from chart.kubeconfig import write_kubeconfig
from chart.real_cluster import RealCluster, new_namespace
from chart.rendering import helms, run_helm

AnyCluster: TypeAlias = Cluster | RealCluster
every_helm = pytest.mark.parametrize("helm", helms(), ids=lambda helm: Path(helm).name)


class Release:
    """A release by one helm in one namespace."""

    def __init__(self, helm: str, cluster: AnyCluster, kubeconfig: Path, folder: Path) -> None:
        self.cluster = cluster
        self.helm = helm
        self.environment = {
            "KUBECONFIG": str(kubeconfig),
            "HELM_CACHE_HOME": str(folder),
            "HELM_CONFIG_HOME": str(folder),
            "HELM_DATA_HOME": str(folder),
        }

    def __call__(self, *arguments: str) -> str:
        """What helm printed; raises AssertionError where it failed."""
        return run_helm(self.helm, *arguments, "--namespace", self.cluster.namespace, environment=self.environment)

    def names(self, resource: str) -> set[str]:
        """Names of all objects of a resource."""
        return {one["metadata"]["name"] for one in self.cluster.of_kind(resource)}


@contextmanager
def release_by(helm: str, folder: Path) -> Iterator[Release]:
    """A release that may be installed into a new namespace."""
    server = api_server()
    if server is not None:
        with new_namespace(server) as namespace:
            yield Release(helm, namespace, server.kubeconfig, folder)
        return
    with serving() as (cluster, url):
        kubeconfig = folder / "kubeconfig"
        write_kubeconfig(kubeconfig, {"server": url}, {})
        yield Release(helm, cluster, kubeconfig, folder)
