"""Upgrades that change how things are run: after a failed migration, to another mode, to an autoscaler."""

from typing import Any

import pytest

from chart.releases import Release, every_helm
from chart.rendering import CHART

EXISTING = ("--values", str(CHART / "ci/existing-secrets-values.yaml"))
AUTOSCALED = ("--set", "senderWorker.autoscaling.enabled=true,database.maxConnections=500")


@every_helm
def test_the_same_upgrade_tries_a_failed_migration_again(release: Release) -> None:
    release.cluster.migrations_fail = True
    with pytest.raises(AssertionError):
        release("upgrade", "--install", "rel", str(CHART), *EXISTING, "--wait", "--wait-for-jobs", "--timeout", "4s")
    release.cluster.migrations_fail = False
    [failed] = release.names("jobs")
    release("upgrade", "--install", "rel", str(CHART), *EXISTING, "--wait", "--timeout", "20s")
    [again] = release.names("jobs")
    assert again != failed
    assert all(one["status"].get("readyReplicas") for one in release.cluster.of_kind("deployments"))


@every_helm
def test_migrations_change_between_job_and_hook(release: Release) -> None:
    hook = ("--set", "migrations.mode=hook")
    release("install", "rel", str(CHART), *EXISTING, *hook, "--wait", "--timeout", "20s")
    release("upgrade", "rel", str(CHART), *EXISTING, "--wait", "--timeout", "20s")
    assert "rel-leopard-migrate" in release.names("serviceaccounts")
    release("upgrade", "rel", str(CHART), *EXISTING, *hook, "--wait", "--timeout", "20s")
    release("uninstall", "rel", "--wait", "--timeout", "20s")
    # Helm leaves the objects of hooks
    release("install", "rel", str(CHART), *EXISTING, "--wait", "--timeout", "20s")
    assert "rel-leopard-migrate" in release.names("serviceaccounts")
    assert len(release.names("jobs") - {"rel-leopard-migrate-hook"}) == 1


@every_helm
def test_an_autoscaler_takes_over_without_a_dip(release: Release) -> None:
    def replicas() -> Any:
        [found] = [d for d in release.cluster.of_kind("deployments") if "sender-worker" in d["metadata"]["name"]]
        return found["spec"].get("replicas")

    release("install", "rel", str(CHART), *EXISTING, "--set", "senderWorker.replicas=6", "--wait", "--timeout", "20s")
    assert replicas() == 6
    release("upgrade", "rel", str(CHART), *EXISTING, *AUTOSCALED, "--wait", "--timeout", "20s")
    assert replicas() == 6
    [scaled] = [d for d in release.cluster.of_kind("deployments") if "sender-worker" in d["metadata"]["name"]]
    release.cluster.put("deployments", scaled | {"spec": scaled["spec"] | {"replicas": 8}})
    release("upgrade", "rel", str(CHART), *EXISTING, *AUTOSCALED)
    assert replicas() == 8


@every_helm
def test_values_of_an_older_chart_are_reused(release: Release) -> None:
    """`--reuse-values` brings the values of the last release, without the sections of a newer chart."""
    release("install", "rel", str(CHART), *EXISTING, "--set", "dispatcher.settings.window=77")
    release("upgrade", "rel", str(CHART), "--reuse-values", "--set", "networkPolicy=null,rawObjects=null,tests=null")
    config = next(c for c in release.cluster.of_kind("configmaps") if c["metadata"]["name"] == "rel-leopard-dispatcher")
    assert config["data"]["LEOPARD_WINDOW"] == "77"
    assert "rel-leopard-deny" in release.names("networkpolicies")
