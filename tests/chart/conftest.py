"""The API server of a run, and a release for each test that asks for one."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chart.api_server import VARIABLE, description, is_built, running
from chart.releases import Release, release_by

_SERVER: contextlib.ExitStack = contextlib.ExitStack()
collect_ignore = [] if is_built() else ["test_kubectl.py"]


def pytest_configure(config: pytest.Config) -> None:
    """Start the API server once; processes that run tests find it by the environment."""
    if not hasattr(config, "workerinput") and is_built() and not config.option.collectonly:
        os.environ[VARIABLE] = str(_SERVER.enter_context(running()).folder)


def pytest_unconfigure() -> None:
    """End it."""
    _SERVER.close()


def pytest_report_header() -> str:
    """Say which server the tests use."""
    return description()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it again where the outcome stands."""
    terminalreporter.write_line(description())


@pytest.fixture
def release(helm: str, tmp_path: Path) -> Iterator[Release]:
    """Not installed yet, in an empty namespace."""
    with release_by(helm, tmp_path) as made:
        yield made
