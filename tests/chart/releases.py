"""Releases by the real Helm in a cluster in memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chart.fake_cluster import Cluster
from chart.fake_kubernetes import serving
from chart.rendering import helms, run_helm

NAMESPACE = "campaigns"
every_helm = pytest.mark.parametrize("helm", helms(), ids=lambda helm: Path(helm).name)


class Release:
    """A release by one helm in one cluster."""

    def __init__(self, helm: str, cluster: Cluster, kubeconfig: Path, folder: Path) -> None:
        self.cluster = cluster
        self._helm = helm
        self._environment = {
            "KUBECONFIG": str(kubeconfig),
            "HELM_CACHE_HOME": str(folder),
            "HELM_CONFIG_HOME": str(folder),
            "HELM_DATA_HOME": str(folder),
        }

    def __call__(self, *arguments: str) -> str:
        return run_helm(self._helm, *arguments, "--namespace", NAMESPACE, environment=self._environment)

    def names(self, resource: str) -> set[str]:
        return {one["metadata"]["name"] for one in self.cluster.of_kind(resource)}


@contextmanager
def release_by(helm: str, folder: Path) -> Iterator[Release]:
    """A release that may be installed into a new cluster."""
    with serving() as (cluster, url):
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "fake", "cluster": {"server": url}}],
                    "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
                    "users": [{"name": "fake", "user": {}}],
                    "current-context": "fake",
                }
            )
        )
        kubeconfig.chmod(0o600)
        yield Release(helm, cluster, kubeconfig, folder)
