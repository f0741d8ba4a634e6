"""Channels for calls that FastStream does not offer: opened when first needed, and again when they were lost."""

from typing import cast

import aiormq
from aio_pika.abc import AbstractChannel

from leopard.broker.confirms import Confirms
from leopard.broker.connection import Broker, BrokerBlockedError, connection_of, wire_of


class ReopeningChannel:
    """A channel that is opened when it is first needed, and again when it was lost."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._channel: AbstractChannel | None = None
        self._confirms: Confirms | None = None

    async def underlay(self, *, confirms: bool = False) -> aiormq.Channel:
        """The channel as aiormq has it, without the layer that aio-pika puts around each message.

        Raises:
            BrokerBlockedError: RabbitMQ reads nothing of the connection.
            ConnectionError, aio_pika.exceptions.AMQPError: There is no connection now.
        """
        connection = connection_of(self._broker)
        if self._broker.blocked_reason is not None:
            raise BrokerBlockedError(self._broker.blocked_reason)
        if self._channel is None or self._channel.is_closed:
            channel = connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
            await self._broker.unless_blocked(channel.initialize())
            self._channel = channel
        return cast("aiormq.Channel", await self._channel.get_underlay_channel())

    async def confirms(self) -> Confirms:
        """The confirms of the channel, to publish many messages at once.

        Raises:
            BrokerBlockedError: RabbitMQ reads nothing of the connection.
            ConnectionError, aio_pika.exceptions.AMQPError: There is no connection now.
        """
        channel = await self.underlay(confirms=True)
        if self._confirms is None or self._confirms.channel is not channel:
            wire = wire_of(self._broker)
            if wire.connection is not channel.connection:
                msg = "the connection to RabbitMQ was just replaced"
                raise ConnectionError(msg)
            self._confirms = Confirms(channel)
            wire.confirming[channel.number] = self._confirms
        return self._confirms
