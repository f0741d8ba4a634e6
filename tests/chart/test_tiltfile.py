"""The Tiltfile, evaluated with stand-ins for Tilt's functions: what it names exists, in the chart and on disk."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import starlark

from chart.rendering import CHART, Manifest, containers_of, pod_of, read_values, render

ROOT = CHART.parents[2]
FUNCTIONS = (
    "version_settings",
    "allow_k8s_contexts",
    "update_settings",
    "docker_build",
    "k8s_yaml",
    "k8s_resource",
    "local_resource",
    "link",
    "sync",
    "fall_back_on",
    "run",
    "secret_settings",
    "resource_called",
    "helm",
)
EXTENSIONS = {
    "ext://uibutton": ["cmd_button", "text_input"],
}

# a function cannot be handed to Python, so that this stand-in is Starlark
PRELUDE = """
config = struct(tilt_subcommand = "{subcommand}")
def workload_to_resource_function(name_of):
    resource_called(name_of(struct(name = "leopard-migrate-0a1b2c3d")), name_of(struct(name = "leopard-dispatcher")))
"""

Calls = dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]]


def evaluate(subcommand: str = "up") -> Calls:
    calls: Calls = defaultdict(list)

    def recorder(name: str) -> Any:
        def record(*positional: Any, **named: Any) -> Any:
            calls[name].append((positional, named))
            return [name, *positional]

        return record

    def load(name: str) -> Any:
        module = starlark.Module()
        for function in EXTENSIONS[name]:
            module.add_callable(function, recorder(function))
        return module.freeze()

    dialect = starlark.Dialect.extended()
    dialect.enable_top_level_stmt = True
    dialect.enable_load = True
    module = starlark.Module()
    for function in FUNCTIONS:
        module.add_callable(function, recorder(function))
    module.add_callable("read_file", lambda path: (ROOT / path).read_text())
    module["TRIGGER_MODE_MANUAL"] = "manual"
    known = starlark.Globals.extended_by([starlark.LibraryExtension.StructType])
    prelude = starlark.parse("prelude", PRELUDE.format(subcommand=subcommand), dialect)
    starlark.eval(module, prelude, known)
    tiltfile = starlark.parse("Tiltfile", (ROOT / "Tiltfile").read_text(), dialect)
    starlark.eval(module, tiltfile, known, starlark.FileLoader(load))
    return calls


@pytest.fixture(scope="module")
def calls() -> Calls:
    return evaluate()


@pytest.fixture(scope="module")
def manifests(calls: Calls) -> list[Manifest]:
    values: dict[str, Any] = {}
    for file in calls["helm"][0][1]["values"]:
        values = merged(values, read_values(ROOT / file))
    return render(values, release=calls["helm"][0][1]["name"])


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    found = dict(below)
    for key, value in above.items():
        found[key] = (
            merged(found[key], value) if isinstance(value, dict) and isinstance(found.get(key), dict) else value
        )
    return found


def builds(calls: Calls) -> list[tuple[str, dict[str, Any]]]:
    return [(args[0], named) for args, named in calls["docker_build"]]


def test_tilt_refuses_a_cluster_that_is_not_for_development(calls: Calls) -> None:
    assert calls["allow_k8s_contexts"] == [(("kind-leopard",), {})]


def test_the_images_that_are_built_are_those_that_the_chart_runs(calls: Calls, manifests: list[Manifest]) -> None:
    run = {
        container["image"].rsplit(":", 1)[0]
        for manifest in manifests
        if (pod := pod_of(manifest)) is not None
        for container in containers_of(pod)
    }
    ours = {image for image in run if image.startswith("leopard/")}
    assert {name for name, _ in builds(calls)} == ours
    assert run - ours == {"docker.io/library/postgres", "docker.io/library/rabbitmq"}


def test_what_is_built_from_exists(calls: Calls) -> None:
    for name, named in builds(calls):
        if "dockerfile" in named:
            assert (ROOT / named["dockerfile"]).is_file(), name
        for path in named["only"]:
            assert (ROOT / path).exists(), (name, path)


def test_what_is_synced_is_in_the_image_and_lands_where_the_service_runs_it(calls: Calls) -> None:
    for name, named in builds(calls):
        for step in named.get("live_update", []):
            if step[0] == "run":
                continue
            paths = step[1] if step[0] == "fall_back_on" else [step[1]]
            for path in paths:
                assert (ROOT / path).exists(), (name, path)
                assert any(Path(path).is_relative_to(only) for only in named["only"]), (name, path)
            if step[0] == "sync":
                assert step[2].startswith("/app/lib/python3.13/site-packages/")
                assert step[2].endswith(Path(path).name)


def test_a_service_is_restarted_and_what_runs_once_out_of_its_image_is_not_wrapped(
    calls: Calls, manifests: list[Manifest]
) -> None:
    # Tilt gives an image's entrypoint to every container that runs it, the migration's and the init containers' too
    assert not any("entrypoint" in named for _, named in builds(calls))
    for name, named in builds(calls):
        if "live_update" not in named:
            continue
        assert named["dockerfile_contents"].startswith((ROOT / "services" / name[8:] / "Dockerfile").read_text())
        [restart] = [step[1] for step in named["live_update"] if step[0] == "run"]
        running = [
            container.get("command", [])
            for manifest in manifests
            if manifest["kind"] == "Deployment" and (pod := pod_of(manifest)) is not None
            for container in pod["spec"]["containers"]
            if container["image"].rsplit(":", 1)[0] == name
        ]
        for wrapper, watched, command in running:
            assert f"{wrapper} /entr" in named["dockerfile_contents"]
            assert restart.endswith(watched.removeprefix("--watch_file="))
            assert f'CMD ["{command}"]' in named["dockerfile_contents"]
        assert running
    once = [
        container["command"][0]
        for manifest in manifests
        if (pod := pod_of(manifest)) is not None
        for container in [
            *pod["spec"].get("initContainers", []),
            *(pod["spec"]["containers"] if manifest["kind"] == "Job" else []),
        ]
    ]
    assert set(once) == {"leopard"}


def test_every_resource_is_a_workload_and_every_workload_a_resource(calls: Calls, manifests: list[Manifest]) -> None:
    workloads = {one["metadata"]["name"]: one for one in manifests if one["kind"] in {"Deployment", "StatefulSet"}}
    resources = {args[0]: named for args, named in calls["k8s_resource"]}
    assert calls["resource_called"] == [(("leopard-migrate", "leopard-dispatcher"), {})]
    assert set(resources) == {*workloads, "leopard-migrate"}
    del resources["leopard-migrate"]
    local = {args[0] for args, _ in calls["local_resource"]}
    for name, named in resources.items():
        ports = {
            port["containerPort"]
            for container in workloads[name]["spec"]["template"]["spec"]["containers"]
            for port in container["ports"]
        }
        for forward in named.get("port_forwards", []):
            assert int(forward.split(":")[1]) in ports, (name, forward)
        assert set(named.get("resource_deps", [])) <= set(resources) | local
        assert named["labels"]
    for args, named in calls["local_resource"]:
        assert set(named["resource_deps"]) <= set(resources) | local, args


def test_every_make_target_that_is_called_exists(calls: Calls) -> None:
    targets = {
        line.split(":")[0]
        for line in (ROOT / "Makefile").read_text().splitlines()
        if line.startswith(tuple("abcdefghijklmnopqrstuvwxyz"))
    }
    commands = [named["cmd"] for _, named in calls["local_resource"]] + [
        named["argv"][2] for _, named in calls["cmd_button"]
    ]
    for command in commands:
        if command.startswith("make "):
            assert command.split()[1] in targets, command


def test_tilt_ci_runs_the_end_to_end_tests_and_tilt_up_does_not() -> None:
    for subcommand, runs in (("up", False), ("ci", True)):
        [e2e] = [named for args, named in evaluate(subcommand)["local_resource"] if args[0] == "e2e"]
        assert e2e["auto_init"] is runs
        assert "make e2e" in e2e["cmd"]
