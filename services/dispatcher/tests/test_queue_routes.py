"""Every channel has exactly one queue route, and a channel can have a dedicated queue."""

from itertools import combinations

import pytest
from pydantic import ValidationError

from dispatcher.queue_routes import routes_of
from dispatcher.settings import DispatcherSettings
from leopard.broker.queues import SENDS
from leopard.domain.statuses import Channel

NOWHERE = {"database_url": "postgresql://nowhere/", "amqp_url": "amqp://nowhere/"}


@pytest.mark.parametrize(
    "own", [set(chosen) for count in range(len(Channel) + 1) for chosen in combinations(Channel, count)]
)
def test_every_channel_has_one_route_and_every_route_a_queue(own: set[Channel]) -> None:
    routes = routes_of(own)
    assert sorted(channel for route in routes for channel in route.channels) == sorted(Channel)
    assert len({route.queue.name for route in routes}) == len(routes)
    assert {route.channels[0] for route in routes if route.queue is not SENDS} == own


@pytest.mark.parametrize(
    ("given", "read"),
    [("", set()), ("sms", {Channel.SMS}), (" sms , whatsapp,", {Channel.SMS, Channel.WHATSAPP})],
)
def test_channels_are_separated_by_commas(given: str, read: set[Channel], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEOPARD_DEDICATED_QUEUES", given)
    assert DispatcherSettings.model_validate(NOWHERE).dedicated_queues == read


def test_an_unknown_channel_prevents_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEOPARD_DEDICATED_QUEUES", "sms,fax")
    with pytest.raises(ValidationError, match="dedicated_queues"):
        DispatcherSettings.model_validate(NOWHERE)
