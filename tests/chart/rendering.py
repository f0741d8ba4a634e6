"""The chart as manifests: by Helm's library for thousands, by the real commands for what must not differ."""

import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import helm_python
import yaml

CHART = Path(__file__).resolve().parents[2] / "deploy/helm/leopard"
VALUES_FILES = (
    CHART / "values-dev.yaml",
    CHART / "values-production.yaml",
    *sorted((CHART / "ci").glob("*-values.yaml")),
)
RELEASE = "rel"
NAMESPACE = "campaigns"

Manifest: TypeAlias = dict[str, Any]


class DuplicateKeyError(Exception):
    """A rendered object has a key twice; names it."""


class HelmMissingError(Exception):
    """There is no helm to be found; says where to get it."""


@lru_cache(maxsize=1)
def helms() -> tuple[str, ...]:
    """The helm commands that are there: `helm`, and `helm3` if both are installed."""
    found = tuple(path for name in ("helm", "helm3") if (path := shutil.which(name)))
    if not found:
        msg = "the chart's tests need helm (3.17 or newer) on PATH: https://helm.sh/docs/intro/install/"
        raise HelmMissingError(msg)
    return found


def run_helm(helm: str, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """What a command of helm printed.

    Raises:
        AssertionError: It failed.
    """
    done = subprocess.run(
        [helm, *arguments], check=False, capture_output=True, text=True, env={**os.environ, **(environment or {})}
    )
    if done.returncode != 0:
        raise AssertionError(f"{Path(helm).name} {' '.join(arguments)}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


@lru_cache(maxsize=1)
def _chart() -> Any:
    return helm_python.Chart.load(str(CHART))


def _strict_mapping(loader: yaml.CSafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [key.value for key, _ in node.value]
    if len(set(keys)) < len(keys):
        raise DuplicateKeyError(f"{sorted(key for key in keys if keys.count(key) > 1)}")
    return dict(loader.construct_mapping(node, deep=True))


_STRICT_LOADER: Any = type("_StrictLoader", (yaml.CSafeLoader,), {})
"""Refuses a key that a mapping has twice, as kustomize does. PyYAML would take the last one."""
_STRICT_LOADER.add_constructor("tag:yaml.org,2002:map", _strict_mapping)


def read_objects(text: str) -> list[Manifest]:
    """The objects of a rendered file.

    Raises:
        DuplicateKeyError: A mapping has a key twice.
    """
    return [document for document in yaml.load_all(text, _STRICT_LOADER) if document]


def render(values: dict[str, Any] | None = None, *, release: str = RELEASE) -> list[Manifest]:
    """The objects of a release; hooks and tests among them.

    Raises:
        helm_python.HelmError: The values do not render.
    """
    files = _chart().render(values or {}, name=release, namespace=NAMESPACE)
    return [
        document
        for name, text in sorted(files.items())
        if not name.endswith("NOTES.txt")
        for document in read_objects(text)
    ]


def read_values(file: Path) -> dict[str, Any]:
    """A values file."""
    values: dict[str, Any] = yaml.safe_load(file.read_text())
    return values


def pod_of(manifest: Manifest) -> Manifest | None:
    """The pod's spec and metadata that an object makes, or is; null where it makes none."""
    if manifest["kind"] == "Pod":
        return manifest
    template: Manifest | None = manifest.get("spec", {}).get("template")
    return template if template is not None and "containers" in template.get("spec", {}) else None


def containers_of(pod: Manifest) -> list[Manifest]:
    """All containers of a pod, those that come first included."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
