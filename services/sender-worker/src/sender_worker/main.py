"""The sender-worker's process: wires consumers, pipeline, provider, probes and shutdown together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route

from leopard.broker.connection import BROKER_UNAVAILABLE, create_broker
from leopard.broker.consuming import Consuming
from leopard.broker.queues import PERSONALIZED, SENDS, SENDS_OF
from leopard.broker.topology import TopologyError
from leopard.db.pool import DATABASE_UNAVAILABLE, create_pool
from leopard.db.sessions import session_rules
from leopard.domain.statuses import Channel
from leopard.providers.contract import Provider
from leopard.runtime.background import Outages
from leopard.runtime.health import Health, health_routes
from leopard.runtime.monitors import BrokerMonitor, DatabaseMonitor
from leopard.runtime.serving import serve
from leopard.runtime.supervision import Supervisor
from sender_worker.acks import Acks
from sender_worker.consumers import DeliveredUpTo, subscribe
from sender_worker.gate import Gate
from sender_worker.http_sender import HttpSender
from sender_worker.mock_sender import MockSender
from sender_worker.pipeline import Pipeline, PipelineRules
from sender_worker.results import RetryRules
from sender_worker.sending import Carrier
from sender_worker.settings import ProviderName, UnknownOutcome, WorkerSettings
from sender_worker.unreadable_jobs import UnreadableJobs

SERVICE = "sender-worker"


def create_provider(settings: WorkerSettings) -> Provider:
    """Create the provider that the settings select."""
    if settings.provider is ProviderName.HTTP and settings.http_url is not None:
        return HttpSender(
            str(settings.http_url),
            timeout_seconds=settings.http_timeout_seconds,
            connections=settings.http_connections,
            token=settings.http_token.get_secret_value() if settings.http_token else None,
        )
    return MockSender(
        latency_seconds=(settings.mock_latency_min_seconds, settings.mock_latency_max_seconds),
        success_rate=settings.mock_success_rate,
        seed=settings.mock_seed,
    )


def create_app(settings: WorkerSettings) -> Starlette:
    """Create the application. It connects to nothing before its start."""
    database_url = settings.database_url.get_secret_value()
    pool = create_pool(
        database_url, size=settings.database_pool_size, application=SERVICE, rules=session_rules(settings)
    )
    broker = create_broker(
        settings.amqp_url.get_secret_value(), service=SERVICE, shutdown_seconds=settings.shutdown_seconds
    )
    channels = (settings.channel,) if settings.channel else tuple(Channel)
    provider = create_provider(settings)
    gate = Gate(pool, provider=provider, channels=channels)
    carrier = Carrier(
        provider,
        gate,
        RetryRules(
            backoff_seconds=settings.backoff_seconds,
            backoff_max_seconds=settings.backoff_max_seconds,
            retry_unknown=settings.on_unknown_outcome is UnknownOutcome.RETRY,
        ),
    )
    acks = Acks(most_waiting=settings.prefetch // 4)
    rules = PipelineRules(batch_size=settings.batch_size, lease_seconds=settings.lease_seconds, channels=channels)
    pipeline = Pipeline(pool, carrier, rules, acks)
    unreadable_jobs = UnreadableJobs(broker, acks)
    queue = SENDS_OF[settings.channel] if settings.channel else SENDS
    delivered = DeliveredUpTo(pool)
    queues = (queue, PERSONALIZED[queue.name])
    subscribe(broker, pipeline, unreadable_jobs, delivered, queues=queues, prefetch=settings.prefetch)
    consuming = Consuming(broker)

    database, broker_monitor = DatabaseMonitor(database_url, application=SERVICE), BrokerMonitor(broker)
    supervisor = Supervisor(
        outages=Outages(
            (*DATABASE_UNAVAILABLE, *BROKER_UNAVAILABLE, TopologyError),
            (database.problem, broker_monitor.problem),
            logged=(TopologyError,),
        )
    )
    supervisor.repeat("database monitor", database.step)
    supervisor.repeat("broker monitor", broker_monitor.step)
    # it may wait for RabbitMQ forever
    supervisor.repeat("consume", consuming.step, cut_short=True)
    supervisor.repeat("dead-letter jobs", unreadable_jobs.step)
    supervisor.repeat("report queue progress", delivered.step)
    supervisor.repeat("acknowledge jobs", acks.flush)
    gate.changed = supervisor.repeat("provider state", gate.refresh).wake
    pipeline.supervise(supervisor)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await pool.open()
        supervisor.start()
        try:
            yield
        finally:
            await pipeline.drain(settings.shutdown_seconds)
            await supervisor.stop(5)
            await broker.stop()
            await provider.close()
            await database.close()
            await pool.close()

    health = Health(
        services={"database": database, "queue": broker_monitor},
        ready=(database.schema_problem, broker_monitor.problem, consuming.problem, supervisor.not_ready),
    )
    app = Starlette(routes=[Route(path, endpoint) for path, endpoint in health_routes(health)], lifespan=lifespan)
    app.state.broker = broker
    return app


def main() -> None:
    """Run the service."""
    serve(SERVICE, WorkerSettings, create_app)


if __name__ == "__main__":
    main()
