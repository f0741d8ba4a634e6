"""The fault injector throws errors into background tasks at their awaits.

It affects only tasks of the services: their names begin with "leopard: ". It leaves out the tasks of the test, of HTTP
requests and of libraries (such as a pool's workers). Errors of a library reach the services at one of their awaits.
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

_MEAN_RESUMES: Final = 3
"""Mean number of resumes of a task without an error between two errors, after the minimum gap."""

_MIN_GAP_SECONDS: Final = 1.0
"""The minimum time between two errors in one task. Without it, tasks that wait often would get nearly all errors."""

_FIRST_PERSISTENT: Final = 15
_PERSISTENT_EVERY: Final = 100
"""Which errors are persistent: the task gets a persistent error at every resume until its service has ended."""

SINGLE: Final = "send message"
"""A task that is not repeated. It gets no persistent error."""


class InjectedError(Exception):
    """An error that no code expects."""


KINDS: Final[tuple[Callable[[], BaseException], ...]] = (
    # listed twice, because unexpected errors matter most
    lambda: InjectedError("injected"),
    lambda: InjectedError("injected"),
    lambda: asyncio.CancelledError("injected"),
    lambda: TimeoutError("injected"),
    lambda: psycopg.OperationalError("injected"),
    lambda: ConnectionResetError("injected"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """An injected error, its task, and the place where the task waited."""

    at: float
    service: str
    task: str
    error: BaseException
    where: str


@dataclass(slots=True)
class _Countdown:
    """Determines when a task gets its next error."""

    starts_at: float
    resumes: int


@dataclass
class Injector:
    """Throws errors into all tasks until no error is `left`. Each task has its own countdown."""

    rng: random.Random
    service_of_task: Callable[[], str | None]
    """Returns the service of the running task."""
    left: int = 0
    faults: list[Fault] = field(default_factory=list)
    persistent: tuple[str, str] | None = None
    """The service and the task that have a persistent error."""
    persistent_count: int = 0
    _countdowns: dict[tuple[str, str], _Countdown] = field(default_factory=dict)

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wrap every task that is created from now on."""

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
        """Return the error to throw into the task that is about to resume, or None."""
        task = asyncio.current_task()
        service = self.service_of_task()
        # a task factory is called before the task has its name
        if task is None or service is None or not task.get_name().startswith(PREFIX):
            return None
        name = task.get_name().removeprefix(PREFIX)
        if self.persistent == (service, name):
            return InjectedError("injected again")
        if self.left <= 0 or not self._is_due(service, name):
            return None
        file, where = _innermost(waiting)
        error = self.rng.choice(KINDS)()
        if "/asyncio/" in file:
            # a wait for a lock or event of asyncio can only raise a cancellation
            error = asyncio.CancelledError("injected")
        self.left -= 1
        self.faults.append(Fault(time.monotonic(), service, name, error, where))
        threshold = _FIRST_PERSISTENT + _PERSISTENT_EVERY * self.persistent_count
        if len(self.faults) >= threshold and name != SINGLE and not self.persistent:
            self.persistent, self.persistent_count = (service, name), self.persistent_count + 1
        return error

    def _is_due(self, service: str, name: str) -> bool:
        now = time.monotonic()
        countdown = self._countdowns.get((service, name))
        if countdown is None or countdown.resumes < 0:
            # the first error may come at once, so that the start of a service gets errors too
            gap = self.rng.uniform(-1, 1) if countdown is None else 1
            countdown = _Countdown(now + gap * _MIN_GAP_SECONDS, int(self.rng.expovariate(1 / _MEAN_RESUMES)))
            self._countdowns[service, name] = countdown
        if now < countdown.starts_at:
            return False
        countdown.resumes -= 1
        return countdown.resumes < 0

    def reset(self, service: str) -> None:
        """Restart the countdowns of a service that starts, and end its persistent error."""
        for key in [key for key in self._countdowns if key[0] == service]:
            del self._countdowns[key]
        if self.persistent is not None and self.persistent[0] == service:
            self.persistent = None

    def is_ending(self, service: str) -> bool:
        """Whether a service will end because of a persistent error."""
        return self.persistent is not None and self.persistent[0] == service

    def summary(self) -> str:
        """Return the number of errors of each task, one line each."""
        counted = Counter((fault.service, fault.task) for fault in self.faults)
        return "\n".join(f"{count:>5}  {service}: {task}" for (service, task), count in sorted(counted.items()))


class _Injected(Coroutine[Any, Any, Any]):
    """A coroutine into which the injector can throw an error at each resume."""

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
    """Return the file in which a coroutine waits, and a description with the line in the code of the services."""
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
