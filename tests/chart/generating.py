"""Values files by chance: whatever the schema allows, or one key that it does not."""

import copy
import json
import random
from typing import Any

from chart.rendering import CHART

SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())

EXAMPLES: dict[str, list[Any]] = {
    "affinity": [{}, {"podAntiAffinity": {}}],
    "extraEnvFrom": [[], [{"configMapRef": {"name": "more"}}]],
    "extraVolumes": [[], [{"name": "more", "emptyDir": {}}]],
    "extraVolumeMounts": [[], [{"name": "more", "mountPath": "/more"}]],
    "extraContainers": [[], [{"name": "side", "image": "side:1"}]],
    "extraInitContainers": [[], [{"name": "before", "image": "before:1"}]],
    "extraObjects": [[], [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"}}]],
    "rawObjects": [[], [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "raw"}}]],
    "valueFrom": [{"secretKeyRef": {"name": "more", "key": "a"}}],
}
"""Objects of Kubernetes' own, by the keys below which they stand."""


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with its reference followed."""
    for part in schema.get("allOf", [schema]):
        if "$ref" in part:
            definition: dict[str, Any] = SCHEMA["definitions"][part["$ref"].rsplit("/", 1)[1]]
            return definition
    return schema


def generate(rng: random.Random, schema: dict[str, Any] = SCHEMA, *, share: float = 0.35) -> Any:  # noqa: PLR0911
    """A value that the schema allows; of an object's keys, `share` are there and those that must be."""
    schema = resolved(schema)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if "anyOf" in schema:
        return generate(rng, rng.choice(schema["anyOf"]), share=share)
    kind = schema.get("type", "object")
    kind = rng.choice(kind) if isinstance(kind, list) else kind
    if kind == "boolean":
        return rng.random() < 0.5
    if kind == "integer":
        least = schema.get("minimum", 0)
        most = schema.get("maximum", least + 100)
        return rng.choice([least, rng.randint(least, min(most, least + 100)), most])
    if kind == "number":
        most = schema.get("maximum", 100)
        return rng.choice([most, round(rng.uniform(0.01, most), 2), max(1, int(most / 2))])
    if kind == "string":
        return rng.choice(schema.get("examples", ["some"]))
    if kind == "array":
        count = rng.randint(schema.get("minItems", 0), 2 if schema.get("minItems", 0) < 2 else 3)
        return [generate(rng, schema["items"], share=share) for _ in range(count)]
    return _generate_object(rng, schema, share)


def _generate_object(rng: random.Random, schema: dict[str, Any], share: float) -> dict[str, Any]:
    if "properties" not in schema:
        additional = schema.get("additionalProperties")
        if isinstance(additional, dict) and rng.random() < 0.5:
            return {"example.com/a": "b"}
        return {}
    required = set(schema.get("required", ()))
    least = schema.get("minProperties", 0)
    names = [name for name in schema["properties"] if name in required or rng.random() < share]
    while len(names) < least:
        names = [rng.choice(list(schema["properties"]))]
    return {
        name: rng.choice(EXAMPLES[name]) if name in EXAMPLES else generate(rng, schema["properties"][name], share=share)
        for name in names
    }


def fitting(values: dict[str, Any]) -> dict[str, Any]:
    """The same values with what the chart's own rules ask for besides: keys that must fit each other."""
    values = copy.deepcopy(values)
    dev = values.get("devStack", {}).get("enabled", False)
    if dev:
        values["environment"] = "development"
        for operator in values.get("operators", {}).values():
            operator["enabled"] = False
    _name_stores(values)
    _fit_certificates(values, dev=dev)
    service = values.get("campaignApi", {}).get("service", {})
    if "ipFamilies" in service:
        service["ipFamilies"] = sorted(set(service["ipFamilies"]))
    for part in values.values():
        if isinstance(part, dict) and "extraEnv" in part:
            part["extraEnv"] = list({variable["name"]: variable for variable in part["extraEnv"]}.values())
    values.setdefault("database", {})["maxConnections"] = 100_000
    values["database"]["reservedConnections"] = 0
    values.setdefault("settings", {})["leaseSeconds"] = 86_400
    if values.get("ingress", {}).get("enabled"):
        values["ingress"]["hosts"] = values["ingress"].get("hosts") or ["a.example.com"]
        values.get("httpRoute", {})["enabled"] = False
    if values.get("httpRoute", {}).get("enabled"):
        values["httpRoute"]["parentRefs"] = values["httpRoute"].get("parentRefs") or [{"name": "gateway"}]
    if values.get("migrations", {}).get("mode") == "hook":
        values["migrations"]["mode"] = "job"
    _order_scaling(values.get("campaignApi", {}))
    for service in ("campaignApi", "dispatcher"):
        _few(values.get(service, {}))
    _fit_workers(values)
    return values


def _name_stores(values: dict[str, Any]) -> None:
    for store in ("database", "rabbitmq"):
        secret = values.setdefault(store, {}).setdefault("existingSecret", {})
        secret["name"] = secret.get("name") or "given"
    management = values["rabbitmq"].setdefault("management", {})
    management["url"] = management.get("url") or "http://rabbitmq:15672"
    secret = management.setdefault("existingSecret", {})
    secret["name"] = secret.get("name") or "given"


def _fit_certificates(values: dict[str, Any], *, dev: bool) -> None:
    for store in (values.get("database", {}), values["rabbitmq"], values["rabbitmq"]["management"]):
        if dev:
            store.pop("ca", None)
            store.pop("clientCertificate", None)
        if store.get("ca", {}).get("existingSecret"):
            store["ca"]["existingConfigMap"] = ""


def _fit_workers(values: dict[str, Any]) -> None:
    workers = values.setdefault("senderWorker", {})
    pools = {pool["name"]: pool for pool in workers.get("pools", [])}
    if pools:
        workers["pools"] = list(pools.values())
    if pools:
        # one that consumes all other channels
        workers["pools"][0].setdefault("settings", {})["channel"] = ""
    elif workers.get("pools") is None:
        workers.get("settings", {}).pop("channel", None)
    for part in (workers, *pools.values()):
        settings = part.setdefault("settings", {})
        settings["httpUrl"] = settings.get("httpUrl") or "https://provider.example.com"
        settings["httpTimeoutSeconds"] = 10
        settings["mockLatencyMinSeconds"], settings["mockLatencyMaxSeconds"] = 0, 1
        _few(part)
        _order_scaling(part)
        if part.get("keda", {}).get("enabled") or workers.get("keda", {}).get("enabled"):
            part.setdefault("autoscaling", {})["enabled"] = False
    if workers.get("autoscaling", {}).get("enabled"):
        for pool in pools.values():
            pool.setdefault("keda", {})["enabled"] = False


def _order_scaling(part: dict[str, Any]) -> None:
    for scaler in ("autoscaling", "keda"):
        if scaler in part:
            part[scaler]["minReplicas"] = 1
            part[scaler].setdefault("maxReplicas", 8)
            part[scaler]["maxReplicas"] = min(part[scaler]["maxReplicas"], 100)


def _few(part: dict[str, Any]) -> None:
    if "replicas" in part:
        part["replicas"] = min(part["replicas"], 50)
    if "databasePoolSize" in part.get("settings", {}):
        part["settings"]["databasePoolSize"] = min(part["settings"]["databasePoolSize"], 20)


def objects_of(schema: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every object that the schema describes, with the keys that lead to it; `[]` stands for an item of a list."""
    schema = resolved(schema)
    found = []
    if schema.get("type") == "object":
        found.append((path, schema))
        for name, inner in schema.get("properties", {}).items():
            found += objects_of(inner, (*path, name))
    elif schema.get("type") == "array":
        found += objects_of(schema["items"], (*path, "[]"))
    for option in schema.get("anyOf", []):
        found += objects_of(option, path)
    return found
