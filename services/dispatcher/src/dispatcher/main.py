"""dispatcher: fans sends out into jobs, and looks after what is due."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faststream.asgi import AsgiFastStream
from faststream.rabbit import RabbitBroker, RabbitMessage

from dispatcher.dispatching import Dispatching
from dispatcher.lanes import Lane, lanes_of
from dispatcher.looking_after import LookingAfter
from dispatcher.loops import Loop
from dispatcher.publishing import JobPublisher
from dispatcher.settings import DispatcherSettings
from dispatcher.window import Window
from leopard.db.pool import Pool, create_pool
from leopard.health import Health, database_check, health_routes, schema_check
from leopard.messaging import NUDGES, broker_check, create_broker, declare_topology
from leopard.serving import serve

SERVICE = "dispatcher"


def _dispatching(settings: DispatcherSettings, pool: Pool, broker: RabbitBroker, lane: Lane) -> Loop:
    publisher = JobPublisher(broker, concurrency=settings.publish_concurrency, queue=lane.queue)
    window = Window(broker, settings.window, queue=lane.queue)
    return Loop(f"dispatching to {lane.queue.name}", Dispatching(settings, pool, publisher, window, lane.channels).step)


def create_app(settings: DispatcherSettings) -> AsgiFastStream:
    """The application; connects to nothing before it is started."""
    pool = create_pool(settings.database_url.get_secret_value(), size=settings.database_pool_size, application=SERVICE)
    broker = create_broker(
        settings.amqp_url.get_secret_value(), service=SERVICE, shutdown_seconds=settings.shutdown_seconds
    )
    dispatching = [_dispatching(settings, pool, broker, lane) for lane in lanes_of(settings.own_queues)]
    loops = (*dispatching, Loop("looking after campaigns", LookingAfter(settings, pool).step))
    health = Health(
        services={"database": database_check(pool), "queue": broker_check(broker)},
        ready=(schema_check(pool), broker_check(broker)),
    )
    running: list[asyncio.Task[None]] = []

    @broker.subscriber(NUDGES)
    async def nudged(_message: RabbitMessage) -> None:
        for loop in dispatching:
            loop.wake()

    async def begin() -> None:
        await declare_topology(broker)
        running.extend(asyncio.create_task(loop.run()) for loop in loops)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        await pool.open()
        try:
            yield
        finally:
            await pool.close()

    async def end() -> None:
        for loop in loops:
            loop.stop()
        if running:
            _, late = await asyncio.wait(running, timeout=settings.shutdown_seconds)
            for task in late:
                task.cancel()

    return AsgiFastStream(
        broker,
        asgi_routes=health_routes(health),
        lifespan=lifespan,
        after_startup=[begin],
        on_shutdown=[end],
        logger=None,
    )


def main() -> None:
    """Run the service."""
    serve(SERVICE, DispatcherSettings, create_app)


if __name__ == "__main__":
    main()
