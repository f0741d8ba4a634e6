"""Secrets as Helm 4 sends them: Kubernetes' protobuf, of which a release's Secret needs a few fields.

Source: k8s.io/api/core/v1/generated.proto, k8s.io/apimachinery/pkg/runtime/generated.proto.
"""

import base64
from collections.abc import Iterator
from typing import Any

MAGIC = b"k8s\x00"


def secret_from(body: bytes) -> dict[str, Any]:
    """A Secret as JSON would have it."""
    assert body.startswith(MAGIC)
    raw = dict(_fields(body[len(MAGIC) :]))[2]
    secret: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "data": {}}
    for number, value in _fields(raw):
        if number == 1:
            secret["metadata"] = _metadata(value)
        elif number == 2:
            key, content = _entry(value)
            secret["data"][key.decode()] = base64.b64encode(content).decode()
        elif number == 3:
            secret["type"] = value.decode()
    return secret


def _metadata(message: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names = {1: "name", 3: "namespace", 6: "resourceVersion", 5: "uid"}
    for number, value in _fields(message):
        if number in names and value:
            found[names[number]] = value.decode()
        elif number in {11, 12}:
            key, content = _entry(value)
            found.setdefault("labels" if number == 11 else "annotations", {})[key.decode()] = content.decode()
    return found


def _entry(message: bytes) -> tuple[bytes, bytes]:
    fields = dict(_fields(message))
    return fields.get(1, b""), fields.get(2, b"")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and contents of the fields that have a length; those without one are left out."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        if tag & 7 == 2:
            length, position = _varint(message, position)
            yield tag >> 3, message[position : position + length]
            position += length
        elif tag & 7 == 0:
            _, position = _varint(message, position)
        else:
            position += 8 if tag & 7 == 1 else 4


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
