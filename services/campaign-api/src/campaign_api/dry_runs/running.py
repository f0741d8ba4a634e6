"""Runs a dry run: reads the next customers while a thread renders the messages of those before."""

import asyncio
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout

from campaign_api.dry_runs.queries import end_dry_run, report_dry_run
from campaign_api.dry_runs.recipients import count_recipients, open_members, select_recipients
from campaign_api.dry_runs.rendering import AudienceRenderer, MessagePlan
from campaign_api.dry_runs.report import DryRunReport
from campaign_api.metrics import DRY_RUN_MESSAGES, DRY_RUNS, DRY_RUNS_RUNNING
from leopard.audiences.model import Audience
from leopard.audiences.selection import UNUSABLE_AUDIENCE, audience_problem
from leopard.db.pool import DATABASE_UNAVAILABLE, Pool
from leopard.domain.dry_runs import DryRunStatus
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

REPORT_SECONDS: Final = 1.0
END_SECONDS: Final = 5.0

_ROWS: Final = 1000
"""psycopg reads these rows on the event loop, so more of them would keep requests waiting."""


class _EndedError(Exception):
    """A client has cancelled the dry run, or deleted its campaign."""


@dataclass(frozen=True, slots=True)
class DryRunOrder:
    """What to render, and for whom."""

    dry_run_id: int
    plan: MessagePlan
    recipients: Audience | list[int]
    """An audience, or the ids of customers."""


class RunningDryRun:
    """One dry run from its begin to its end."""

    def __init__(self, pool: Pool, order: DryRunOrder) -> None:
        self._pool = pool
        self._order = order
        self._recipients: int | None = None
        self._renderer: AudienceRenderer | None = None
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Render all messages, and store the report, or why there is none."""
        dry_run_id = self._order.dry_run_id
        with DRY_RUNS_RUNNING.track_inprogress():
            reporting = asyncio.create_task(self._report())
            try:
                report = await self._render_all()
            except _EndedError:
                await self._end(DryRunStatus.CANCELLED, "It was cancelled")
            except UNUSABLE_AUDIENCE as error:
                await self._end(DryRunStatus.FAILED, f"The audience cannot be selected: {audience_problem(error)}")
            except (psycopg.Error, *DATABASE_UNAVAILABLE) as error:
                log.warning("dry run failed", dry_run_id=dry_run_id, error=type(error).__name__)
                await self._end(DryRunStatus.FAILED, "The database refused, or was unavailable")
            except BaseException as error:
                log.warning("dry run interrupted", dry_run_id=dry_run_id, error=type(error).__name__)
                await asyncio.shield(self._end(DryRunStatus.INTERRUPTED, "The service ended it"))
                raise
            else:
                await self._end(DryRunStatus.DONE, None, report)
            finally:
                reporting.cancel()

    @property
    def _rendered(self) -> int:
        return self._renderer.collector.seen if self._renderer is not None else 0

    async def _render_all(self) -> DryRunReport:
        order = self._order
        # the transaction keeps the cursor open; the cursor alone shows all customers as they were when it was opened
        async with self._pool.connection() as connection, connection.transaction():
            selection = await select_recipients(connection, order.recipients)
            self._recipients = await count_recipients(connection, selection)
            renderer = self._renderer = AudienceRenderer(order.plan, self._recipients)
            async with open_members(connection, selection, order.plan.campaign_id) as cursor:
                rows = await cursor.fetchmany(_ROWS)
                while rows:
                    if self._ended.is_set():
                        raise _EndedError
                    following, _ = await asyncio.gather(
                        cursor.fetchmany(_ROWS), asyncio.to_thread(renderer.render, rows)
                    )
                    DRY_RUN_MESSAGES.inc(len(rows))
                    rows = following
        self._recipients = renderer.collector.seen
        return renderer.collector.report()

    async def _report(self) -> None:
        """Say every second that the dry run is alive, and notice that a client has cancelled it."""
        dry_run_id = self._order.dry_run_id
        while not self._ended.is_set():
            await asyncio.sleep(REPORT_SECONDS)
            try:
                async with self._pool.connection() as connection:
                    if not await report_dry_run(
                        connection, dry_run_id, recipients=self._recipients, rendered=self._rendered
                    ):
                        self._ended.set()
            except (psycopg.Error, PoolTimeout) as error:
                # the dispatcher gives a dry run up after a minute without a report
                log.warning("dry run not reported", dry_run_id=dry_run_id, error=type(error).__name__)

    async def _end(self, status: DryRunStatus, problem: str | None, report: DryRunReport | None = None) -> None:
        """Store how the dry run ended. Where the database is unavailable, the dispatcher does it later."""
        dry_run_id = self._order.dry_run_id
        try:
            async with asyncio.timeout(END_SECONDS), self._pool.connection() as connection:
                await end_dry_run(
                    connection,
                    dry_run_id,
                    status,
                    recipients=self._recipients,
                    rendered=self._rendered,
                    problem=problem,
                    report=report,
                )
        except (*DATABASE_UNAVAILABLE, TimeoutError) as error:
            log.warning("end of a dry run not stored", dry_run_id=dry_run_id, error=type(error).__name__)
        DRY_RUNS.labels(status).inc()
        log.info("dry run ended", dry_run_id=dry_run_id, status=status, recipients=self._rendered)
