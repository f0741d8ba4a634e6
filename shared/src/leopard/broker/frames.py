"""Frames of AMQP 0-9-1 as bytes, for jobs, confirms and acknowledgements: many are read and written at once.

The client library makes several objects, futures and tasks for each message; a job needs none of them. Frames that
this file does not know are left to the library. Source: the AMQP 0-9-1 specification, section 4.2.3.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from struct import Struct
from typing import Final

from pamqp.commands import Basic
from pamqp.common import FieldTable
from pamqp.exceptions import PAMQPException
from pamqp.header import ContentHeader

METHOD: Final = 1
HEADER: Final = 2
BODY: Final = 3
HEARTBEAT: Final = 8
FRAME_TYPES: Final = frozenset((METHOD, HEADER, BODY, HEARTBEAT))

DELIVER: Final = (60 << 16) + 60
PUBLISH: Final = (60 << 16) + 40
RETURN: Final = (60 << 16) + 50
ACK: Final = (60 << 16) + 80
NACK: Final = (60 << 16) + 120

FRAME_START: Final = Struct(">BHI")
"""Type, channel and size of the payload."""
METHOD_ID: Final = Struct(">I")
DELIVERY_TAG: Final = Struct(">QB")
"""A delivery tag and one byte of flags."""
BODY_SIZE: Final = Struct(">Q")
BODY_SIZE_AT: Final = 4
FRAME_END: Final = b"\xce"
OVERHEAD: Final = FRAME_START.size + len(FRAME_END)
ALIVE: Final = FRAME_START.pack(HEARTBEAT, 0, 0) + FRAME_END
"""A heartbeat."""

_ACK_FRAME: Final = Struct(">BHIIQBB")
_ACK_SIZE: Final = METHOD_ID.size + DELIVERY_TAG.size


@dataclass(frozen=True, slots=True)
class JobProperties:
    """The properties of a delivered message that a worker reads."""

    headers: FieldTable
    published_at: datetime | None


@lru_cache(maxsize=1024)
def job_properties(header: bytes) -> JobProperties:
    """The properties in a header frame's payload. Jobs of one chunk share their header, so most are found in the cache.

    Raises:
        ValueError: The header does not parse.
    """
    try:
        parsed = ContentHeader()
        parsed.unmarshal(header)
    except (PAMQPException, LookupError) as error:
        raise ValueError(str(error)) from error
    return JobProperties(parsed.properties.headers or {}, parsed.properties.timestamp)


def consumer_and_tag(method: bytes) -> tuple[str, int]:
    """The consumer's tag and the delivery's tag in the payload of a Basic.Deliver."""
    ends = METHOD_ID.size + 1 + method[METHOD_ID.size]
    return method[METHOD_ID.size + 1 : ends].decode(errors="replace"), DELIVERY_TAG.unpack_from(method, ends)[0]


def ack_frames(channel: int, tags: Iterable[int]) -> bytes:
    """One acknowledgement for each delivery tag."""
    return b"".join(_ACK_FRAME.pack(METHOD, channel, _ACK_SIZE, ACK, tag, 0, FRAME_END[0]) for tag in tags)


def ack_up_to(channel: int, tag: int) -> bytes:
    """One acknowledgement for all deliveries up to a tag."""
    return _ACK_FRAME.pack(METHOD, channel, _ACK_SIZE, ACK, tag, 1, FRAME_END[0])


def publish_frames(channel: int, queue: str, bodies: Sequence[bytes], properties: Basic.Properties) -> bytes:
    """The frames that publish small messages with the same properties. They are returned if their queue is missing."""
    publish = _frame(
        METHOD, channel, METHOD_ID.pack(PUBLISH) + Basic.Publish(routing_key=queue, mandatory=True).marshal()
    )
    starts: dict[int, bytes] = {}
    frames: list[bytes] = []
    for body in bodies:
        size = len(body)
        start = starts.get(size)
        if start is None:
            header = ContentHeader(body_size=size, properties=properties).marshal()
            start = publish + _frame(HEADER, channel, header) + FRAME_START.pack(BODY, channel, size)
            starts[size] = start
        frames += (start, body, FRAME_END)
    return b"".join(frames)


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return FRAME_START.pack(kind, channel, len(payload)) + payload + FRAME_END
