"""`python -m chart.crds_compared FILES`: hold our CRDs against the real ones, which are not ours to ship.

FILES are CRDs as their projects publish them. Prints each property that a real CRD has not or types otherwise, each
limit of a real property that ours lacks, and each required key that ours does not require. The exit status is 1 then.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from chart.api_server import CRDS

LIMITS = ("type", "format", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
"""Words of a schema that make an API server refuse a value."""


def differences(ours: dict[str, Any], real: dict[str, Any], path: str) -> Iterator[str]:
    """Where our schema would accept what the real one refuses."""
    for word in LIMITS:
        if ours.get(word) != real.get(word):
            yield f"{path}: {word} is {real.get(word)!r} there, {ours.get(word)!r} here"
    for key in set(real.get("required", ())) - set(ours.get("required", ())):
        yield f"{path}: {key} is required there"
    for key, schema in ours.get("properties", {}).items():
        if key in real.get("properties", {}):
            yield from differences(schema, real["properties"][key], f"{path}.{key}")
        else:
            yield f"{path}.{key}: is not there"
    for word in ("items", "additionalProperties"):
        if word in ours:
            yield from differences(ours[word], real.get(word, {}), f"{path}[]")


def schema_of(crd: dict[str, Any], version: str) -> dict[str, Any]:
    """The schema of a version; of all objects in it, without what each Kubernetes object has.

    Raises:
        ValueError: The CRD does not serve that version.
    """
    for one in crd["spec"]["versions"]:
        if one["name"] == version and one["served"]:
            schema: dict[str, Any] = one["schema"]["openAPIV3Schema"]
            return schema
    raise ValueError(f"{crd['metadata']['name']} does not serve {version}")


def main(files: list[str]) -> int:
    """Compare; 1 where ours accepts more."""
    real = {crd["metadata"]["name"]: crd for file in files for crd in yaml.safe_load_all(Path(file).read_text())}
    found = []
    for file in sorted(CRDS.glob("*.yaml")):
        ours = yaml.safe_load(file.read_text())
        name, version = ours["metadata"]["name"], ours["spec"]["versions"][0]["name"]
        if name not in real:
            found.append(f"{name}: not among the files")
            continue
        found += differences(schema_of(ours, version), schema_of(real[name], version), f"{name}/{version}")
    sys.stdout.write("".join(f"{line}\n" for line in found) or "no difference\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
