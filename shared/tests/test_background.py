"""A background task retries after every error, and never dies silently."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import structlog
from prometheus_client import REGISTRY

from leopard.runtime import background
from leopard.runtime.background import Outages, Patience, Step
from leopard.runtime.supervision import Supervisor
from support.factories import failures_of, until

pytestmark = pytest.mark.expects_tracebacks


@asynccontextmanager
async def repeated(
    step: Step, *, name: str, patience: Patience | None = None, outages: Outages | None = None
) -> AsyncIterator[None]:
    supervisor = Supervisor(patience=patience, outages=outages)
    supervisor.repeat(name, step)
    supervisor.start()
    try:
        yield
    finally:
        await supervisor.stop(1)


class Errors:
    """A step that raises each error once, and then succeeds."""

    def __init__(self, errors: Sequence[type[BaseException]]) -> None:
        self.errors = errors
        self.times = 0

    async def step(self) -> float:
        self.times += 1
        if self.times <= len(self.errors):
            raise self.errors[self.times - 1]
        return 60

    async def works(self) -> bool:
        return self.times > len(self.errors)


async def test_an_unexpected_error_is_logged_once_and_counted_and_the_step_retried() -> None:
    step = Errors([LookupError] * 3)
    with structlog.testing.capture_logs() as logs:
        async with repeated(step.step, name="fails thrice"):
            await until(step.works)
            await asyncio.sleep(0.05)
    assert failures_of("fails thrice") == 3
    assert [log["event"] for log in logs] == ["background task failed, retrying", "background task works again"]
    assert isinstance(logs[0]["exc_info"], LookupError)
    success = REGISTRY.get_sample_value("leopard_background_last_success_timestamp_seconds", {"task": "fails thrice"})
    assert success


async def test_each_kind_of_error_is_logged_once_until_the_step_works_again() -> None:
    step = Errors([LookupError, ValueError, LookupError, ValueError])
    with structlog.testing.capture_logs() as logs:
        async with repeated(step.step, name="alternates"):
            await until(step.works)
            await asyncio.sleep(0.05)
    assert failures_of("alternates") == 4
    assert [type(log.get("exc_info")) for log in logs] == [LookupError, ValueError, type(None)]


@pytest.mark.parametrize("error", [asyncio.CancelledError, TimeoutError, ValueError])
async def test_no_error_ends_a_task(error: type[BaseException]) -> None:
    step = Errors([error])
    async with repeated(step.step, name="continues"):
        await until(step.works)


async def test_an_outage_is_not_counted_as_a_failure() -> None:
    step = Errors([ConnectionError])
    async with repeated(step.step, name="store unavailable", outages=Outages((ConnectionError,))):
        await until(step.works)
    assert failures_of("store unavailable") == 0


@pytest.mark.parametrize("name", ["rests", "works"])
async def test_a_task_cancelled_by_other_code_is_started_again(name: str) -> None:
    times = 0

    async def step() -> float:
        nonlocal times
        times += 1
        if name == "works":
            await asyncio.sleep(60)
        return 60

    async def again() -> bool:
        return times == 2

    async with repeated(step, name=name):
        await asyncio.sleep(0.05)
        [task] = [task for task in asyncio.all_tasks() if task.get_name() == f"leopard: {name}"]
        task.cancel()
        await until(again)
    assert failures_of(name) == 1


async def test_a_step_that_hangs_counts_as_failed() -> None:
    async def step() -> float:
        await asyncio.sleep(60)
        return 0

    async def failed() -> bool:
        return failures_of("hangs once") > 0

    async with repeated(step, name="hangs once", patience=Patience(step_seconds=0.05)):
        await until(failed)


async def test_an_error_that_was_logged_where_it_was_raised_is_not_logged_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "OUTAGE_LOG_SECONDS", 0)
    step = Errors([ConnectionRefusedError, ConnectionResetError])
    outages = Outages((ConnectionError,), logged=(ConnectionRefusedError,))
    with structlog.testing.capture_logs() as logs:
        async with repeated(step.step, name="waits", outages=outages):
            await until(step.works)
    assert [log["reason"] for log in logs if "reason" in log] == ["ConnectionResetError: "]
