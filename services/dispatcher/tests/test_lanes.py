"""Every channel has one way, and a channel may have it to itself."""

from itertools import combinations

import pytest
from pydantic import ValidationError

from dispatcher.queue_routes import lanes_of
from dispatcher.settings import DispatcherSettings
from leopard.broker.messaging import SENDS
from leopard.domain.statuses import Channel

NOWHERE = {"database_url": "postgresql://nowhere/", "amqp_url": "amqp://nowhere/"}


@pytest.mark.parametrize(
    "own", [set(chosen) for count in range(len(Channel) + 1) for chosen in combinations(Channel, count)]
)
def test_every_channel_has_one_lane_and_every_lane_a_queue(own: set[Channel]) -> None:
    lanes = lanes_of(own)
    assert sorted(channel for lane in lanes for channel in lane.channels) == sorted(Channel)
    assert len({lane.queue.name for lane in lanes}) == len(lanes)
    assert {lane.channels[0] for lane in lanes if lane.queue is not SENDS} == own


@pytest.mark.parametrize(
    ("given", "read"),
    [("", set()), ("sms", {Channel.SMS}), (" sms , whatsapp,", {Channel.SMS, Channel.WHATSAPP})],
)
def test_channels_are_given_with_commas(given: str, read: set[Channel], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEOPARD_OWN_QUEUES", given)
    assert DispatcherSettings.model_validate(NOWHERE).own_queues == read


def test_a_channel_that_there_is_not_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEOPARD_OWN_QUEUES", "sms,fax")
    with pytest.raises(ValidationError, match="own_queues"):
        DispatcherSettings.model_validate(NOWHERE)
