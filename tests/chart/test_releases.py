"""Installed, upgraded, rolled back, tested and uninstalled by the real Helm, against an API server."""

import pytest

from chart.releases import Release, every_helm
from chart.rendering import CHART

WAITING = [(), ("--wait",), ("--wait", "--wait-for-jobs")]


@every_helm
@pytest.mark.parametrize("waiting", WAITING, ids=lambda waiting: " ".join(waiting) or "without waiting")
@pytest.mark.parametrize("values", ["values-dev.yaml", "ci/existing-secrets-values.yaml"])
def test_it_is_installed(release: Release, waiting: tuple[str, ...], values: str) -> None:
    said = release("install", "rel", str(CHART), "--values", str(CHART / values), *waiting, "--timeout", "20s")
    assert "STATUS: deployed" in said
    assert {"rel-leopard-campaign-api", "rel-leopard-dispatcher", "rel-leopard-sender-worker-default"} <= release.names(
        "deployments"
    )
    assert len(release.names("jobs")) == 1
    if waiting:
        assert all(one["status"].get("readyReplicas") for one in release.cluster.of_kind("deployments"))


@every_helm
@pytest.mark.parametrize("waiting", WAITING[:2], ids=lambda waiting: " ".join(waiting) or "without waiting")
def test_it_is_upgraded_and_rolled_back_and_removed(release: Release, waiting: tuple[str, ...]) -> None:
    dev = ("--values", str(CHART / "values-dev.yaml"))
    release("install", "rel", str(CHART), *dev, "--wait", "--timeout", "20s")
    [first] = release.names("jobs")
    # only a setting: the same schema, the same Job
    release("upgrade", "rel", str(CHART), *dev, "--set", "dispatcher.settings.window=77", *waiting, "--timeout", "20s")
    assert release.names("jobs") == {first}
    config = next(c for c in release.cluster.of_kind("configmaps") if c["metadata"]["name"] == "rel-leopard-dispatcher")
    assert config["data"]["LEOPARD_WINDOW"] == "77"
    # another version: another Job, and the pods wait for it
    release("upgrade", "rel", str(CHART), *dev, "--set", "image.tag=9.9.9", "--wait", "--timeout", "20s")
    [second] = release.names("jobs")
    assert second != first
    assert all(one["status"].get("readyReplicas") for one in release.cluster.of_kind("deployments"))
    release("rollback", "rel", "1", *waiting, "--timeout", "20s")
    assert release.names("jobs") == {first}
    assert "4" in release("history", "rel")
    release("uninstall", "rel", "--wait", "--timeout", "20s")
    for resource in ("deployments", "jobs", "services", "configmaps", "statefulsets", "networkpolicies"):
        assert release.names(resource) == set(), resource


@every_helm
def test_a_campaign_is_sent_by_helm_test(release: Release) -> None:
    release("install", "rel", str(CHART), "--values", str(CHART / "values-dev.yaml"), "--wait", "--timeout", "20s")
    said = release("test", "rel", "--logs", "--timeout", "20s")
    assert "Succeeded" in said
    assert "the pod's log" in said
    assert "rel-leopard-test-campaign" in release.names("pods")


@every_helm
def test_a_migration_that_does_not_end_is_not_taken_for_ready(release: Release) -> None:
    release.cluster.migration_seconds = 60
    with pytest.raises(AssertionError, match=r"(?i)timed out|deadline|not ready"):
        release("install", "rel", str(CHART), "--values", str(CHART / "values-dev.yaml"), "--wait", "--timeout", "3s")
