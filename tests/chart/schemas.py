"""Kubernetes' own schemas, as the PyPI package kubernetes-validate carries them, and those of our CRDs: all closed."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import kubernetes_validate
import yaml

from chart.api_server import CRDS
from chart.rendering import Manifest

_FOLDER = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
OLDEST, NEWEST = "1.30", "1.37"
CUSTOM = {
    crd["spec"]["names"]["kind"]: crd for file in CRDS.glob("*.yaml") if (crd := yaml.safe_load(file.read_text()))
}
"""Kinds of others, of which Kubernetes has no schema."""


def problems(manifest: Manifest, version: str) -> list[str]:
    """What Kubernetes of that version would refuse in a manifest."""
    validator = _validator(version, manifest["apiVersion"], manifest["kind"])
    name = f"{manifest['kind']} {manifest['metadata']['name']}"
    return [f"{name}: {'/'.join(map(str, e.instance_path))}: {e.message}" for e in validator.iter_errors(manifest)]


@lru_cache
def _validator(version: str, api_version: str, kind: str) -> Any:
    if kind in CUSTOM:
        return _custom_validator(api_version, kind)
    [folder] = [f for f in _FOLDER.iterdir() if f.name.startswith(f"v{version}.") and f.name.endswith("-local-strict")]
    group, _, group_version = api_version.rpartition("/")
    parts = [kind.lower(), group.split(".", 1)[0], group_version]
    file = folder / f"{'-'.join(part for part in parts if part)}.json"
    assert file.exists(), f"Kubernetes {version} has no {kind} in {api_version}"
    schema = json.loads(file.read_text())

    def retrieve(uri: str) -> Any:
        return json.loads((folder / uri.rsplit("/", 1)[1]).read_text())

    return jsonschema_rs.validator_for(schema, retriever=retrieve)


def _custom_validator(api_version: str, kind: str) -> Any:
    spec = CUSTOM[kind]["spec"]
    [served] = [one for one in spec["versions"] if f"{spec['group']}/{one['name']}" == api_version]
    schema = _closed(served["schema"]["openAPIV3Schema"])
    schema["properties"] |= {"apiVersion": {"type": "string"}, "kind": {"const": kind}, "metadata": {"type": "object"}}
    return jsonschema_rs.validator_for(schema)


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema, which refuses keys that it does not name."""
    closed = {
        key: _closed(value) if isinstance(value, dict) and key == "items" else value for key, value in schema.items()
    }
    if "properties" in schema:
        closed["properties"] = {key: _closed(value) for key, value in schema["properties"].items()}
        closed["additionalProperties"] = False
    return closed
