"""Values as people write them: without a value, as digits, as booleans. Each renders as text, or its key is named.

`make chart FILES=500` tries some of the cases, `FILES=10000` all.
"""

import os
import random
import re
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from chart.defaults import FILE, defaults
from chart.generating import SCHEMA, resolved
from chart.rendering import CHART, NAMESPACE, VALUES_FILES, Manifest, helms, read_objects, read_values, render, run_helm
from chart.schemas import NEWEST, problems

SHARE = min(1.0, int(os.environ.get("FILES") or 10_000) / 10_000)
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
BASES = [file for file in VALUES_FILES if file.name != "values-dev.yaml"] + [VALUES_FILES[0]]
AMBIGUOUS = ["2026", "0123456", "1e10", "true", "null", "1.10"]


def paths(values: dict[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Sections and keys."""
    found = []
    for key, value in values.items():
        found.append((*above, key))
        if isinstance(value, dict):
            found += paths(value, (*above, key))
    return found


KEYS = paths(VALUES)
DEFAULTED = [path for path in KEYS if "resources" not in path[:-1]]


def at(path: tuple[str, ...], value: Any, base: dict[str, Any]) -> dict[str, Any]:
    """The same values with another one at a path."""
    key, *rest = path
    below = base.get(key) if isinstance(base.get(key), dict) else {}
    return base | {key: at(tuple(rest), value, below or {}) if rest else value}


def some(cases: list[Any], seed: int) -> list[Any]:
    return random.Random(seed).sample(cases, max(1, int(len(cases) * SHARE)))


def outcome(values: dict[str, Any]) -> list[Manifest] | str:
    """The objects, or what Helm said of the values."""
    try:
        return render(values)
    except helm_python.HelmError as error:
        return str(error)


def test_the_chart_s_copy_of_its_values_is_current() -> None:
    assert FILE.read_text() == defaults(), "run: make chart-defaults"


@pytest.mark.parametrize("base", [{}, *map(read_values, BASES)], ids=["none", *(file.name for file in BASES)])
def test_a_key_without_a_value_has_its_default(base: dict[str, Any]) -> None:
    for path in some(DEFAULTED, len(str(base))):
        found = outcome(at(path, None, base))
        if isinstance(found, str):
            # a default may not fit the other values: the complaint names keys
            assert "Fix these values" in found, (path, found)
        elif not any(path[: len(given)] == given or given[: len(path)] == path for given in paths(base)):
            assert found == render(base), path


@pytest.mark.parametrize("helm", helms(), ids=lambda helm: Path(helm).name)
@pytest.mark.parametrize("depth", [1, 2, 5], ids=["sections", "their sections", "keys"])
def test_every_helm_renders_all_keys_without_a_value(helm: str, depth: int, tmp_path: Path) -> None:
    values: dict[str, Any] = {}
    for path in DEFAULTED:
        if len(path) == depth or (len(path) < depth and not isinstance(_get(path), dict)):
            values = at(path, None, values)
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    text = run_helm(helm, "template", "rel", str(CHART), "--namespace", NAMESPACE, "--values", str(file))
    by_name = {(one["kind"], one["metadata"]["name"]): one for one in read_objects(text)}
    assert by_name == {(one["kind"], one["metadata"]["name"]): one for one in render()}


@pytest.mark.parametrize("section", ["campaignApi", "dispatcher", "senderWorker", "migrations", "tests"])
def test_an_amount_without_a_value_is_left_out(section: str) -> None:
    """Helm's own way to remove a limit of the CPU."""
    texts = {str(one) for one in render({section: {"resources": {"limits": {"cpu": None}, "requests": None}}})}
    assert any("'resources': {'limits': {'memory'" in text for text in texts)


def _get(path: tuple[str, ...]) -> Any:
    value: Any = VALUES
    for key in path:
        value = value[key]
    return value


def is_text(path: tuple[str, ...]) -> bool:
    schema: dict[str, Any] = SCHEMA
    for key in path:
        schema = resolved(resolved(schema)["properties"][key])
    return schema.get("type") == "string"


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [value]


TEXTS = [path for path in KEYS if is_text(path)]
EVERYTHING = read_values(CHART / "ci/pinned-values.yaml")


def test_there_are_texts_to_try() -> None:
    assert len(TEXTS) > 50


def test_a_text_that_looks_like_something_else_stays_a_text() -> None:
    for path, text in some([(path, text) for path in TEXTS for text in AMBIGUOUS], 1):
        base = at(path, "plain" if path[-1] != "digest" else "", EVERYTHING)
        found, plain = outcome(at(path, text, EVERYTHING)), outcome(base)
        if isinstance(found, str):
            assert _names(path, found), (path, text, found)
            continue
        assert [problem for one in found for problem in problems(one, NEWEST)] == [], (path, text)
        if isinstance(plain, list):
            # custom resources have no schema here
            assert _kinds(found) == _kinds(plain), (path, text)


def _kinds(manifests: list[Manifest]) -> dict[str, int]:
    kinds = [type(leaf).__name__ for leaf in leaves(manifests)]
    return {kind: kinds.count(kind) for kind in ("int", "float", "bool", "NoneType", "date")}


def _names(path: tuple[str, ...], complaint: str) -> bool:
    return f"/{'/'.join(path)}" in complaint or (path[-1] in complaint and "Fix these values" in complaint)


@pytest.mark.parametrize("value", [True, False, 5, 0.5])
def test_what_is_no_text_is_refused_by_name_where_text_belongs(value: Any) -> None:
    for path in some(TEXTS, 2):
        found = outcome(at(path, value, EVERYTHING))
        assert isinstance(found, str), path
        assert f"/{'/'.join(path)}" in found, (path, found)


@pytest.mark.parametrize("name", ["2026-sale", "2026", "rel.prod"])
def test_a_name_that_kubernetes_refuses_is_refused(name: str) -> None:
    with pytest.raises(helm_python.HelmError, match="set fullnameOverride"):
        render(release=name)
    assert render({"fullnameOverride": "sale"}, release=name)


def test_releases_with_long_names_share_no_object() -> None:
    long = "leopard-campaigns-production-eu-west-1"
    first, second = (
        {(one["kind"], one["metadata"]["name"]) for one in render(EVERYTHING, release=name)}
        for name in (long, f"{long}-2")
    )
    assert not first & second


@pytest.mark.parametrize("where", [("commonLabels",), ("campaignApi", "podLabels"), ("migrations", "podLabels")])
@pytest.mark.parametrize("label", ["name", "instance", "component"])
def test_a_label_of_selectors_is_refused_by_name(where: tuple[str, ...], label: str) -> None:
    complaint = f"{'.'.join(where)}: app.kubernetes.io/{label} is a label of selectors"
    with pytest.raises(helm_python.HelmError, match=re.escape(complaint)):
        render(at(where, {f"app.kubernetes.io/{label}": "x"}, {}))


def test_labels_and_annotations_are_merged_once() -> None:
    """Rendering refuses a key that stands twice."""
    mine = {"app.kubernetes.io/part-of": "shop", "helm.sh/chart": "mine", "team": "a"}
    values: dict[str, Any] = {"commonLabels": mine, "commonAnnotations": {"checksum/settings": "x", "a": "b"}}
    for section in ("campaignApi", "dispatcher", "senderWorker", "migrations", "tests"):
        values[section] = {"podLabels": mine | {"team": "b"}, "podAnnotations": {"a": "c"}}
    values["monitoring"] = {"podMonitor": {"enabled": True, "additionalLabels": mine}}
    for one in render(values):
        assert one["metadata"]["labels"]["app.kubernetes.io/part-of"] == "shop"
        pod = one.get("spec", {}).get("template", {}).get("metadata")
        if pod is not None:
            assert pod["labels"]["team"] == "b"
            assert pod["annotations"]["a"] == "c"
            assert pod["annotations"].get("checksum/settings") != "x" or one["kind"] == "Job"
