"""Every channel has one queue route for plain and one for personalized campaigns, and can have dedicated queues."""

from itertools import combinations

import pytest
from pydantic import ValidationError

from dispatcher.queue_routes import routes_of
from dispatcher.settings import DispatcherSettings
from leopard.broker.queues import SENDS
from leopard.domain.formats import KNOWN_FORMATS, PERSONALIZED_FORMATS, PLAIN_FORMATS
from leopard.domain.statuses import Channel

NOWHERE = {"database_url": "postgresql://nowhere/", "amqp_url": "amqp://nowhere/"}


@pytest.mark.parametrize(
    "own", [set(chosen) for count in range(len(Channel) + 1) for chosen in combinations(Channel, count)]
)
def test_every_channel_has_one_route_and_every_route_a_queue(own: set[Channel]) -> None:
    routes = routes_of(own)
    for formats in (PLAIN_FORMATS, PERSONALIZED_FORMATS):
        of_formats = [route for route in routes if route.formats == formats]
        assert sorted(channel for route in of_formats for channel in route.channels) == sorted(Channel)
    assert len({route.queue.name for route in routes}) == len(routes)
    plain = [route for route in routes if route.formats == PLAIN_FORMATS]
    assert {route.channels[0] for route in plain if route.queue is not SENDS} == own


def test_every_known_format_has_a_route() -> None:
    routed = {number for route in routes_of(()) for number in range(route.formats.lowest, route.formats.highest + 1)}
    assert routed == set(range(KNOWN_FORMATS.lowest, KNOWN_FORMATS.highest + 1))


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
