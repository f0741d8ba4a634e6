"""The smoke test removes its customer, however it ends."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from running_api import Service, start_api
from support.stores import Backend


@pytest.fixture
def api(database_url: str, backend: Backend, tmp_path: Path) -> Iterator[Service]:
    """A campaign-api without a dispatcher, so that no campaign is finished."""
    service = start_api(database_url, backend.amqp_url, tmp_path)
    yield service
    service.stop()


def customers(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT count(*) FROM customers").fetchone()
    assert found is not None
    return int(found[0])


def smoke_test(api: Service, *arguments: str) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("leopard")), "smoke-test", api.url, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_failed_smoke_test_removes_its_customer(api: Service, database_url: str) -> None:
    failed = smoke_test(api, "--wait-seconds", "1")
    error = failed.communicate(timeout=60)[1]
    assert failed.returncode == 1
    assert "is sending after 1 s" in error
    assert customers(database_url) == 0
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT FROM outbound_messages").fetchall() == []


def test_a_terminated_smoke_test_removes_its_customer(api: Service, database_url: str) -> None:
    ended = smoke_test(api)
    deadline = time.monotonic() + 60
    while customers(database_url) == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ended.send_signal(signal.SIGTERM)
    assert ended.communicate(timeout=60)[0] == ""
    assert ended.returncode == 128 + signal.SIGTERM
    assert customers(database_url) == 0


def test_the_smoke_test_reports_a_url_without_campaign_api(api: Service) -> None:
    failed = subprocess.run(
        [str(Path(sys.executable).with_name("leopard")), "smoke-test", f"{api.url}/nowhere"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert failed.returncode == 1
    [line] = failed.stderr.splitlines()
    assert "404" in line
