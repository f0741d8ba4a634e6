"""What a request gets handed: connections to the database, the settings, the nudges."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from campaign_api.nudges import Nudges
from campaign_api.settings import ApiSettings
from campaign_api.turns import Turns
from leopard.db.pool import Connection, Pool
from leopard.health import Health


@dataclass(frozen=True)
class Resources:
    """What lives as long as the process does."""

    settings: ApiSettings
    pool: Pool
    turns: Turns
    nudges: Nudges
    health: Health


def resources(request: Request) -> Resources:
    """The process's resources."""
    held: Resources = request.app.state.resources
    return held


ResourcesDep = Annotated[Resources, Depends(resources)]


def _turns(held: ResourcesDep) -> Turns:
    return held.turns


TurnsDep = Annotated[Turns, Depends(_turns)]
"""For requests that change something: they take their turn before they take a connection."""


async def _connection(held: ResourcesDep) -> AsyncIterator[Connection]:
    async with held.pool.connection() as connection:
        yield connection


# given back before the answer is sent, so that a slow reader holds none
ConnectionDep = Annotated[Connection, Depends(_connection, scope="function")]
"""For requests that only read."""
