"""The chart inside another chart: switched by a condition, renamed, twice, with values that other charts share."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.releases import every_helm
from chart.rendering import CHART, Manifest, containers_of, pod_of, read_objects, run_helm
from chart.schemas import NEWEST, problems

VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
GLOBALS = {"storageClass": "fast", "domain": {"name": "example.com"}, "imagePullSecrets": [{"name": "x"}, "pull"]}


def umbrella(folder: Path, *dependencies: dict[str, str]) -> Path:
    """A chart that depends on this one."""
    (folder / "charts").mkdir()
    (folder / "charts" / "leopard").symlink_to(CHART)
    listed = [{"name": "leopard", "version": VERSION, **given} for given in dependencies or ({},)]
    chart = {"apiVersion": "v2", "name": "shop", "version": "1.0.0", "dependencies": listed}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(chart))
    return folder


def rendered(helm: str, chart: Path, values: dict[str, Any]) -> list[Manifest]:
    file = chart / "given.yaml"
    file.write_text(yaml.safe_dump(values))
    found = read_objects(run_helm(helm, "template", "rel", str(chart), "--namespace", "shop", "--values", str(file)))
    assert [problem for one in found for problem in problems(one, NEWEST)] == []
    return found


@every_helm
def test_a_condition_switches_it(helm: str, tmp_path: Path) -> None:
    chart = umbrella(tmp_path, {"condition": "leopard.enabled"})
    assert rendered(helm, chart, {"leopard": {"enabled": False}}) == []
    assert rendered(helm, chart, {"leopard": {"enabled": True}})
    assert rendered(helm, chart, {})


@every_helm
def test_values_that_all_charts_share_are_accepted(helm: str, tmp_path: Path) -> None:
    found = rendered(helm, umbrella(tmp_path), {"global": GLOBALS | {"imageRegistry": "mirror.example.com"}})
    pods = [pod for one in found if (pod := pod_of(one)) is not None]
    assert all(pod["spec"]["imagePullSecrets"] == [{"name": "x"}, {"name": "pull"}] for pod in pods)
    assert all(c["image"].startswith("mirror.example.com/") for pod in pods for c in containers_of(pod))


@every_helm
def test_two_aliases_share_no_object_and_no_pod(helm: str, tmp_path: Path) -> None:
    chart = umbrella(tmp_path, {"alias": "east"}, {"alias": "west", "condition": "west.enabled"})
    found = rendered(helm, chart, {"global": GLOBALS, "east": {"dispatcher": {"replicas": 3}}})
    names = [(one["kind"], one["metadata"]["name"]) for one in found]
    assert len(set(names)) == len(names)
    assert {name.split("-")[1] for _, name in names} == {"east", "west"}
    for one in (one for one in found if one["kind"] == "Deployment"):
        selector = one["spec"]["selector"]["matchLabels"]
        selected = [
            other["metadata"]["name"]
            for other in found
            if other["kind"] == "Deployment"
            and selector.items() <= other["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert selected == [one["metadata"]["name"]]
    replicas = {one["metadata"]["name"]: one["spec"].get("replicas") for one in found if one["kind"] == "Deployment"}
    assert (replicas["rel-east-dispatcher"], replicas["rel-west-dispatcher"]) == (3, 2)


@every_helm
@pytest.mark.parametrize("key", ["dispatcher", "networkPolicy", "settings", "global"])
def test_a_section_without_a_value_has_its_defaults(helm: str, key: str, tmp_path: Path) -> None:
    chart = umbrella(tmp_path)
    assert rendered(helm, chart, {"leopard": {key: None}}) == rendered(helm, chart, {})
