"""The running stack to test: the one at `LEOPARD_BASE_URL`, or a local stack that is started for the run."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from leopard_local.__main__ import PACKAGES
from leopard_local.http_client import http_client
from leopard_local.log_audit import check_logs
from leopard_local.stack import running_stack


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """URL of campaign-api."""
    url = os.environ.get("LEOPARD_BASE_URL")
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="leopard-e2e-") as folder:
        Path(folder).chmod(0o755)
        settings = {"backoff_seconds": "1"}
        with running_stack(Path(folder), packages=PACKAGES, workers=2, dispatchers=2, settings=settings) as stack:
            yield stack.api_url
        check_logs(Path(folder))


@pytest.fixture
def client(base_url: str) -> Iterator[httpx2.Client]:
    """A client of the API."""
    with http_client(base_url) as opened:
        yield opened
