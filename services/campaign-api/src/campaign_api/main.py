"""campaign-api: takes campaigns, customers and sends over HTTP."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route

from campaign_api.admission import Admission
from campaign_api.audiences import routes as audiences
from campaign_api.campaigns import routes as campaigns
from campaign_api.campaigns import validation
from campaign_api.customers import routes as customers
from campaign_api.dependencies import Resources
from campaign_api.dry_runs import routes as dry_run_routes
from campaign_api.exports import routes as exports
from campaign_api.imports import routes as imports
from campaign_api.jobs import Jobs
from campaign_api.messages import routes as messages
from campaign_api.nudges import Nudges
from campaign_api.segments import routes as segments
from campaign_api.sending import preview
from campaign_api.sending import routes as sending
from campaign_api.settings import ApiSettings
from campaign_api.turns import Turns
from campaign_api.web.body_limits import RequestBody
from campaign_api.web.documentation import DESCRIPTION, TAGS, documentation_routes
from campaign_api.web.errors import install_error_handlers
from campaign_api.web.request_log import RequestLog
from leopard import __version__
from leopard.broker.connection import BROKER_UNAVAILABLE, create_broker
from leopard.db.pool import DATABASE_UNAVAILABLE, create_pool
from leopard.db.sessions import session_rules
from leopard.runtime.background import Outages
from leopard.runtime.health import Health, health_routes
from leopard.runtime.monitors import BrokerMonitor, DatabaseMonitor
from leopard.runtime.serving import serve
from leopard.runtime.supervision import Supervisor

SERVICE = "campaign-api"


def create_app(settings: ApiSettings) -> FastAPI:
    """The application; connects to nothing before it is started."""
    database_url = settings.database_url.get_secret_value()
    pool = create_pool(
        database_url,
        size=settings.database_pool_size,
        application=SERVICE,
        checked=True,
        rules=session_rules(settings),
    )
    broker = create_broker(
        settings.amqp_url.get_secret_value(), service=SERVICE, shutdown_seconds=settings.shutdown_seconds
    )
    turns = Turns(pool, settings.database_pool_size)
    nudges = Nudges(broker)
    dry_runs = Jobs(Admission("dry runs", settings.max_dry_runs))
    database, queue = DatabaseMonitor(database_url, application=SERVICE), BrokerMonitor(broker)
    supervisor = Supervisor(
        outages=Outages((*DATABASE_UNAVAILABLE, *BROKER_UNAVAILABLE), (database.problem, queue.problem))
    )
    supervisor.repeat("database monitor", database.step)
    supervisor.repeat("broker monitor", queue.step)
    # it may wait for a RabbitMQ that never answers
    supervisor.repeat("publish nudges", nudges.step, cut_short=True)
    health = Health(
        services={"database": database, "queue": queue},
        # a send needs no broker: the dispatcher reads due campaigns from the database
        ready=(database.schema_problem, supervisor.not_ready),
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await pool.open()
        supervisor.start()
        try:
            yield
        finally:
            await dry_runs.stop()
            await supervisor.stop(2)
            await broker.stop()
            await database.close()
            await pool.close()

    app = FastAPI(
        title="Leopard",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        version=__version__,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        strict_content_type=False,
        # RequestLog opens the one span; FastAPI's would hold paths, and with them phone numbers
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.resources = Resources(
        settings=settings,
        pool=pool,
        turns=turns,
        nudges=nudges,
        health=health,
        imports=Admission("imports", settings.max_imports),
        exports=Admission("exports", settings.max_exports),
        dry_runs=dry_runs,
    )
    install_error_handlers(app)
    app.router.routes.extend(documentation_routes())
    for path, endpoint in health_routes(health):
        app.router.routes.append(Route(path, endpoint, methods=["GET"]))
    for module in (
        campaigns,
        validation,
        sending,
        preview,
        dry_run_routes,
        messages,
        exports,
        imports,
        customers,
        segments,
        audiences,
    ):
        app.include_router(module.router)
    app.include_router(imports.bulk_router)
    app.add_middleware(RequestBody, max_bytes=settings.max_body_bytes, streams=frozenset({imports.PATH}))
    app.add_middleware(RequestLog)
    return app


SWITCH_SECONDS = 0.0005
"""How long a thread that reads a file may keep the event loop waiting. Python's default is ten times as long."""


def main() -> None:
    """Run the service."""
    sys.setswitchinterval(SWITCH_SECONDS)
    serve(SERVICE, ApiSettings, create_app)


if __name__ == "__main__":
    main()
