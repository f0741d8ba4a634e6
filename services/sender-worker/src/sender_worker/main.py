"""sender-worker: takes jobs, sends their messages, and records what became of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faststream.asgi import AsgiFastStream

from leopard.db.pool import create_pool
from leopard.domain.statuses import Channel
from leopard.health import Health, database_check, health_routes, schema_check
from leopard.messaging import SENDS, SENDS_OF, broker_check, create_broker, declare_topology
from leopard.serving import serve
from sender_worker.acks import Acks
from sender_worker.consumers import subscribe
from sender_worker.delivery import Delivery, DeliveryRules
from sender_worker.providers.http import HttpProvider
from sender_worker.providers.mock import MockProvider
from sender_worker.providers.provider import Provider
from sender_worker.results import RetryRules
from sender_worker.settings import ProviderName, UnknownOutcome, WorkerSettings

SERVICE = "sender-worker"


def create_provider(settings: WorkerSettings) -> Provider:
    """The provider that the settings name."""
    if settings.provider is ProviderName.HTTP and settings.http_url is not None:
        return HttpProvider(
            settings.http_url,
            timeout_seconds=settings.http_timeout_seconds,
            connections=settings.http_connections,
            token=settings.http_token.get_secret_value() if settings.http_token else None,
        )
    return MockProvider(
        latency_seconds=(settings.mock_latency_min_seconds, settings.mock_latency_max_seconds),
        success_rate=settings.mock_success_rate,
        seed=settings.mock_seed,
    )


def create_app(settings: WorkerSettings) -> AsgiFastStream:
    """The application; connects to nothing before it is started."""
    pool = create_pool(settings.database_url.get_secret_value(), size=settings.database_pool_size, application=SERVICE)
    broker = create_broker(
        settings.amqp_url.get_secret_value(), service=SERVICE, shutdown_seconds=settings.shutdown_seconds
    )
    provider = create_provider(settings)
    rules = DeliveryRules(
        channels=(settings.channel,) if settings.channel else tuple(Channel),
        batch_size=settings.batch_size,
        lease_seconds=settings.lease_seconds,
        retry=RetryRules(
            backoff_seconds=settings.backoff_seconds,
            backoff_max_seconds=settings.backoff_max_seconds,
            retry_unknown=settings.on_unknown_outcome is UnknownOutcome.RETRY,
        ),
    )
    acks = Acks()
    delivery = Delivery(pool, provider, rules, acks)
    queue = SENDS_OF[settings.channel] if settings.channel else SENDS
    subscribe(broker, delivery, acks, queue=queue, prefetch=settings.prefetch)
    health = Health(
        services={"database": database_check(pool), "queue": broker_check(broker)},
        ready=(schema_check(pool), broker_check(broker)),
    )

    async def declare() -> None:
        await declare_topology(broker)

    delivering: list[asyncio.Task[None]] = []

    async def drain() -> None:
        delivery.drain()
        if delivering:
            await asyncio.wait(delivering, timeout=settings.shutdown_seconds)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        await pool.open()
        delivering.append(asyncio.create_task(delivery.run()))
        try:
            yield
        finally:
            for task in delivering:
                task.cancel()
            await asyncio.gather(*delivering, return_exceptions=True)
            await provider.close()
            await pool.close()

    return AsgiFastStream(
        broker,
        asgi_routes=health_routes(health),
        lifespan=lifespan,
        after_startup=[declare],
        on_shutdown=[drain],
        logger=None,
    )


def main() -> None:
    """Run the service."""
    serve(SERVICE, WorkerSettings, create_app)


if __name__ == "__main__":
    main()
