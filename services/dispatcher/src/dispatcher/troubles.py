"""Campaigns in trouble: set aside for a while, so that an error in one delays no other. Stored in memory only."""

import time
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import errors

from leopard.db.pool import DATABASE_UNAVAILABLE
from leopard.runtime.background import BACKGROUND_FAILURES
from leopard.runtime.backoff import full_jitter
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

OF_ONE_CAMPAIGN: Final = (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected)
"""Errors that one campaign's rows can cause while the database is available."""

GIVE_UP_AFTER: Final = 5
"""After this number of consecutive errors the campaign fails as a whole."""


@dataclass
class _Trouble:
    failures: int
    until: float


class CampaignTroubles:
    """The campaigns with recent errors in one kind of step, and how long to skip them."""

    def __init__(self) -> None:
        self._troubles: dict[int, _Trouble] = {}

    def excluded(self) -> list[int]:
        """The campaigns to skip now."""
        now = time.monotonic()
        return [campaign_id for campaign_id, trouble in self._troubles.items() if trouble.until > now]

    def note(self, task: str, campaign_id: int, error: psycopg.Error) -> bool:
        """Set a campaign aside after an error in a task; returns whether the caller should fail the campaign.

        Raises:
            psycopg.Error: The same error again, if the database is unavailable and the campaign is not the cause.
        """
        if isinstance(error, DATABASE_UNAVAILABLE) and not isinstance(error, OF_ONE_CAMPAIGN):
            raise error
        failures = self._troubles[campaign_id].failures + 1 if campaign_id in self._troubles else 1
        self._troubles[campaign_id] = _Trouble(failures, time.monotonic() + 0.1 + full_jitter(failures, maximum=30))
        BACKGROUND_FAILURES.labels(task).inc()
        if failures == 1:
            log.error("campaign set aside after an error", task=task, campaign_id=campaign_id, exc_info=error)
        return failures >= GIVE_UP_AFTER

    def forget(self, campaign_id: int) -> None:
        """Remove a campaign from the campaigns in trouble."""
        self._troubles.pop(campaign_id, None)
