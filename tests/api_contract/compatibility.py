"""Find changes of an OpenAPI document that break clients of the previous version.

A client may use everything in the old document, and nothing that the new document adds. So valid requests must stay
valid, and responses must keep every field and value that a client may read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Json = Mapping[str, Any]

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def breaking_changes(old: Json, new: Json) -> list[str]:
    """Return the changes from `old` to `new` that break clients, one line each."""
    return sorted(set(_Comparison(old, new).changes()))


@dataclass
class _Shape:
    """What a schema allows. The variants of `anyOf`, `oneOf` and `allOf` are merged."""

    types: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)
    properties: dict[str, Json] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    items: Json | None = None


@dataclass(frozen=True)
class _Comparison:
    old: Json
    new: Json

    def changes(self) -> Iterator[str]:
        for path, old_item in self.old.get("paths", {}).items():
            new_item = self.new.get("paths", {}).get(path)
            if new_item is None:
                yield f"{path}: the path was removed"
                continue
            for method in _METHODS:
                if method not in old_item:
                    continue
                where = f"{method.upper()} {path}"
                if method not in new_item:
                    yield f"{where}: the method was removed"
                else:
                    yield from self._operation(where, old_item[method], new_item[method])

    def _operation(self, where: str, old: Json, new: Json) -> Iterator[str]:
        if "operationId" in old and old["operationId"] != new.get("operationId"):
            yield f"{where}: the operation id {old['operationId']} was removed"
        yield from self._parameters(where, old, new)
        yield from self._request(f"{where}: request", old.get("requestBody", {}), new.get("requestBody", {}))
        for status, response in old.get("responses", {}).items():
            if status not in new.get("responses", {}):
                yield f"{where}: the response {status} was removed"
                continue
            old_body, new_body = _body(response), _body(new["responses"][status])
            yield from self._schema(f"{where}: response {status}", old_body, new_body, request=False)

    def _parameters(self, where: str, old: Json, new: Json) -> Iterator[str]:
        # header names are case-insensitive
        before, after = (
            {(one["in"], one["name"].lower() if one["in"] == "header" else one["name"]): one for one in parameters}
            for parameters in (old.get("parameters", []), new.get("parameters", []))
        )
        for key, parameter in before.items():
            place = f"{where}: {key[0]} parameter {key[1]}"
            if key not in after:
                yield f"{place} was removed"
                continue
            if after[key].get("required") and not parameter.get("required"):
                yield f"{place} became required"
            yield from self._schema(place, parameter.get("schema", {}), after[key].get("schema", {}), request=True)
        for (kind, name), parameter in after.items():
            if parameter.get("required") and (kind, name) not in before:
                yield f"{where}: {kind} parameter {name} is new and required"

    def _request(self, where: str, old: Json, new: Json) -> Iterator[str]:
        if new.get("required") and not old.get("required"):
            yield f"{where} became required"
        if old and not new:
            yield f"{where} was removed"
        yield from self._schema(where, _body(old), _body(new), request=True)

    def _schema(
        self, where: str, old: Json, new: Json, *, request: bool, seen: frozenset[str] = frozenset()
    ) -> Iterator[str]:
        pair = f"{old.get('$ref')} {new.get('$ref')}"
        if "$ref" in old and pair in seen:
            return
        seen |= {pair}
        before, after = _shape(old, self.old), _shape(new, self.new)
        narrower, wider = (after.types, before.types) if request else (before.types, after.types)
        lost = (wider - narrower) if narrower else set()
        if lost and wider:
            verb = "no longer accepts" if request else "may now be"
            yield f"{where} {verb} {', '.join(sorted(lost))}"
        for value in sorted(before.values - after.values) if after.values else []:
            yield f"{where} lost the value {value}"
        for name in sorted(after.required - before.required) if request else []:
            yield f"{where}.{name} became required"
        for name in sorted((before.required - after.required) & after.properties.keys()) if not request else []:
            yield f"{where}.{name} may now be absent"
        for name, schema in before.properties.items():
            if name not in after.properties:
                yield f"{where}.{name} was removed"
            else:
                yield from self._schema(f"{where}.{name}", schema, after.properties[name], request=request, seen=seen)
        if before.items is not None and after.items is not None:
            yield from self._schema(f"{where}[]", before.items, after.items, request=request, seen=seen)


def _body(message: Json) -> Json:
    body: Json = message.get("content", {}).get("application/json", {}).get("schema", {})
    return body


def _shape(schema: Json, document: Json) -> _Shape:
    shape = _Shape()
    _add(schema, document, shape)
    return shape


def _add(schema: Json, document: Json, shape: _Shape) -> None:
    if "$ref" in schema:
        schema = {**_resolved(schema["$ref"], document), **{k: v for k, v in schema.items() if k != "$ref"}}
    types = schema.get("type", [])
    shape.types |= {types} if isinstance(types, str) else set(types)
    shape.values |= {str(value) for value in schema.get("enum", [])}
    if "const" in schema:
        shape.values.add(str(schema["const"]))
    shape.properties |= schema.get("properties", {})
    shape.required |= set(schema.get("required", []))
    shape.items = schema.get("items", shape.items)
    for combination in ("anyOf", "oneOf", "allOf"):
        for variant in schema.get(combination, []):
            _add(variant, document, shape)


def _resolved(reference: str, document: Json) -> Json:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    resolved: Json = found
    return resolved
