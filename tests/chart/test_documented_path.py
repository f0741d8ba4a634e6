"""docs/kubernetes.md, to the letter: its commands run, and its tables list what the chart needs, no less and no more.

Commands run against the API server. Without Kubernetes' own, kubectl's are left out, and so are always those that need
a container engine or a pod that answers: kind, images, port-forward, curl.
"""

import math
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.api_server import FOLDER, api_server
from chart.documented import PAGE, commands, section, table
from chart.releases import Release, every_helm
from chart.rendering import CHART, VALUES_FILES, Manifest, containers_of, pod_of, read_values, render
from chart.schemas import CUSTOM
from chart.test_written_values import KEYS, VALUES, at

ROOT = PAGE.parents[1]
NEEDS = "What a cluster needs"
PRODUCTION = CHART / "values-production.yaml"
PERFORMANCE = (PAGE.parent / "performance.md").read_text()
CREATED = re.compile(r"create secret generic (\S+)(.*)")


def run_documented(release: Release, folder: Path, title: str) -> list[str]:
    """Run a section's commands as a reader of the page would, in a namespace of their own; those that ran."""
    real = api_server() is not None
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    links = {
        tools / "helm": Path(release.helm),
        tools / "kubectl": FOLDER / "kubectl",
        folder / "deploy": ROOT / "deploy",
    }
    for link, target in links.items():
        if not link.is_symlink():
            link.symlink_to(target)
    ran = []
    for command in commands(title):
        tool = command.split()[0]
        if tool not in {"helm", "cp", *(["kubectl"] if real else [])} or "port-forward" in command:
            continue
        here = re.sub(r"namespace leopard\b", f"namespace {release.cluster.namespace}", command)
        # the test's own namespace is there already
        here = here.replace("create namespace", "get namespace")
        done = subprocess.run(
            ["bash", "-ec", here],
            check=False,
            cwd=folder,
            capture_output=True,
            text=True,
            env={**os.environ, **release.environment, "PATH": f"{tools}:{os.environ['PATH']}"},
        )
        assert done.returncode == 0, (command, done.stdout[-1000:], done.stderr[-2000:])
        ran.append(command)
    return ran


@every_helm
def test_the_trial_s_commands_run(release: Release, tmp_path: Path) -> None:
    ran = run_documented(release, tmp_path, "A trial, in five minutes")
    assert [command.split()[1] for command in ran] == ["install", "test"]
    assert "leopard-campaign-api" in release.names("deployments")
    [forwarded] = [command for command in commands("A trial, in five minutes") if "port-forward" in command]
    service, _, port = forwarded.split("svc/")[1].partition(" ")
    [found] = [one for one in release.cluster.of_kind("services") if one["metadata"]["name"] == service]
    assert found["spec"]["ports"][0]["port"] == int(port.rpartition(":")[2])


@every_helm
def test_the_production_path_runs_from_an_empty_namespace_through_upgrades(release: Release, tmp_path: Path) -> None:
    first = run_documented(release, tmp_path, "Production")
    assert [command.split()[0] for command in first][-3:] == ["cp", "helm", "helm"]
    upgraded = run_documented(release, tmp_path, "Upgrades")
    assert [command.split()[1] for command in upgraded] == ["upgrade", "history", "rollback"]
    assert {"leopard-campaign-api", "leopard-dispatcher", "leopard-sender-worker-default"} == release.names(
        "deployments"
    )
    if api_server() is not None:
        assert len(run_documented(release, tmp_path, "Troubleshooting")) == len(commands("Troubleshooting"))


def test_commands_that_do_not_run_here_name_what_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for title in ("A trial, in five minutes", "Developing in a cluster"):
        for command in commands(title):
            words = command.split()
            if words[0] == "make":
                assert f"\n{words[1]}:" in makefile, command
            elif words[0].startswith("deploy/"):
                assert os.access(ROOT / words[0], os.X_OK), command


@pytest.mark.parametrize("line", [line for line in section("Production").splitlines() if " curl " in line])
def test_the_first_campaign_s_requests_are_the_api_s(line: str) -> None:
    document = yaml.safe_load((ROOT / "docs/openapi.json").read_text())
    url = re.search(r"curl https://[^/]+(/\S+)", line)
    assert url is not None
    templates = {re.sub(r"\{[^}]+\}", r"[^/]+", path): methods for path, methods in document["paths"].items()}
    [methods] = [methods for path, methods in templates.items() if re.fullmatch(path, url[1])]
    assert ("post" if " -d " in line else "get") in methods


def secrets_of(objects: list[Manifest]) -> dict[str, set[str]]:
    """Names of all Secrets that the objects read, with the keys; those that are in the release left out."""
    found: dict[str, set[str]] = {}
    for one in objects:
        for reference in (
            one.get("spec", {}).get("secretTargetRef", []) if one["kind"] == "TriggerAuthentication" else []
        ):
            found.setdefault(reference["name"], set()).add(reference["key"])
        for entry in one.get("spec", {}).get("tls", []) if one["kind"] == "Ingress" else []:
            found.setdefault(entry["secretName"], set())
        if (pod := pod_of(one)) is not None:
            _of_pod(pod, found)
    made = {one["metadata"]["name"] for one in objects if one["kind"] == "Secret"}
    return {name: keys for name, keys in found.items() if name not in made}


def _of_pod(pod: Manifest, found: dict[str, set[str]]) -> None:
    for pulled in pod["spec"].get("imagePullSecrets", []):
        found.setdefault(pulled["name"], set())
    for volume in pod["spec"].get("volumes", []):
        for source in volume.get("projected", {}).get("sources", []):
            if "secret" in source:
                keys = {item["key"] for item in source["secret"]["items"]}
                found.setdefault(source["secret"]["name"], set()).update(keys)
    for container in containers_of(pod):
        for variable in container.get("env", []):
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                found.setdefault(reference["name"], set()).add(reference["key"])


def test_the_production_path_creates_every_secret_that_its_values_need_and_no_other() -> None:
    created = {}
    for command in commands("Production"):
        if match := CREATED.search(command):
            created[match[1]] = set(re.findall(r"--from-literal=(\w+)=", match[2]))
    assert created == secrets_of(render(read_values(PRODUCTION)))


def named_secrets() -> set[tuple[str, ...]]:
    """Keys of values.yaml that name a Secret."""
    ends = {("existingSecret", "name"), ("migrationSecret", "name")}
    texts = {path for path in KEYS if path[-1] == "existingSecret" and isinstance(_value(path), str)}
    return texts | {path for path in KEYS if path[-2:] in ends} | {("global", "imagePullSecrets"), ("ingress", "tls")}


def _value(path: tuple[str, ...]) -> Any:
    value: Any = VALUES
    for key in path:
        value = value[key]
    return value


def test_the_table_of_secrets_has_every_value_that_names_one() -> None:
    listed = {tuple(row[0].strip("`").split(".")) for row in table(NEEDS, "value that names the Secret")}
    assert listed == named_secrets()


@pytest.mark.parametrize("row", table(NEEDS, "value that names the Secret"), ids=lambda row: row[0].strip("`"))
def test_a_listed_secret_is_read_with_the_listed_keys(row: list[str]) -> None:
    base = read_values(PRODUCTION) | {"httpRoute": {"enabled": False}}
    base["ingress"] = {"enabled": True, "hosts": ["a.example.com"]}
    name, path = "a-name-of-its-own", tuple(row[0].strip("`").split("."))
    given: Any = {"imagePullSecrets": [name], "tls": [{"hosts": ["a.example.com"], "secretName": name}]}.get(
        path[-1], name
    )
    keys = secrets_of(render(at(path, given, base)))[name]
    listed = set(re.findall(r"`([^`]+)`", row[1]))
    assert keys == (set() if path[-1] in {"tls", "imagePullSecrets"} else listed)


@pytest.mark.parametrize("file", VALUES_FILES, ids=lambda file: file.name)
def test_no_values_file_reads_a_secret_of_which_no_value_has_the_name(file: Path) -> None:
    values = read_values(file)
    operators = {f"rel-leopard-{name}" for name in ("postgres-app", "rabbitmq-default-user")}
    text = yaml.safe_dump([VALUES, values])
    for name in set(secrets_of(render(values))) - operators:
        assert re.search(rf"[ -]{re.escape(name)}\n", text), name


def test_the_table_of_custom_resources_is_what_the_chart_can_render() -> None:
    rows = table(NEEDS, "kind")
    assert {row[0] for row in rows} == set(CUSTOM)
    assert not {one["kind"] for one in render()} & set(CUSTOM)
    for kind, api_version, _, rendered_by in rows:
        path = tuple(rendered_by.strip("`").removesuffix("=true").split("."))
        base = read_values(CHART / "values-production.yaml")
        base["senderWorker"] = base["senderWorker"] | {"keda": {"enabled": False}}
        base["monitoring"], base["httpRoute"] = {}, base["httpRoute"] | {"enabled": False}
        assert kind not in {one["kind"] for one in render(base)}
        found = {one["kind"]: one["apiVersion"] for one in render(at(path, value=True, base=base))}
        assert found[kind] == api_version


def test_minimum_versions_are_those_of_the_chart() -> None:
    minimum = {row[0]: row[1] for row in table(NEEDS, "part")}
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">={minimum['Kubernetes']}.0-0"
    [keda] = [row[2] for row in table(NEEDS, "kind") if row[0] == "ScaledObject"]
    [needed] = re.findall(r"needs (KEDA [\d.]+)", (CHART / "values.yaml").read_text())
    assert keda.startswith(f"{needed};")


def test_the_sizing_table_is_computed_from_the_measurement() -> None:
    measured = re.search(r"\| HTTP, provider 50-200 ms \| ([\d,]+) \| [\d.]+ \| (.*) \|", PERFORMANCE)
    assert measured is not None
    most, seconds = int(measured[1].replace(",", "")), [float(cell) for cell in measured[2].split(" | ")]
    for row in table("How many pods", "messages/s"):
        rate = int(row[0].replace(",", ""))
        assert int(row[1]) == max(2, math.ceil(rate / most))
        assert [float(cell) for cell in row[2:]] == [pytest.approx(rate / 10_000 * one, abs=0.006) for one in seconds]
