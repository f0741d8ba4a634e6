"""A local stack with processes that tests can kill."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from leopard_local.__main__ import PACKAGES
from leopard_local.http_client import http_client
from leopard_local.log_audit import check_logs
from leopard_local.stack import Stack, running_stack

SETTINGS = {
    "lease_seconds": "3",
    "sweep_seconds": "1",
    "backoff_seconds": "1",
    "mock_latency_min_seconds": "0.5",
    "mock_latency_max_seconds": "1.5",
    "mock_success_rate": "1",
    "prefetch": "400",
}


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """A stack with two workers and a slow provider. A test must restart the processes that it kills."""
    with tempfile.TemporaryDirectory(prefix="leopard-recovery-") as folder:
        Path(folder).chmod(0o755)
        with running_stack(Path(folder), packages=PACKAGES, workers=2, settings=SETTINGS) as started:
            yield started
        check_logs(Path(folder))


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx2.Client]:
    """A client of the API."""
    with http_client(stack.api_url) as opened:
        yield opened
