"""Every values file renders to the same objects, with every Helm and each time, and Kubernetes takes them."""

from pathlib import Path

import pytest
import yaml

from chart.rendering import (
    CHART,
    NAMESPACE,
    RELEASE,
    VALUES_FILES,
    DuplicateKeyError,
    Manifest,
    helms,
    read_objects,
    read_values,
    render,
    run_helm,
)
from chart.schemas import NEWEST, OLDEST, problems

every_values_file = pytest.mark.parametrize(
    "file", [None, *VALUES_FILES], ids=lambda file: file.name if file else "none"
)


def template(helm: str, file: Path | None) -> str:
    values = ["--values", str(file)] if file else []
    return run_helm(helm, "template", RELEASE, str(CHART), "--namespace", NAMESPACE, *values)


def objects(text: str) -> dict[tuple[str, str], Manifest]:
    return {(one["kind"], one["metadata"]["name"]): one for one in read_objects(text)}


@every_values_file
def test_helm_has_nothing_to_say(file: Path | None) -> None:
    for helm in helms():
        values = ["--values", str(file)] if file else []
        assert "0 chart(s) failed" in run_helm(helm, "lint", "--strict", str(CHART), *values)


@every_values_file
def test_rendered_twice_it_is_the_same_to_the_byte(file: Path | None) -> None:
    for helm in helms():
        assert template(helm, file) == template(helm, file)


@every_values_file
def test_every_helm_renders_the_same_objects(file: Path | None) -> None:
    by_command = [objects(template(helm, file)) for helm in helms()]
    by_library = {(one["kind"], one["metadata"]["name"]): one for one in render(read_values(file) if file else None)}
    for found in by_command:
        assert found == by_library


@every_values_file
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_takes_every_object(file: Path | None, version: str) -> None:
    manifests = render(read_values(file) if file else None)
    assert [problem for manifest in manifests for problem in problems(manifest, version)] == []


def test_a_key_that_stands_twice_is_found() -> None:
    with pytest.raises(DuplicateKeyError, match="b"):
        read_objects("a: {b: 1, b: 2}")


def test_a_typing_error_is_found_in_a_manifest() -> None:
    [deployment, *_] = [one for one in render() if one["kind"] == "Deployment"]
    deployment["spec"]["template"]["spec"]["containers"][0]["imagePullpolicy"] = "Always"
    assert "imagePullpolicy" in str(problems(deployment, NEWEST))


def test_the_oldest_kubernetes_that_is_tried_is_the_oldest_that_the_chart_allows() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">={OLDEST}.0-0"
