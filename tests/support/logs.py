"""A pytest plugin that fails a test which logs a private value or an unexpected traceback.

It watches the logs of this process. Mark a test that provokes tracebacks with `expects_tracebacks`.
"""

import sys
import traceback
from collections.abc import Iterator
from typing import Any, Final

import pytest
import structlog
from structlog.typing import EventDict

from leopard.telemetry.logs import without_values

_TRACEBACKS: Final[list[str]] = []
_LEAKS: Final[list[str]] = []


def pytest_configure(config: pytest.Config) -> None:
    """Watch all loggers of this process."""
    config.addinivalue_line("markers", "expects_tracebacks: the tested code logs tracebacks")
    _keep_no_loggers()
    _watch_all()


def _keep_no_loggers() -> None:
    """A logger that keeps the configuration of one test would hide its lines from the tests after it."""
    configure = structlog.configure

    def configure_without_cache(**given: Any) -> None:
        configure(**{**given, "cache_logger_on_first_use": False})

    structlog.configure = configure_without_cache  # type: ignore[assignment]


def _watch_all() -> None:
    # change the list in place, so that existing loggers are watched too
    processors = structlog.get_config()["processors"]
    if _watch not in processors:
        processors.insert(0, _watch)


def _watch(_logger: Any, _method: str, event: EventDict) -> EventDict:
    from leopard_local.log_audit import private_values  # noqa: PLC0415 only test runs have it on their path

    error = _exception(event.get("exc_info"))
    written = str({name: value for name, value in event.items() if name != "exc_info"})
    if error is not None:
        formatted = without_values("".join(traceback.format_exception(error)))
        _TRACEBACKS.append(f"{written}\n{formatted}")
        written += formatted
    if found := private_values(written):
        _LEAKS.append(f"{found[0]!r} in {written}")
    return event


def _exception(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    if isinstance(exc_info, BaseException):
        return exc_info
    return sys.exc_info()[1] if exc_info else None


@pytest.fixture(autouse=True)
def watched_logs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test if its process logged a private value or an unexpected traceback."""
    # a test that configures logs replaces the processors
    _watch_all()
    _TRACEBACKS.clear()
    _LEAKS.clear()
    yield
    problems = [f"a private value was logged: {leak}" for leak in _LEAKS]
    if request.node.get_closest_marker("expects_tracebacks") is None:
        problems += [f"a traceback was logged: {one}" for one in _TRACEBACKS]
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)
