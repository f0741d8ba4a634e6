"""Monitors of the stores: ask now and then, keep the answer, and log one line when it changes.

Probes answer from what is kept here, so they are quick under any load and need no connection at that moment.
"""

import asyncio
import time
from typing import Final, Protocol

import aio_pika
from psycopg import AsyncConnection, errors

from leopard.broker.channels import ReopeningChannel
from leopard.broker.connection import Broker, connection_of, silent_seconds
from leopard.db.pool import Connection, connection_options
from leopard.db.schema import schema_is_current, schema_too_old
from leopard.store_errors import describe_broker_error, describe_database_error
from leopard.telemetry.logs import get_logger
from leopard.telemetry.metrics import STORE_UP

log = get_logger(__name__)

DATABASE_SECONDS: Final = 1.0
"""How often PostgreSQL is asked."""
BROKER_SECONDS: Final = 2.0
"""How often RabbitMQ is asked."""
_STALE_SECONDS: Final = 8.0
"""An answer older than this counts for nothing."""
_ANSWER_SECONDS: Final = 7.0
"""A store that takes longer to answer is asked again, over another connection or channel."""
_DIAGNOSE_AFTER_SECONDS: Final = 3.0
_CONNECTING_SECONDS: Final = 0.2
"""How soon to look again while a connection is being made."""


class Monitor(Protocol):
    """What is known of one store."""

    def problem(self) -> str | None:
        """Why the store cannot be used; null where it can."""
        ...

    def note(self) -> str | None:
        """What limits the use of the store; null where nothing does."""
        ...


class _Known:
    """The latest answer of a store, and a log line for each change."""

    def __init__(self, store: str) -> None:
        self.store = store
        self._answered_at: float | None = None
        self._problem: str | None = f"{store} was not reached yet"
        self._logged: str | None = None
        STORE_UP.labels(store).set(0)

    def up(self) -> None:
        if self._logged is not None:
            log.info(f"{self.store} available again")  # noqa: G004 one of two constant events
        self._logged, self._problem, self._answered_at = None, None, time.monotonic()
        STORE_UP.labels(self.store).set(1)

    def down(self, reason: str) -> None:
        self._problem = f"{self.store} unavailable"
        if reason != self._logged:
            log.warning(f"{self.store} unavailable, retrying", reason=reason)  # noqa: G004
            self._logged = reason
        STORE_UP.labels(self.store).set(0)

    def problem(self) -> str | None:
        if self._problem is None and self._answered_at is not None:
            return None if time.monotonic() - self._answered_at < _STALE_SECONDS else f"{self.store} does not answer"
        return self._problem


class DatabaseMonitor:
    """Asks PostgreSQL over a dedicated connection, also whether the schema is new enough."""

    def __init__(self, database_url: str, *, application: str) -> None:
        self._database_url = database_url
        self._options = {**connection_options(f"{application} monitor"), "prepare_threshold": None}
        self._connection: Connection | None = None
        self._known = _Known("database")
        self._schema_is_current = False

    def problem(self) -> str | None:
        """Why PostgreSQL cannot be used."""
        return self._known.problem()

    def note(self) -> str | None:
        """Nothing limits PostgreSQL."""
        return None

    def schema_problem(self) -> str | None:
        """Why this version of the code cannot work on the database."""
        if self._known.problem() is not None:
            return self._known.problem()
        return None if self._schema_is_current else schema_too_old()

    async def step(self) -> float:
        """Ask once; the seconds to rest."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                if self._connection is None:
                    self._connection = await AsyncConnection.connect(self._database_url, **self._options)
                self._schema_is_current = await schema_is_current(self._connection)
        except errors.Error as error:
            await self.close()
            self._known.down(describe_database_error(error, self._database_url))
        except TimeoutError:
            await self.close()
            self._known.down(f"no answer within {_ANSWER_SECONDS:g} s")
        except BaseException:
            await self.close()
            raise
        else:
            self._known.up()
        return DATABASE_SECONDS

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


class BrokerMonitor:
    """Listens to RabbitMQ, and asks it where it is silent; where there is no connection, finds out why.

    Under load an answer comes behind thousands of deliveries, which also show that RabbitMQ is there.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._channel = ReopeningChannel(broker)
        self._known = _Known("broker")
        self._lost_at: float | None = None

    def problem(self) -> str | None:
        """Why RabbitMQ cannot be used; a lost connection is known at once."""
        try:
            connection = connection_of(self._broker)
        except ConnectionError:
            return "broker unavailable"
        # a broker that blocks answers no requests, and is there all the same
        there = self._broker.blocked_reason is not None or silent_seconds(connection) < BROKER_SECONDS
        return None if there else self._known.problem()

    def note(self) -> str | None:
        """Why RabbitMQ takes no jobs, or which queue it does not declare; null where all is well."""
        blocked = self._broker.blocked_reason
        return self._broker.topology_problem if blocked is None else f"blocks publishing: {blocked}"

    async def step(self) -> float:
        """Ask once; the seconds to rest."""
        try:
            connection = connection_of(self._broker)
        except ConnectionError:
            return await self._diagnose()
        self._lost_at = None
        if self._broker.blocked_reason is not None or silent_seconds(connection) < BROKER_SECONDS:
            self._known.up()
        else:
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    channel = await self._channel.underlay()
                    await self._broker.unless_blocked(channel.basic_qos(prefetch_count=1))
            except TimeoutError:
                self._channel = ReopeningChannel(self._broker)
                self._known.down(f"no answer within {_ANSWER_SECONDS:g} s")
            else:
                self._known.up()
        return BROKER_SECONDS

    async def _diagnose(self) -> float:
        # the broker's attempts to connect do not say why they fail
        now = time.monotonic()
        if self._lost_at is None:
            self._lost_at = now
        try:
            async with await aio_pika.connect(self._broker.url, timeout=5):
                pass
        except Exception as error:  # noqa: BLE001 whatever keeps us from RabbitMQ is what we are asking for
            self._known.down(describe_broker_error(error, self._broker.url))
            return DATABASE_SECONDS
        if now - self._lost_at > _DIAGNOSE_AFTER_SECONDS:
            self._known.down("connecting")
            return DATABASE_SECONDS
        return _CONNECTING_SECONDS
