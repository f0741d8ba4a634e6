"""The fault injector: throws an error into a background task where the task waits.

Only the tasks of the services are met: their names begin with "leopard: ". Left out are the tasks of the test, of the
libraries (a pool's workers, a connection's reader) and of HTTP requests. An error there is that library's own, and
shows at an await of ours, which is met here.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

PREFIX: Final = "leopard: "

_RESUMES: Final = 3
"""How often a task goes on unharmed between two errors on average, once the gap is over."""

_LEAST_GAP_SECONDS: Final = 1.0
"""The least time between two errors in one task: those that wait often would get nearly all of them."""


_LASTING_AT: Final = 15
_LASTING_EVERY: Final = 100
"""Which of the errors lasts: its task meets it again and again, until the service has ended."""

SINGLE: Final = "send message"
"""A task that is not repeated: none of its errors lasts."""


class InjectedError(Exception):
    """An error that no code expects."""


KINDS: Final[tuple[Callable[[], BaseException], ...]] = (
    # twice: unexpected errors matter most
    lambda: InjectedError("injected"),
    lambda: InjectedError("injected"),
    lambda: asyncio.CancelledError("injected"),
    lambda: TimeoutError("injected"),
    lambda: psycopg.OperationalError("injected"),
    lambda: ConnectionResetError("injected"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """An error that was thrown: what, into which task, and where the task waited."""

    at: float
    service: str
    task: str
    error: BaseException
    where: str


@dataclass(slots=True)
class _Countdown:
    """When a task gets its next error."""

    begins_at: float
    resumes: int


@dataclass
class Injector:
    """Throws errors into all tasks until none is `left`; each task has its own turns."""

    rng: random.Random
    service_of_task: Callable[[], str | None]
    """The service that the running task belongs to."""
    left: int = 0
    faults: list[Fault] = field(default_factory=list)
    lasting: tuple[str, str] | None = None
    """The service and the task that fail until the service has ended."""
    lasted: int = 0
    _countdowns: dict[tuple[str, str], _Countdown] = field(default_factory=dict)

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have every task that begins from now on pass through this injector."""

        def factory(
            loop: asyncio.AbstractEventLoop,
            coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
            *,
            context: Context | None = None,
            **options: Any,
        ) -> asyncio.Task[Any]:
            assert asyncio.iscoroutine(coroutine)
            return asyncio.Task(_Injected(coroutine, self), loop=loop, context=context, **options)

        loop.set_task_factory(factory)

    def error_for_running_task(self, waiting: Coroutine[Any, Any, Any]) -> BaseException | None:
        """What to throw into the task that is about to go on; null where it goes on unharmed."""
        task = asyncio.current_task()
        service = self.service_of_task()
        # a task factory is called before the task has its name
        if task is None or service is None or not task.get_name().startswith(PREFIX):
            return None
        name = task.get_name().removeprefix(PREFIX)
        if self.lasting == (service, name):
            return InjectedError("injected again")
        if self.left <= 0 or not self._has_its_turn(service, name):
            return None
        file, where = _innermost(waiting)
        error = self.rng.choice(KINDS)()
        if "/asyncio/" in file:
            # nothing but a cancellation can come out of the waiting of asyncio's own locks and events
            error = asyncio.CancelledError("injected")
        self.left -= 1
        self.faults.append(Fault(time.monotonic(), service, name, error, where))
        if len(self.faults) >= _LASTING_AT + _LASTING_EVERY * self.lasted and name != SINGLE and not self.lasting:
            self.lasting, self.lasted = (service, name), self.lasted + 1
        return error

    def _has_its_turn(self, service: str, name: str) -> bool:
        now = time.monotonic()
        countdown = self._countdowns.get((service, name))
        if countdown is None or countdown.resumes < 0:
            # the first may come at once: what a service does at its start is done only then
            gap = self.rng.uniform(-1, 1) if countdown is None else 1
            countdown = _Countdown(now + gap * _LEAST_GAP_SECONDS, int(self.rng.expovariate(1 / _RESUMES)))
            self._countdowns[service, name] = countdown
        if now < countdown.begins_at:
            return False
        countdown.resumes -= 1
        return countdown.resumes < 0

    def begin_again(self, service: str) -> None:
        """Let the tasks of a service that starts have their first errors."""
        for key in [key for key in self._countdowns if key[0] == service]:
            del self._countdowns[key]
        if self.lasting is not None and self.lasting[0] == service:
            self.lasting = None

    def is_lasting(self, service: str) -> bool:
        """Whether a service is about to end because of an error that lasts."""
        return self.lasting is not None and self.lasting[0] == service

    def summary(self) -> str:
        """How many errors each task got, a line each."""
        counted = Counter((fault.service, fault.task) for fault in self.faults)
        return "\n".join(f"{count:>5}  {service}: {task}" for (service, task), count in sorted(counted.items()))


class _Injected(Coroutine[Any, Any, Any]):
    """A coroutine that gets an error thrown in where the injector says so."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], injector: Injector) -> None:
        self._coroutine = coroutine
        self._injector = injector
        self.__name__ = getattr(coroutine, "__name__", type(coroutine).__name__)
        self.__qualname__ = getattr(coroutine, "__qualname__", self.__name__)

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        error = self._injector.error_for_running_task(self._coroutine)
        return self._coroutine.send(value) if error is None else self._coroutine.throw(error)

    def throw(self, *error: Any) -> Any:
        return self._coroutine.throw(*error)

    def close(self) -> None:
        self._coroutine.close()


def _innermost(coroutine: Any) -> tuple[str, str]:
    """The file in which a coroutine waits, and where that is, as seen from the code of the services."""
    file, own = "", "before its first await"
    current = coroutine
    while current is not None:
        frame = getattr(current, "cr_frame", None) or getattr(current, "gi_frame", None)
        if frame is not None:
            file = frame.f_code.co_filename
            if "site-packages" not in file and "/asyncio/" not in file:
                own = f"{Path(file).name}:{frame.f_lineno}"
        current = getattr(current, "cr_await", None) or getattr(current, "gi_yieldfrom", None)
    return file, f"{own} ({Path(file).name})"
