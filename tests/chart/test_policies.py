"""What a platform team asks of every object, held for every values file."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from chart.rendering import RELEASE, VALUES_FILES, Manifest, containers_of, pod_of, read_values, render

every_values_file = pytest.mark.parametrize(
    "values", [read_values(f) for f in VALUES_FILES], ids=[f.name for f in VALUES_FILES]
)
LONG = "a-release-whose-name-is-as-long-as-helm-lets-it-be-53"
EXISTING = {"pg", "provider", "mq", "mq-admin", "chats-token", "east-token", "pull", "a-tls", "more"}
"""Secrets and ConfigMaps that the values files name and their users make."""
DOCUMENTED = {"leopard-postgres", "leopard-rabbitmq", "leopard-rabbitmq-management", "leopard-provider"}
"""Secrets that values.yaml and values-production.yaml tell their users to make."""


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for manifest in manifests:
        if (pod := pod_of(manifest)) is not None:
            yield f"{manifest['kind']} {manifest['metadata']['name']}", pod


@every_values_file
def test_every_pod_is_restricted(values: dict[str, Any]) -> None:
    """Source: Pod Security Standards, profile "restricted", and a read-only root file system."""
    for name, pod in pods(render(values)):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        for volume in spec.get("volumes", []):
            assert not {"hostPath"} & volume.keys(), name
        for container in containers_of(pod):
            if container["name"] in {"side", "before"}:
                continue  # the user's own, in ci/everything-else-values.yaml
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["privileged"] is False, name
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["runAsNonRoot"] is True, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert set(container["resources"]) == {"requests", "limits"}, name
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
            assert "memory" in container["resources"]["limits"], name


@every_values_file
def test_the_cluster_may_choose_every_user_and_group(values: dict[str, Any]) -> None:
    """OpenShift's restricted-v2 rejects ids outside the namespace's range, and fills in those that are missing."""
    for name, pod in pods(render({**values, "podSecurity": {"clusterChoosesUser": True}})):
        contexts = [pod["spec"]["securityContext"], *(c["securityContext"] for c in containers_of(pod))]
        for context in contexts:
            assert not {"runAsUser", "runAsGroup", "fsGroup", "supplementalGroups"} & context.keys(), name
        assert contexts[0]["runAsNonRoot"] is True, name


@every_values_file
def test_every_selector_finds_pods_of_one_workload_only(values: dict[str, Any]) -> None:
    manifests = render(values)
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(manifests)}
    for manifest in manifests:
        selector = manifest.get("spec", {}).get("selector")
        if not isinstance(selector, dict) or manifest["kind"] == "PodMonitor":
            continue
        wanted = selector.get("matchLabels", selector)
        found = [name for name, has in labels.items() if wanted.items() <= has.items()]
        assert len(found) == 1, (manifest["kind"], manifest["metadata"]["name"], found)


@every_values_file
def test_every_port_that_is_named_exists(values: dict[str, Any]) -> None:
    manifests = render(values)
    by_pod = [pod for _, pod in pods(manifests)]
    for service in (one for one in manifests if one["kind"] == "Service"):
        selected = [p for p in by_pod if service["spec"]["selector"].items() <= p["metadata"]["labels"].items()]
        for port in service["spec"]["ports"]:
            for pod in selected:
                assert port["targetPort"] in {p["name"] for c in pod["spec"]["containers"] for p in c.get("ports", [])}
    for pod in by_pod:
        for container in pod["spec"]["containers"]:
            names = {port["name"] for port in container.get("ports", [])}
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                for how in ("httpGet", "tcpSocket"):
                    if how in container.get(probe, {}):
                        assert container[probe][how]["port"] in names


REFERENCES = {
    "secretKeyRef": "Secret",
    "secretRef": "Secret",
    "secret": "Secret",
    "secretTargetRef": "Secret",
    "imagePullSecrets": "Secret",
    "secretName": "Secret",
    "configMapKeyRef": "ConfigMap",
    "configMapRef": "ConfigMap",
    "configMap": "ConfigMap",
    "serviceAccountName": "ServiceAccount",
}
"""Keys that name another object: as text, in an object with a name, or in a list of such."""


def references(manifest: Any) -> Iterator[tuple[str, str]]:
    if isinstance(manifest, list):
        for one in manifest:
            yield from references(one)
    if isinstance(manifest, dict):
        for key, value in manifest.items():
            if key in REFERENCES:
                for one in value if isinstance(value, list) else [value]:
                    yield REFERENCES[key], one if isinstance(one, str) else one["name"]
            else:
                yield from references(value)


@every_values_file
def test_whatever_is_referred_to_exists_or_is_documented(values: dict[str, Any]) -> None:
    manifests = render(values)
    there = {(one["kind"], one["metadata"]["name"]) for one in manifests}
    # operators write these
    for kind, suffix in (("Cluster", "-app"), ("RabbitmqCluster", "-default-user")):
        there |= {("Secret", one["metadata"]["name"] + suffix) for one in manifests if one["kind"] == kind}
    for kind, name in references(manifests):
        assert (kind, name) in there or name in EXISTING | DOCUMENTED, (kind, name)


@every_values_file
def test_no_secret_stands_where_everybody_can_read_it(values: dict[str, Any]) -> None:
    manifests = render(values)
    development = values.get("devStack", {}).get("enabled", False)
    assert bool([one for one in manifests if one["kind"] == "Secret"]) == development
    for manifest in manifests:
        if manifest["kind"] == "Secret":
            continue
        text = str(manifest)
        assert not re.search(r"://[^/\s'\"]*:[^/\s'\"]*@", text), manifest["metadata"]["name"]
        for _, pod in pods([manifest]):
            for container in containers_of(pod):
                for variable in container.get("env", []):
                    secret = re.search("PASS|TOKEN|SECRET(?!S_DIR)|_URL$", variable["name"])
                    assert not (secret and variable.get("value", "").strip() and "PROXY" not in variable["name"])


@every_values_file
def test_names_fit_however_long_the_release_is_called(values: dict[str, Any]) -> None:
    pool = values.get("senderWorker", {}).get("pools")
    longest = values | {"senderWorker": values.get("senderWorker", {}) | {"pools": pool or [{"name": "twelve-chars"}]}}
    for manifest in render(longest, release=LONG):
        assert len(manifest["metadata"]["name"]) <= 63, manifest["metadata"]["name"]
        for value in manifest["metadata"].get("labels", {}).values():
            assert len(value) <= 63, value


def test_two_releases_in_one_namespace_share_no_object() -> None:
    values = read_values(VALUES_FILES[0])
    first, second = (
        {(one["kind"], one["metadata"]["name"]) for one in render(values, release=name)} for name in ("a", "b")
    )
    assert not first & second


@every_values_file
def test_who_is_told_to_end_has_the_time_to(values: dict[str, Any]) -> None:
    for name, pod in pods(render(values)):
        for container in pod["spec"]["containers"]:
            if "lifecycle" not in container:
                continue
            sleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            shutdown = values.get("settings", {}).get("shutdownSeconds", 25)
            # uvicorn waits a second longer than the service
            assert pod["spec"]["terminationGracePeriodSeconds"] >= sleep + shutdown + 5, name


@every_values_file
def test_kubelets_never_ask_for_health(values: dict[str, Any]) -> None:
    for _, pod in pods(render(values)):
        for container in pod["spec"]["containers"]:
            paths = {
                probe: container[probe].get("httpGet", {}).get("path")
                for probe in ("startupProbe", "livenessProbe", "readinessProbe")
                if probe in container
            }
            assert "/health" not in paths.values()
            if container["name"] in {"campaign-api", "dispatcher", "sender-worker"}:
                assert paths == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


@every_values_file
def test_replicas_are_left_to_the_autoscaler_that_is_there(values: dict[str, Any]) -> None:
    manifests = render(values)
    scaled = [
        one["spec"]["scaleTargetRef"]["name"]
        for one in manifests
        if one["kind"] in {"HorizontalPodAutoscaler", "ScaledObject"}
    ]
    assert len(set(scaled)) == len(scaled)
    for deployment in (one for one in manifests if one["kind"] == "Deployment"):
        assert ("replicas" in deployment["spec"]) == (deployment["metadata"]["name"] not in scaled)


@every_values_file
def test_no_budget_blocks_a_drain(values: dict[str, Any]) -> None:
    for budget in (one for one in render(values) if one["kind"] == "PodDisruptionBudget"):
        assert budget["spec"]["maxUnavailable"] >= 1
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_a_changed_setting_rolls_the_pods_that_have_it_and_no_other() -> None:
    def checksums(values: dict[str, Any]) -> dict[str, str]:
        return {
            name: pod["metadata"].get("annotations", {}).get("checksum/settings", "")
            for name, pod in pods(render(values))
        }

    before, after = checksums({}), checksums({"dispatcher": {"settings": {"window": 100}}})
    assert [name for name in before if before[name] != after[name]] == [f"Deployment {RELEASE}-leopard-dispatcher"]


def test_another_image_is_another_migration_and_the_same_is_the_same() -> None:
    def job(values: dict[str, Any]) -> str:
        [name] = [one["metadata"]["name"] for one in render(values) if "-migrate-" in one["metadata"]["name"]]
        return str(name)

    assert job({}) == job({"dispatcher": {"replicas": 5}})
    assert job({}) != job({"image": {"tag": "2.0.0"}})


def test_a_digest_wins_over_a_tag_and_a_mirror_over_every_registry() -> None:
    values = read_values(next(file for file in VALUES_FILES if file.name == "hpa-ingress-values.yaml"))
    images = {c["image"] for _, pod in pods(render(values)) for c in containers_of(pod)}
    assert images == {
        "registry.example.com/mirror/leopard/campaign-api@sha256:" + "0" * 64,
        "registry.example.com/mirror/leopard/dispatcher:1.2.3",
        "registry.example.com/mirror/leopard/sender-worker:1.2.3",
    }
