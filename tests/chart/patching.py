"""Patches: as an apply, a merge or a strategic merge, as far as Helm's differ in what comes of them."""

from typing import Any

KEYS = ("name", "containerPort", "port", "mountPath", "topologyKey", "type")
"""By which Kubernetes tells the items of a list apart."""


def patched(before: Any, patch: Any) -> Any:
    """What becomes of an object, or of a part of it."""
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    after = dict(before) if isinstance(before, dict) else {}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            after.pop(key, None)
        elif isinstance(value, list) and isinstance(after.get(key), list):
            after[key] = _patched_list(after[key], value)
        else:
            after[key] = patched(after.get(key), value)
    return after


def _patched_list(before: list[Any], patch: list[Any]) -> list[Any]:
    key = next((k for k in KEYS if patch and all(isinstance(one, dict) and k in one for one in patch)), None)
    if key is None or not all(isinstance(one, dict) and key in one for one in before):
        return patch
    after = {one[key]: one for one in before}
    for one in patch:
        if one.get("$patch") == "delete":
            after.pop(one[key], None)
        else:
            after[one[key]] = patched(after.get(one[key], {}), one)
    return list(after.values())
