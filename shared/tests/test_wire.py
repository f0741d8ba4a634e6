"""Jobs and confirms are read from the byte stream, however it is split. The library gets all other bytes unchanged."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import aiormq
import hypothesis.strategies as st
from hypothesis import given
from pamqp.body import ContentBody
from pamqp.commands import Basic, Channel, Connection
from pamqp.frame import marshal
from pamqp.header import ContentHeader

from leopard.broker.frames import ALIVE, ack_frames, ack_up_to, job_properties, publish_frames
from leopard.broker.wire import Wire

PROPERTIES = Basic.Properties(content_type="application/json", delivery_mode=2, headers={"traceparent": "00-1"})
OTHERS = (
    marshal(Connection.Blocked("memory"), 0),
    marshal(Basic.QosOk(), 1),
    marshal(Basic.Ack(delivery_tag=7), 2),
    marshal(Channel.Close(404, "gone", 50, 10), 3),
)
"""Frames that the library must get. No publisher counts the confirms of channel 2."""


@dataclass
class Publisher:
    """A channel that counts its confirms."""

    channel: Any
    answers: list[tuple[int, bool, bool]] = field(default_factory=list)
    returns: int = 0

    def answered(self, tag: int, *, multiple: bool, accepted: bool) -> None:
        self.answers.append((tag, multiple, accepted))

    def returned(self) -> None:
        self.returns += 1


@dataclass
class OpenChannel:
    """The part of the library's channel that the wire reads."""

    consumers: dict[str, object]


@dataclass
class OpenConnection:
    """The part of the library's connection that the wire reads."""

    channels: dict[int, OpenChannel]


def message(method: Basic.Deliver | Basic.Return, channel: int, body: bytes, pieces: int = 1) -> bytes:
    size = max(-(-len(body) // pieces), 1)
    bodies = [body[at : at + size] for at in range(0, len(body), size)]
    frames = [method, ContentHeader(body_size=len(body), properties=PROPERTIES), *map(ContentBody, bodies)]
    return b"".join(marshal(frame, channel) for frame in frames)


def delivery(tag: int, body: bytes, *, consumer: str = "ours", pieces: int = 1) -> bytes:
    return message(Basic.Deliver(consumer, tag, routing_key="campaign_sends"), 1, body, pieces)


def returned(body: bytes) -> bytes:
    return message(Basic.Return(312, "NO_ROUTE", "", "campaign_sends"), 4, body)


class Stream:
    """A wire with a consumer on channel 1 and a publisher on channel 4, and the jobs and confirms that it read."""

    def __init__(self, *, refuse: frozenset[int] = frozenset()) -> None:
        self.taken: list[tuple[int, bytes]] = []
        self.refuse = refuse
        self.wire = Wire(self.take)
        channels = {1: OpenChannel({"ours": None}), 4: OpenChannel({})}
        self.wire.connection = cast("aiormq.abc.AbstractConnection", OpenConnection(channels))
        self.publisher = Publisher(channels[4])
        self.wire.confirming[4] = self.publisher

    def take(self, _channel: object, tag: int, header: bytes, body: bytes) -> bool:
        if tag in self.refuse:
            return False
        assert job_properties(header).headers == {"traceparent": "00-1"}
        self.taken.append((tag, body))
        return True

    async def bytes_for_library(self, data: bytes, cuts: Sequence[int]) -> bytes:
        at = 0
        for cut in sorted(cuts):
            self.wire.feed_data(data[at:cut])
            at = max(at, cut)
        self.wire.feed_data(data[at:])
        self.wire.feed_eof()
        # sent once a second, so that the library does not consider the connection dead
        return (await self.wire.read()).replace(ALIVE, b"", 1)


PARTS = st.lists(
    st.one_of(
        st.tuples(st.just("job"), st.binary(min_size=1, max_size=60)),
        st.tuples(st.just("refused"), st.binary(min_size=1, max_size=60)),
        st.tuples(st.just("foreign"), st.binary(min_size=1, max_size=60)),
        st.tuples(st.just("large"), st.integers(5_000, 9_000).map(bytes)),
        st.tuples(st.just("empty"), st.just(b"")),
        st.tuples(st.just("pieces"), st.binary(min_size=4, max_size=60)),
        st.tuples(st.just("other"), st.sampled_from(OTHERS)),
        st.tuples(st.just("ack"), st.booleans()),
        st.tuples(st.just("nack"), st.booleans()),
        st.tuples(st.just("return"), st.binary(min_size=1, max_size=60)),
    ),
    max_size=12,
)


@given(PARTS, st.lists(st.integers(0, 2_000), max_size=30))
def test_all_other_bytes_reach_the_library_unchanged(parts: list[tuple[str, Any]], cuts: Sequence[int]) -> None:
    data, kept, taken, answers, returns = b"", b"", [], [], 0
    refused = set()
    for tag, (kind, value) in enumerate(parts, start=1):
        match kind:
            case "job":
                frames = delivery(tag, value)
                taken.append((tag, value))
            case "ack" | "nack":
                method = Basic.Ack if kind == "ack" else Basic.Nack
                frames = marshal(method(delivery_tag=tag, multiple=value), 4)
                answers.append((tag, value, kind == "ack"))
            case "return":
                frames = returned(value)
                returns += 1
            case "other":
                frames = value
            case "refused":
                frames = delivery(tag, value)
                refused.add(tag)
            case "foreign":
                frames = delivery(tag, value, consumer="cancelled")
            case _:
                frames = delivery(tag, value, pieces=2 if kind == "pieces" else 1)
        data += frames
        kept += b"" if kind in {"job", "ack", "nack", "return"} else frames

    async def check() -> None:
        stream = Stream(refuse=frozenset(refused))
        passed = await stream.bytes_for_library(data, cuts)
        assert passed == kept
        assert stream.taken == taken
        assert stream.publisher.answers == answers
        assert stream.publisher.returns == returns

    asyncio.run(check())


async def test_bytes_that_are_not_frames_go_to_the_library() -> None:
    stream = Stream()
    data = b"AMQP\0\0\x09\x01" + delivery(1, b"{}")
    assert await stream.bytes_for_library(data, [3, 9]) == data
    assert stream.taken == []


async def test_an_unfinished_frame_is_passed_on_when_the_connection_ends() -> None:
    stream = Stream()
    data = delivery(1, b"{}")[:-1]
    assert await stream.bytes_for_library(data, [10]) == data


async def test_the_library_gets_signs_of_life_while_jobs_are_read() -> None:
    stream = Stream()
    for tag in range(1, 100):
        stream.wire.feed_data(delivery(tag, b"{}"))
    stream.wire.feed_eof()
    assert await stream.wire.read() == ALIVE


async def test_a_reused_channel_number_has_no_confirms() -> None:
    stream = Stream()
    stream.publisher.channel = object()
    frame = marshal(Basic.Ack(delivery_tag=1), 4)
    assert await stream.bytes_for_library(frame, []) == frame
    assert stream.publisher.answers == []


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=10), st.integers(1, 2047))
def test_published_frames_equal_those_of_the_library(bodies: list[bytes], channel: int) -> None:
    expected = b"".join(
        marshal(frame, channel)
        for body in bodies
        for frame in (
            Basic.Publish(routing_key="campaign_sends", mandatory=True),
            ContentHeader(body_size=len(body), properties=PROPERTIES),
            ContentBody(body),
        )
    )
    assert publish_frames(channel, "campaign_sends", bodies, PROPERTIES) == expected


@given(st.integers(1, 2**63 - 1), st.integers(1, 2047))
def test_acknowledgements_equal_those_of_the_library(tag: int, channel: int) -> None:
    assert ack_frames(channel, [tag]) == marshal(Basic.Ack(delivery_tag=tag), channel)
    assert ack_up_to(channel, tag) == marshal(Basic.Ack(delivery_tag=tag, multiple=True), channel)
