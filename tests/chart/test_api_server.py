"""Everything that the chart renders, held against an API server: each object, each pod, each values file, each name.

Kubernetes' own server judges where `make chart-server` has built it. Its namespaces enforce restricted Pod Security.
"""

import copy
import random
from pathlib import Path

import pytest
import yaml

from chart.api_server import api_server
from chart.releases import Release, every_helm
from chart.rendering import CHART, VALUES_FILES, Manifest, pod_of, read_objects, read_values
from chart.test_umbrella import GLOBALS, umbrella

LONGEST = "leopard-campaigns-production-eu-west-1-blue-and-green"
"""As long as Helm lets a release's name be."""


def pods(objects: list[Manifest]) -> list[Manifest]:
    """Each pod that controllers would make of the objects; not those of hooks, which Helm makes itself."""
    found = []
    for one in objects:
        hook = "helm.sh/hook" in one["metadata"].get("annotations", {})
        if not hook and (pod := pod_of(one)) is not None:
            meta = {"name": one["metadata"]["name"], "labels": pod["metadata"]["labels"]}
            claimed = [claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", [])]
            volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claimed]
            spec = pod["spec"] | {"volumes": pod["spec"].get("volumes", []) + volumes}
            found.append({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    return found


def given(file: Path) -> tuple[str, ...]:
    """Options for a values file; a port of the nodes is one that no other test takes."""
    fixed = read_values(file).get("campaignApi", {}).get("service", {}).get("nodePort")
    port = ("--set", f"campaignApi.service.nodePort={random.SystemRandom().randint(30_000, 32_767)}") if fixed else ()
    return ("--values", str(file), *port)


def installed(release: Release, name: str, *values: str) -> list[Manifest]:
    """Install, after a look at each object by itself; the objects."""
    objects = read_objects(release("template", name, *values))
    # Helm makes the account of the test's pod when it makes the pod
    whole = [one for one in objects if one["kind"] != "Pod"]
    assert [refusal for one in whole for refusal in release.cluster.refusals(one)] == []
    release("upgrade", "--install", name, *values, "--wait", "--timeout", "30s")
    assert [refusal for pod in pods(objects) for refusal in release.cluster.refusals(pod)] == []
    return objects


@every_helm
@pytest.mark.parametrize("file", VALUES_FILES, ids=lambda file: file.name)
def test_every_values_file_is_installed_and_every_pod_is_admitted(release: Release, file: Path) -> None:
    release.cluster.migrated_by_hand = read_values(file).get("migrations", {}).get("mode") == "none"
    objects = installed(release, "rel", str(CHART), *given(file))
    assert {one["metadata"]["name"] for one in objects if one["kind"] == "Deployment"} == release.names("deployments")
    release("uninstall", "rel")
    assert release.names("deployments") == set()


@every_helm
def test_a_release_goes_from_any_values_file_to_the_next(release: Release) -> None:
    """Nothing that Kubernetes does not let change differs: selectors, claims, Jobs."""
    for file in VALUES_FILES:
        release("upgrade", "--install", "rel", str(CHART), *given(file), "--timeout", "30s")
    assert str(len(VALUES_FILES)) in release("history", "rel", "--max", "1")


@every_helm
@pytest.mark.parametrize("name", ["2026", "1e5", "true", LONGEST])
def test_any_name_that_helm_takes_is_installed(release: Release, name: str) -> None:
    """Names of Services begin with a letter: where a release's does not, the chart asks for another."""
    keda = ("--values", str(CHART / "ci/keda-pools-values.yaml"), "--set-string", "database.existingSecret.name=2026")
    override = ("--set", "fullnameOverride=campaigns") if name[0].isdigit() else ()
    installed(release, name, str(CHART), *keda, *override)


@every_helm
def test_an_umbrella_chart_with_two_aliases_is_installed(release: Release, tmp_path: Path) -> None:
    chart = umbrella(tmp_path, {"alias": "east"}, {"alias": "west", "condition": "west.enabled"})
    given = tmp_path / "given.yaml"
    given.write_text(yaml.safe_dump({"global": GLOBALS, "east": {"dispatcher": {"replicas": 3}}}))
    installed(release, "rel", str(chart), "--values", str(given))
    release("upgrade", "rel", str(chart), "--values", str(given), "--set", "west.enabled=false")
    assert {name.split("-")[1] for name in release.names("deployments")} == {"east"}


@every_helm
def test_what_the_server_would_refuse_is_found(release: Release) -> None:
    """The checks of this file fail on what they look for."""
    objects = read_objects(release("template", "rel", str(CHART), "--values", str(CHART / "ci/keda-pools-values.yaml")))
    [scaled, *_] = [one for one in objects if one["kind"] == "ScaledObject"]
    misspelt, wrong = copy.deepcopy(scaled), copy.deepcopy(scaled)
    misspelt["spec"]["triggers"][0]["metricTyp"] = "AverageValue"
    wrong["spec"]["maxReplicaCount"] = "ten"
    assert "metricTyp" in str(release.cluster.refusals(misspelt))
    assert "maxReplicaCount" in str(release.cluster.refusals(wrong))
    if api_server() is not None:
        [pod, *_] = pods(objects)
        pod["spec"].pop("serviceAccountName")
        pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
        assert "PodSecurity" in str(release.cluster.refusals(pod))
