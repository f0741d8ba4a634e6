"""Who may speak to whom: the connections that the system has, and no other."""

from pathlib import Path
from typing import Any

import pytest

from chart.rendering import VALUES_FILES, Manifest, containers_of, pod_of, read_values, render

DEV = read_values(VALUES_FILES[0])
SERVICES = ("campaign-api", "dispatcher", "sender-worker-default")
EDGES = {
    *((service, "postgres", 5432) for service in (*SERVICES, "migrate")),
    *((service, "rabbitmq", 5672) for service in SERVICES),
    ("sender-worker-default", "simulator", 8090),
    ("test", "campaign-api", 8080),
}
"""Every connection between pods of a release; besides, each may ask for names, and may be scraped."""


def pods_by_component(manifests: list[Manifest]) -> dict[str, Manifest]:
    found = {}
    for manifest in manifests:
        if (pod := pod_of(manifest)) is not None:
            found[pod["metadata"]["labels"]["app.kubernetes.io/component"]] = pod
    return found


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    return bool(selector.get("matchLabels", {}).items() <= labels.items())


def is_peer(peers: list[Manifest] | None, pod: Manifest) -> bool:
    """Whether a pod of the release's own namespace is one of the peers; no peers at all are everybody."""
    if not peers:
        return True
    return any(
        "podSelector" in peer
        and "namespaceSelector" not in peer
        and selects(peer["podSelector"], pod["metadata"]["labels"])
        for peer in peers
    )


def is_port(ports: list[Manifest] | None, pod: Manifest, number: int) -> bool:
    names = {p["containerPort"]: p["name"] for c in containers_of(pod) for p in c.get("ports", [])}
    return not ports or any(port["port"] in {number, names.get(number)} for port in ports)


def allows(manifests: list[Manifest], source: Manifest, target: Manifest, port: int) -> bool:
    """Whether Kubernetes lets a connection pass: both sides must allow it, where any policy speaks of them."""

    def side(kind: str, pod: Manifest, other: Manifest) -> bool:
        policies = [
            one["spec"]
            for one in manifests
            if one["kind"] == "NetworkPolicy"
            and kind in one["spec"]["policyTypes"]
            and selects(one["spec"]["podSelector"], pod["metadata"]["labels"])
        ]
        rules = [rule for spec in policies for rule in spec.get(kind.lower(), [])]
        peers = "from" if kind == "Ingress" else "to"
        return not policies or any(
            is_peer(rule.get(peers), other) and is_port(rule.get("ports"), target, port) for rule in rules
        )

    return side("Egress", source, target) and side("Ingress", target, source)


MANIFESTS = render(DEV)
PODS = pods_by_component(MANIFESTS)
PORTS = (5432, 5672, 8080, 8090, 15672)


def test_every_part_is_there() -> None:
    assert set(PODS) == {*SERVICES, "postgres", "rabbitmq", "simulator", "migrate", "test"}


@pytest.mark.parametrize("source", sorted(PODS))
@pytest.mark.parametrize("target", sorted(PODS))
def test_the_connections_that_there_are_are_allowed_and_no_other(source: str, target: str) -> None:
    opened = {
        port
        for port in PORTS
        if source != target
        and allows(MANIFESTS, PODS[source], PODS[target], port)
        # a port without a listener is no connection
        and port in {p["containerPort"] for c in containers_of(PODS[target]) for p in c.get("ports", [])}
    }
    assert opened == {port for a, b, port in EDGES if (a, b) == (source, target)}


def test_everything_is_denied_that_is_not_allowed() -> None:
    [deny] = [one for one in MANIFESTS if one["metadata"]["name"].endswith("-deny")]
    assert set(deny["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in deny["spec"]
    assert "egress" not in deny["spec"]
    for pod in PODS.values():
        assert selects(deny["spec"]["podSelector"], pod["metadata"]["labels"])


def egress(values: dict[str, Any], component: str) -> list[Manifest]:
    [policy] = [
        one
        for one in render(values)
        if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == f"rel-leopard-{component}"
    ]
    rules: list[Manifest] = policy["spec"]["egress"]
    return rules


def test_peers_outside_the_release_are_those_that_were_named() -> None:
    peers = [{"ipBlock": {"cidr": "10.1.0.0/16"}}]
    policy = {"database": peers, "rabbitmq": peers, "providers": peers, "providerPorts": [443, 8443]}
    values = {"networkPolicy": policy}
    rules = egress(values, "sender-worker-default")
    assert all(rule["to"] == peers for rule in rules)
    assert [[port["port"] for port in rule["ports"]] for rule in rules] == [[5432], [5672], [443, 8443]]
    assert [[port["port"] for port in rule["ports"]] for rule in egress(values, "dispatcher")] == [[5432], [5672]]


def provider_ports(**values: Any) -> list[int]:
    rules = egress(values, "sender-worker-default")
    return [port["port"] for rule in rules[2:] for port in rule["ports"]]


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://sms-gw.internal:8080/messages", 8080),
        ("https://provider.example.com/messages", 443),
        ("http://provider.example.com", 80),
        ("http://[fd00::1]:9000/", 9000),
        ("http://[fd00::1]/", 80),
    ],
)
def test_the_port_of_the_provider_s_url_is_allowed(url: str, port: int) -> None:
    http = {"settings": {"provider": "http", "httpUrl": url}}
    assert provider_ports(senderWorker=http) == [port]
    assert provider_ports(senderWorker=http, networkPolicy={"providerPorts": [3128, port]}) == [3128, port]


def test_without_a_provider_no_worker_reaches_one() -> None:
    assert provider_ports() == []
    assert provider_ports(networkPolicy={"providerPorts": None}) == []


def test_dns_may_listen_on_another_port() -> None:
    rules = egress({"networkPolicy": {"dnsPorts": [53, 5353]}}, "dns")
    assert {port["port"] for rule in rules for port in rule["ports"]} == {53, 5353}


@pytest.mark.parametrize("enabled", [True, False])
def test_keda_reaches_the_broker_of_devstack_where_a_pool_needs_it(*, enabled: bool) -> None:
    pools = [{"name": "a"}, {"name": "b", "keda": {"enabled": enabled}}]
    values = DEV | {"senderWorker": {"pools": pools}}
    [policy] = [
        one for one in render(values) if one["kind"] == "NetworkPolicy" and one["metadata"]["name"].endswith("rabbitmq")
    ]
    ports = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
    assert (15672 in ports) == enabled


@pytest.mark.parametrize("file", VALUES_FILES, ids=lambda file: file.name)
def test_every_rule_names_its_ports(file: Path) -> None:
    for one in render(read_values(file)):
        if one["kind"] == "NetworkPolicy":
            for rule in [*one["spec"].get("ingress", []), *one["spec"].get("egress", [])]:
                assert rule["ports"], one["metadata"]["name"]


def test_migrations_reach_the_database_past_a_pooler() -> None:
    pooled = {"port": 6432, "migrationSecret": {"name": "direct", "port": 5433}}
    assert [port["port"] for rule in egress({"database": pooled}, "migrate") for port in rule["ports"]] == [5433]
    assert 6432 in [port["port"] for rule in egress({"database": pooled}, "dispatcher") for port in rule["ports"]]
    assert [port["port"] for rule in egress({"database": {"port": 6432}}, "migrate") for port in rule["ports"]] == [
        6432
    ]
