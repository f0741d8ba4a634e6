"""A dead letter: a job that no worker could do, and how it is copied back into a queue."""

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
"""Would send a copy to other queues as well."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A job that could not be done."""

    body: bytes
    properties: Basic.Properties
    tag: int

    @property
    def headers(self) -> Mapping[str, Any]:
        """Its headers."""
        return self.properties.headers or {}

    @property
    def reason(self) -> str:
        """Why it is here: what a worker wrote, or what RabbitMQ did."""
        if REASON_HEADER in self.headers:
            return str(self.headers[REASON_HEADER])
        deaths: Any = self.headers.get("x-death") or [{}]
        return f"refused by the broker: {deaths[0].get('reason', 'unknown')}"

    @property
    def origin(self) -> str:
        """The queue that it was taken from."""
        return str(self.headers.get(ORIGIN_HEADER) or self.headers.get("x-first-death-queue") or SENDS.name)


def kept_properties(letter: Letter) -> Basic.Properties:
    """The properties of a copy that stays in the queue of dead letters."""
    properties = copy(letter.properties)
    properties.headers = _without(letter, (*_COUNTERS, *_ROUTING))
    # RabbitMQ takes a message only from the user whom it names
    properties.user_id = None
    return properties


def job_properties(letter: Letter) -> Basic.Properties:
    """The properties of a copy that goes back to the workers."""
    return Basic.Properties(
        headers=_without(letter, (*_COUNTERS, *_ROUTING, *_DEATHS, REASON_HEADER, ORIGIN_HEADER)),
        content_type=letter.properties.content_type,
        delivery_mode=_PERSISTENT,
    )


def _without(letter: Letter, names: tuple[str, ...]) -> FieldTable:
    return {name: _sendable(value) for name, value in letter.headers.items() if not name.startswith(names)}


def _sendable(value: Any) -> Any:  # noqa: ANN401 whatever a header may hold
    # the client reads numbers that it cannot write
    try:
        encode_table_value(value)
    except (TypeError, ValueError, ArithmeticError, struct.error):
        return str(value)
    return value
