"""What routes depend on: database connections, settings, nudges."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from campaign_api.admission import Admission
from campaign_api.jobs import Jobs
from campaign_api.nudges import Nudges
from campaign_api.settings import ApiSettings
from campaign_api.turns import Turns
from leopard.db.pool import Connection, Pool
from leopard.runtime.health import Health


@dataclass(frozen=True)
class Resources:
    """What all requests of the process share."""

    settings: ApiSettings
    pool: Pool
    turns: Turns
    nudges: Nudges
    health: Health
    imports: Admission
    exports: Admission
    dry_runs: Jobs


def _resources(request: Request) -> Resources:
    found: Resources = request.app.state.resources
    return found


ResourcesDep = Annotated[Resources, Depends(_resources)]


def _turns(resources: ResourcesDep) -> Turns:
    return resources.turns


TurnsDep = Annotated[Turns, Depends(_turns)]
"""For requests that change something: they wait for their turn before they take a connection."""


async def _connection(resources: ResourcesDep) -> AsyncIterator[Connection]:
    async with resources.pool.connection() as connection:
        yield connection


# returned before the answer is sent, so that a slow client holds no connection
ConnectionDep = Annotated[Connection, Depends(_connection, scope="function")]
"""For requests that only read."""
