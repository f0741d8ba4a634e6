"""A background task that meets an error is tried again, and is never silently dead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog
from prometheus_client import REGISTRY

from leopard import supervision
from leopard.supervision import Patience, Step, Supervisor
from leopard.testing import until


@asynccontextmanager
async def repeated(
    step: Step, *, name: str, patience: Patience | None = None, outages: tuple[type[Exception], ...] = ()
) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(patience=patience, outages=outages)
    supervisor.repeat(name, step)
    supervisor.start()
    try:
        yield supervisor
    finally:
        await supervisor.stop(1)


def failures(name: str) -> float:
    return REGISTRY.get_sample_value("leopard_background_failures_total", {"task": name}) or 0


async def test_an_unexpected_error_is_logged_once_counted_and_tried_again() -> None:
    times = 0

    async def step() -> float:
        nonlocal times
        times += 1
        if times <= 3:
            raise LookupError
        return 60

    async def works() -> bool:
        return times > 3

    with structlog.testing.capture_logs() as logs:
        async with repeated(step, name="fails thrice"):
            await until(works)
            await asyncio.sleep(0.05)
    assert failures("fails thrice") == 3
    assert [log["event"] for log in logs] == ["background task failed, retrying", "background task works again"]
    assert isinstance(logs[0]["exc_info"], LookupError)
    success = REGISTRY.get_sample_value("leopard_background_last_success_timestamp_seconds", {"task": "fails thrice"})
    assert success


@pytest.mark.parametrize("error", [asyncio.CancelledError, TimeoutError, ValueError])
async def test_no_error_ends_a_task(error: type[BaseException]) -> None:
    times = 0

    async def step() -> float:
        nonlocal times
        times += 1
        if times == 1:
            raise error
        return 60

    async def again() -> bool:
        return times == 2

    async with repeated(step, name="goes on"):
        await until(again)


async def test_a_task_that_is_cancelled_from_outside_is_started_again() -> None:
    times = 0

    async def step() -> float:
        nonlocal times
        times += 1
        return 60

    async def again() -> bool:
        return times == 2

    async with repeated(step, name="cancelled"):
        await asyncio.sleep(0.05)
        [task] = [task for task in asyncio.all_tasks() if task.get_name() == "leopard: cancelled"]
        task.cancel()
        await until(again)


async def test_a_step_that_hangs_has_failed() -> None:
    async def step() -> float:
        await asyncio.sleep(60)
        return 0

    async def failed() -> bool:
        return failures("hangs") > 0

    async with repeated(step, name="hangs", patience=Patience(step_seconds=0.05)):
        await until(failed)


async def test_a_step_that_keeps_failing_is_not_ready_and_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[str] = []
    monkeypatch.setattr(supervision, "end_process", ends.append)

    async def step() -> float:
        raise LookupError

    async def ended() -> bool:
        return bool(ends)

    async with repeated(step, name="broken", patience=Patience(unready_seconds=0.1, end_seconds=0.5)) as supervisor:
        assert supervisor.not_ready() is None
        await until(ended)
        assert supervisor.not_ready() == "failing: broken"
    assert "broken" in ends[0]


async def test_an_outage_is_waited_for_and_never_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[str] = []
    monkeypatch.setattr(supervision, "end_process", ends.append)

    async def step() -> float:
        raise ConnectionError

    patience = Patience(unready_seconds=0.1, end_seconds=0.1)
    async with repeated(step, name="outage", patience=patience, outages=(ConnectionError,)) as supervisor:
        await asyncio.sleep(1.5)
        assert supervisor.not_ready() == "failing: outage"
    assert ends == []
    assert failures("outage") == 0
