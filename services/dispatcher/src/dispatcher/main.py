"""The dispatcher's process: wires its tasks, probes and shutdown together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faststream.rabbit import RabbitMessage
from starlette.applications import Starlette
from starlette.routing import Route

from dispatcher.maintenance import Maintenance
from dispatcher.publish_loop import PublishLoop
from dispatcher.publisher import PUBLISHING_UNAVAILABLE, JobPublisher
from dispatcher.queue_routes import routes_of
from dispatcher.settings import DispatcherSettings
from dispatcher.window import Window
from leopard.broker.connection import create_broker
from leopard.broker.consuming import Consuming
from leopard.broker.queues import NUDGES, consumed
from leopard.broker.topology import TopologyError
from leopard.db.pool import DATABASE_UNAVAILABLE, create_pool
from leopard.db.sessions import session_rules
from leopard.runtime.background import Outages
from leopard.runtime.health import Health, health_routes
from leopard.runtime.monitors import BrokerMonitor, DatabaseMonitor
from leopard.runtime.serving import serve
from leopard.runtime.supervision import Supervisor

SERVICE = "dispatcher"


def create_app(settings: DispatcherSettings) -> Starlette:
    """Create the application. It connects to nothing before its start."""
    database_url = settings.database_url.get_secret_value()
    pool = create_pool(
        database_url, size=settings.database_pool_size, application=SERVICE, rules=session_rules(settings)
    )
    broker = create_broker(
        settings.amqp_url.get_secret_value(), service=SERVICE, shutdown_seconds=settings.shutdown_seconds
    )
    database, queue = DatabaseMonitor(database_url, application=SERVICE), BrokerMonitor(broker)
    supervisor = Supervisor(
        outages=Outages(
            (*DATABASE_UNAVAILABLE, *PUBLISHING_UNAVAILABLE, TopologyError),
            (database.problem, queue.problem),
            logged=(TopologyError,),
        )
    )
    consuming = Consuming(broker)
    supervisor.repeat("database monitor", database.step)
    supervisor.repeat("broker monitor", queue.step)
    # it may wait for RabbitMQ forever
    supervisor.repeat("consume", consuming.step, cut_short=True)
    routes = []
    publishing = []
    for route in routes_of(settings.dedicated_queues):
        window = Window(broker, settings.window, queue=route.queue)
        publisher = JobPublisher(broker, concurrency=settings.publish_concurrency, queue=route.queue)
        loop = PublishLoop(settings, pool, publisher, window, route.channels, route.formats)
        routes.append((route, Window(broker, settings.window, queue=route.queue)))
        publishing.append(supervisor.repeat(f"publish to {route.queue.name}", loop.step))
    Maintenance(settings, pool, routes).supervise(supervisor)

    @broker.subscriber(consumed(NUDGES))
    async def nudged(_message: RabbitMessage) -> None:
        for task in publishing:
            task.wake()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await pool.open()
        supervisor.start()
        try:
            yield
        finally:
            await supervisor.stop(settings.shutdown_seconds)
            await broker.stop()
            await database.close()
            await pool.close()

    health = Health(
        services={"database": database, "queue": queue},
        ready=(database.schema_problem, queue.problem, consuming.problem, supervisor.not_ready),
    )
    app = Starlette(routes=[Route(path, endpoint) for path, endpoint in health_routes(health)], lifespan=lifespan)
    app.state.broker = broker
    return app


def main() -> None:
    """Run the service."""
    serve(SERVICE, DispatcherSettings, create_app)


if __name__ == "__main__":
    main()
