"""A process whose background tasks make no progress becomes not ready and ends. It stops tasks gracefully."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog

from leopard.runtime import ending
from leopard.runtime.background import Outages, Patience, Step
from leopard.runtime.supervision import Supervisor
from support.factories import until

pytestmark = pytest.mark.expects_tracebacks


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The reasons for which the process would have ended."""
    reasons: list[str] = []
    monkeypatch.setattr(ending, "end_process", reasons.append)
    return reasons


@asynccontextmanager
async def supervised(
    step: Step, *, name: str, patience: Patience | None = None, outages: Outages | None = None
) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(patience=patience, outages=outages)
    supervisor.repeat(name, step)
    supervisor.start()
    try:
        yield supervisor
    finally:
        await supervisor.stop(0.1)


async def hangs() -> float:
    await asyncio.Event().wait()
    return 0


async def ignores_cancellation() -> float:
    ended_at = time.monotonic() + 1.5
    while time.monotonic() < ended_at:
        try:
            await asyncio.sleep(0.2)
        except asyncio.CancelledError:
            continue
    return 0


async def test_a_step_that_keeps_failing_makes_the_service_not_ready_and_ends_the_process(ends: list[str]) -> None:
    async def step() -> float:
        raise LookupError

    async def ended() -> bool:
        return bool(ends)

    async with supervised(step, name="broken", patience=Patience(unready_seconds=0.1, end_seconds=0.5)) as supervisor:
        assert supervisor.not_ready() is None
        await until(ended)
        assert supervisor.not_ready() == "failing: broken"
    assert "broken" in ends[0]


async def test_an_outage_never_ends_the_process(ends: list[str]) -> None:
    async def step() -> float:
        raise ConnectionError

    patience = Patience(unready_seconds=0.1, end_seconds=0.1)
    async with supervised(step, name="outage", patience=patience, outages=Outages((ConnectionError,))) as supervisor:
        await asyncio.sleep(1.5)
        assert supervisor.not_ready() == "failing: outage"
    assert ends == []


async def test_outages_do_not_hide_that_a_step_keeps_failing(ends: list[str]) -> None:
    times = 0

    async def step() -> float:
        nonlocal times
        times += 1
        raise LookupError if times % 2 else ConnectionError

    async def ended() -> bool:
        return bool(ends)

    async with supervised(
        step, name="by turns", patience=Patience(end_seconds=0.3), outages=Outages((ConnectionError,))
    ):
        await until(ended)


async def test_a_step_that_hangs_makes_the_service_not_ready_before_and_after_its_timeout() -> None:
    times = 0

    async def step() -> float:
        nonlocal times
        times += 1
        return await hangs()

    async def slow() -> bool:
        return supervisor.not_ready() == "slow: hangs"

    async def failed() -> bool:
        return times == 2

    patience = Patience(unready_seconds=0.1, slow_seconds=0.2, step_seconds=0.6)
    async with supervised(step, name="hangs", patience=patience) as supervisor:
        assert supervisor.not_ready() is None
        await until(slow)
        assert times == 1
        await until(failed)
        assert supervisor.not_ready() == "failing: hangs"


async def test_a_step_that_hangs_during_an_outage_does_not_end_the_process(ends: list[str]) -> None:
    problem: str | None = "database does not answer"
    times = 0

    async def step() -> float:
        nonlocal times
        times += 1
        return await hangs()

    async def tried_again() -> bool:
        return times > 3

    async def ended() -> bool:
        return bool(ends)

    patience = Patience(unready_seconds=0.1, slow_seconds=0.1, step_seconds=0.2, end_seconds=0.1)
    async with supervised(step, name="waits", patience=patience, outages=Outages((), (lambda: problem,))) as supervisor:
        await until(tried_again)
        assert "waits" in (supervisor.not_ready() or "")
        assert ends == []
        problem = None
        await until(ended)


async def test_a_step_that_ignores_cancellation_ends_the_process(ends: list[str]) -> None:
    async def ended() -> bool:
        return bool(ends)

    patience = Patience(slow_seconds=0.1, step_seconds=0.2, end_seconds=0.4)
    async with supervised(ignores_cancellation, name="deaf", patience=patience) as supervisor:
        await until(ended)
        assert supervisor.not_ready() == "slow: deaf"
    assert "no progress" in ends[0]


async def test_tasks_that_stop_late_are_cancelled_together() -> None:
    supervisor = Supervisor()
    for number in range(5):
        supervisor.repeat(f"late {number}", ignores_cancellation)
    supervisor.start()
    await asyncio.sleep(0.01)
    started = time.monotonic()
    with structlog.testing.capture_logs() as logs:
        await supervisor.stop(0.2)
    assert time.monotonic() - started < 3, "the tasks must be cancelled together"
    assert len(logs) == 5
    assert {log["event"] for log in logs} == {"background task did not end in time and is cancelled"}


async def test_stop_cancels_a_step_at_once_if_it_may_wait_forever() -> None:
    supervisor = Supervisor()
    supervisor.repeat("waits", hangs, cut_short=True)
    supervisor.start()
    await asyncio.sleep(0.01)
    started = time.monotonic()
    with structlog.testing.capture_logs() as logs:
        await supervisor.stop(10)
    assert time.monotonic() - started < 1
    assert logs == []
