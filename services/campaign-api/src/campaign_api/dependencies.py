"""What a request gets handed: connections to the database, the settings, the nudges."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from campaign_api.nudges import Nudges
from campaign_api.settings import ApiSettings
from campaign_api.turns import Turns
from leopard.db.pool import Connection, Pool
from leopard.runtime.health import Health


@dataclass(frozen=True)
class Resources:
    """What lives as long as the process does."""

    settings: ApiSettings
    pool: Pool
    turns: Turns
    nudges: Nudges
    health: Health


def _resources(request: Request) -> Resources:
    found: Resources = request.app.state.resources
    return found


ResourcesDep = Annotated[Resources, Depends(_resources)]


def _turns(resources: ResourcesDep) -> Turns:
    return resources.turns


TurnsDep = Annotated[Turns, Depends(_turns)]
"""For requests that change something: they take their turn before they take a connection."""


async def _connection(resources: ResourcesDep) -> AsyncIterator[Connection]:
    async with resources.pool.connection() as connection:
        yield connection


# given back before the answer is sent, so that a slow reader holds none
ConnectionDep = Annotated[Connection, Depends(_connection, scope="function")]
"""For requests that only read."""
