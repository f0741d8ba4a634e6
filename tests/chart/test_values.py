"""Whatever the schema allows renders to what Kubernetes takes; whatever it does not know is refused.

`make chart FILES=2000` tries fewer values files: the first ones.
"""

import json
import os
import random
import re
from typing import Any

import helm_python
import pytest
import yaml

from chart.generating import SCHEMA, fitting, generate, objects_of
from chart.rendering import CHART, pod_of, render
from chart.schemas import NEWEST, OLDEST, problems

FILES = int(os.environ.get("FILES") or 10_000)
BATCH = 250
OPEN = {"map", "labels", "kubernetes"}
"""Definitions whose keys are the user's own, or Kubernetes'."""
OF_PARENTS = {("enabled",), ("global",)}
"""Keys that parent charts use by convention."""

VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())


@pytest.mark.parametrize("seed", range(0, FILES, BATCH))
@pytest.mark.timeout(600)
def test_every_values_file_that_the_schema_allows_renders(seed: int) -> None:
    for number in range(seed, min(seed + BATCH, FILES)):
        rng = random.Random(number)
        values = fitting(generate(rng, share=rng.choice([0.1, 0.35, 0.8])))
        manifests = render(values)
        version = OLDEST if number % 2 else NEWEST
        found = [problem for manifest in manifests for problem in problems(manifest, version)]
        assert found == [], values
        assert not re.search(r'"[\d.]+e\+\d+"', json.dumps(manifests)), "a large number is written as such"
        names = [(one["kind"], one["metadata"]["name"]) for one in manifests]
        assert len(set(names)) == len(names), names


def nested(path: tuple[str, ...], value: Any) -> Any:
    for key in reversed(path):
        value = [value] if key == "[]" else {key: value}
    return value


def is_open(schema: dict[str, Any]) -> bool:
    return (
        any(schema is SCHEMA["definitions"][name] for name in OPEN)
        or "x-kubernetes" in schema
        or "metadata" in str(schema.get("required", ""))
    )


CLOSED = [(path, schema) for path, schema in objects_of(SCHEMA) if not is_open(schema) and path not in OF_PARENTS]


def test_every_object_of_the_schema_is_closed() -> None:
    assert [path for path, schema in CLOSED if schema.get("additionalProperties") is not False] == []
    assert len(CLOSED) > 50


@pytest.mark.parametrize("path", [path for path, _ in CLOSED], ids=lambda path: ".".join(path) or "top")
def test_an_unknown_key_is_refused(path: tuple[str, ...]) -> None:
    with pytest.raises(helm_python.HelmValuesError, match=r"typingError|typing_error"):
        render(nested((*path, "typingError"), value=True))


def leaves(values: dict[str, Any], path: str = "") -> set[str]:
    found = set()
    for key, value in values.items():
        here = f"{path}.{key}".lstrip(".")
        inner = isinstance(value, dict) and value and not re.search(r"(resources|pools)$", here)
        found |= leaves(value, here) if inner else {here}
    return found


def documented() -> dict[str, str]:
    lines = (CHART / "values.yaml").read_text().splitlines()
    found = [
        (match[1], match[2]) for line in lines if (match := re.fullmatch(r"\s*## @param (\S+) (?:\[\w+\] )?(.+)", line))
    ]
    assert len(dict(found)) == len(found)
    return dict(found)


def test_every_key_is_documented_and_no_other() -> None:
    assert set(documented()) == leaves(VALUES)


def test_every_key_of_the_schema_has_a_default() -> None:
    def keys(schema: dict[str, Any], path: str = "") -> set[str]:
        found = set()
        for name, inner in schema["properties"].items():
            here = f"{path}.{name}".lstrip(".")
            found |= keys(inner, here) if "properties" in inner else {here}
        return found

    assert keys(SCHEMA) - {"enabled"} == leaves(VALUES)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"devStack": {"enabled": True}}, "devStack.enabled is not for production"),
        ({"database": {"existingSecret": {"name": ""}}}, "no database is configured"),
        ({"rabbitmq": {"existingSecret": {"name": ""}}}, "no RabbitMQ is configured"),
        (
            {"environment": "staging", "devStack": {"enabled": True}, "operators": {"cnpg": {"enabled": True}}},
            "cannot both be true",
        ),
        ({"ingress": {"enabled": True, "hosts": ["a.b"]}, "httpRoute": {"enabled": True}}, "cannot both be true"),
        ({"ingress": {"enabled": True}}, "needs ingress.hosts"),
        ({"dispatcher": {"extraVolumes": [{"name": "tmp"}]}}, "dispatcher.extraVolumes: tmp is taken"),
        (
            {"migrations": {"extraVolumeMounts": [{"name": "a", "mountPath": "/run/leopard"}]}},
            "migrations.extraVolumeMounts: /run/leopard is taken",
        ),
        ({"tests": {"extraContainers": [{"name": "campaign"}]}}, "tests.extraContainers: campaign is taken"),
        (
            {"environment": "staging", "devStack": {"enabled": True}, "rabbitmq": {"ca": {"existingSecret": "a"}}},
            "runs stores without TLS",
        ),
        (
            {"database": {"ca": {"existingSecret": "a", "existingConfigMap": "b"}}},
            "existingSecret and existingConfigMap cannot both be set",
        ),
        ({"httpRoute": {"enabled": True}}, "needs httpRoute.parentRefs"),
        ({"migrations": {"mode": "hook"}, "operators": {"cnpg": {"enabled": True}}}, "use job"),
        (
            {"senderWorker": {"autoscaling": {"enabled": True}, "keda": {"enabled": True}}},
            "autoscaling.enabled and keda.enabled cannot both be true",
        ),
        ({"senderWorker": {"keda": {"enabled": True}}}, "needs rabbitmq.management.url"),
        (
            {"senderWorker": {"pools": [{"name": "s", "settings": {"channel": "sms"}}]}},
            "no worker pool consumes channel whatsapp",
        ),
        ({"senderWorker": {"settings": {"channel": "whatsapp"}}}, "no worker pool consumes channel sms"),
        ({"senderWorker": {"settings": {"provider": "http"}}}, "needs settings.httpUrl"),
        ({"senderWorker": {"pools": [{"name": "a"}, {"name": "a"}]}}, "two pools are named a"),
        ({"senderWorker": {"replicas": 30}}, "could open"),
        ({"senderWorker": {"autoscaling": {"enabled": True, "maxReplicas": 30}}}, "could open"),
        ({"campaignApi": {"autoscaling": {"enabled": True, "minReplicas": 9}}}, "minReplicas is above"),
        (
            {
                "settings": {"leaseSeconds": 5},
                "senderWorker": {"settings": {"provider": "http", "httpUrl": "http://x"}},
            },
            "leaseSeconds must be above",
        ),
    ],
)
def test_keys_that_do_not_fit_each_other_are_refused_with_what_to_do(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(helm_python.HelmError, match=re.escape(complaint)):
        render(values)


def test_kubernetes_quantities_are_accepted_as_kubernetes_takes_them() -> None:
    amounts = {"cpu": 0.5, "memory": 1073741824}
    pool = {"name": "a", "resources": {"limits": {"memory": "1.5Gi"}}}
    manifests = render({"dispatcher": {"resources": {"limits": amounts}}, "senderWorker": {"pools": [pool]}})
    assert [problem for one in manifests for problem in problems(one, NEWEST)] == []
    limits = [
        one["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
        for one in manifests
        if one["kind"] == "Deployment"
    ]
    assert {"cpu": "0.5", "memory": "1073741824"} in limits
    assert {"cpu": "1", "memory": "1.5Gi"} in limits


def test_a_label_s_value_that_is_too_long_is_refused() -> None:
    with pytest.raises(helm_python.HelmValuesError, match="/commonLabels/team"):
        render({"commonLabels": {"team": "a" * 70}})
    assert render({"commonAnnotations": {"team": "a" * 70}})


def test_raw_objects_keep_their_braces() -> None:
    text = "{{ $labels.pod }} is down"
    raw = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "alerts"}, "data": {"rule": text}}
    [found] = [one for one in render({"rawObjects": [raw]}) if one["metadata"]["name"] == "alerts"]
    assert found == raw


@pytest.mark.parametrize("section", ["migrations", "tests", "devStack"])
def test_other_pods_run_where_and_as_their_users_say(section: str) -> None:
    chosen = {
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "priorityClassName": "high",
    }
    values: dict[str, Any] = {section: chosen | {"podLabels": {"a": "b"}, "podAnnotations": {"c": "d"}}}
    if section == "devStack":
        values |= {"environment": "development"}
        values["devStack"] |= {"enabled": True, "simulator": {"enabled": True}}
    pods = [pod for one in render(values) if (pod := pod_of(one)) is not None and pod["metadata"]["labels"].get("a")]
    assert len(pods) == (3 if section == "devStack" else 1)
    for pod in pods:
        assert {key: pod["spec"][key] for key in chosen} == chosen
        assert pod["metadata"]["annotations"]["c"] == "d"
