"""A dead letter: a job that failed permanently, and the properties of its copies. Opens no connection."""

import struct
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

from pamqp.commands import Basic
from pamqp.common import FieldTable
from pamqp.encode import encode_table_value

from leopard.broker.queues import ORIGIN_HEADER, REASON_HEADER, SENDS

_PERSISTENT: Final = 2

_COUNTERS: Final = ("x-delivery-count", "x-acquired-count")
_DEATHS: Final = ("x-death", "x-first-death", "x-last-death")
_ROUTING: Final = ("CC", "BCC")
"""These headers would send a copy to other queues as well."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that failed permanently."""

    body: bytes
    properties: Basic.Properties
    tag: int

    @property
    def headers(self) -> Mapping[str, Any]:
        """The headers of the message."""
        return self.properties.headers or {}

    @property
    def reason(self) -> str:
        """Why it was dead-lettered: the worker's reason, or RabbitMQ's."""
        if REASON_HEADER in self.headers:
            return str(self.headers[REASON_HEADER])
        deaths: Any = self.headers.get("x-death") or [{}]
        return f"refused by the broker: {deaths[0].get('reason', 'unknown')}"

    @property
    def origin(self) -> str:
        """The queue that it came from."""
        return str(self.headers.get(ORIGIN_HEADER) or self.headers.get("x-first-death-queue") or SENDS.name)


def kept_properties(dead_letter: DeadLetter) -> Basic.Properties:
    """The properties of a copy that stays in the dead letter queue."""
    properties = copy(dead_letter.properties)
    properties.headers = _without(dead_letter, (*_COUNTERS, *_ROUTING))
    # RabbitMQ refuses a message whose user_id is not the connected user
    properties.user_id = None
    return properties


def job_properties(dead_letter: DeadLetter) -> Basic.Properties:
    """The properties of a copy that goes back to the workers."""
    return Basic.Properties(
        headers=_without(dead_letter, (*_COUNTERS, *_ROUTING, *_DEATHS, REASON_HEADER, ORIGIN_HEADER)),
        content_type=dead_letter.properties.content_type,
        delivery_mode=_PERSISTENT,
    )


def _without(dead_letter: DeadLetter, names: tuple[str, ...]) -> FieldTable:
    return {name: _sendable(value) for name, value in dead_letter.headers.items() if not name.startswith(names)}


def _sendable(value: Any) -> Any:  # noqa: ANN401 a header value has any type
    # the client can read some numbers that it cannot write
    try:
        encode_table_value(value)
    except (TypeError, ValueError, ArithmeticError, struct.error):
        return str(value)
    return value
