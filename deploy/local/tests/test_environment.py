"""Local tools ignore the caller's environment, except for a list of variables."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from leopard_local.__main__ import PACKAGES
from leopard_local.children import Child
from leopard_local.demo import run_demo

ROOT = Path(__file__).resolve().parents[3]
NOWHERE = "http://127.0.0.1:1"
HOSTILE = {
    "LEOPARD_PROVIDER": "http",
    "LEOPARD_HTTP_URL": NOWHERE,
    "LEOPARD_HTTP_TOKEN": "of a real account",
    "LEOPARD_DATABASE_URL": "garbage",
    "LEOPARD_AMQP_URL": "garbage",
    "LEOPARD_LOG_LEVEL": "nonsense",
    "LEOPARD_MOCK_SUCCESS_RATE": "0",
    "LEOPARD_SECRETS_DIR": "/nowhere",
    "http_proxy": NOWHERE,
    "HTTP_PROXY": NOWHERE,
    "https_proxy": NOWHERE,
    "all_proxy": "socks5://127.0.0.1:1",
    "PGSSLMODE": "require",
    "PGOPTIONS": "-c default_transaction_read_only=on",
    "RABBITMQ_NODE_PORT": "1",
    "ERL_FLAGS": "-no_such_flag",
}
PRINT_ENVIRONMENTS = """
import json, os, sys
from leopard_local.environment import download_environment, forget_settings
forget_settings()
json.dump([dict(os.environ), download_environment()], sys.stdout)
"""


@pytest.fixture
def provider() -> Iterator[tuple[str, list[str]]]:
    """A server in place of a real provider: its URL, and the requests that it received."""
    requests: list[str] = []

    class Accept(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Accept) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/messages", requests
        server.shutdown()
        thread.join()


def test_the_demo_sends_through_the_mock_provider_in_any_environment(
    folder: Path, provider: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url, requests = provider
    # leave out PG variables: libpq reads them in this process, and `make demo` removes them before this code runs
    for name, value in (HOSTILE | {"LEOPARD_HTTP_URL": url}).items():
        if not name.startswith("PG"):
            monkeypatch.setenv(name, value)
    assert run_demo(folder, PACKAGES, recipients=50, workers=1) == 0
    assert requests == []
    # the environment configures a mock that refuses every message
    assert "to customer" in capsys.readouterr().out


def test_a_process_of_a_stack_inherits_only_variables_that_locate_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (HOSTILE | {"LC_ALL": "C", "OTEL_SDK_DISABLED": "true"}).items():
        monkeypatch.setenv(name, value)
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    child = Child("a child", [sys.executable, "-c", script], tmp_path / "log", {"LEOPARD_PORT": "8081"})
    child.start()
    assert child.process is not None
    assert child.process.wait(20) == 0
    inherited = json.loads(child.tail())
    assert (inherited["PATH"], inherited["LC_ALL"]) == (os.environ["PATH"], "C")
    assert {name: value for name, value in inherited.items() if name.startswith("LEOPARD_")} == {"LEOPARD_PORT": "8081"}
    assert not inherited.keys() & (HOSTILE.keys() | {"OTEL_SDK_DISABLED"})


def test_a_tool_removes_settings_and_passes_proxies_only_to_downloads() -> None:
    chosen = {"LEOPARD_TEST_BACKEND": "local", "LEOPARD_LOCAL_PACKAGES": "/packages", "LEOPARD_BASE_URL": "http://here"}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "deploy/local"), **HOSTILE, **chosen}
    done = subprocess.run(
        [sys.executable, "-c", PRINT_ENVIRONMENTS],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    own, downloads = json.loads(done.stdout)
    assert {name: value for name, value in own.items() if name.startswith(("LEOPARD_", "PG"))} == chosen
    assert not [name for name in own if name.lower().endswith("_proxy")]
    assert downloads == own | {name: value for name, value in HOSTILE.items() if name.lower().endswith("_proxy")}


def test_a_test_run_passes_in_any_environment() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "tests/test_topology.py", "shared/tests/test_settings.py"]
    environment = {**os.environ, "PYTHONPATH": "deploy/local", "LEOPARD_TEST_BACKEND": "local", **HOSTILE}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr


def test_make_uses_its_arguments_and_ignores_the_environment() -> None:
    names = ("PORT", "WORKERS", "CUSTOMERS", "BASE_URL", "DATABASE_URL", "AMQP_URL", "TESTS", "SEED")
    environment = {**os.environ, **dict.fromkeys(names, "from-the-environment")}

    def commands(*arguments: str) -> str:
        done = subprocess.run(
            ["make", "--dry-run", *arguments], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    for target in ("demo", "up", "sample-data", "demo-campaign", "test", "chaos", "e2e"):
        assert "from-the-environment" not in commands(target)
    given = commands("up", "DATABASE_URL=postgresql://db/x?a=1&b=2", "AMQP_URL=amqp://mq/", "PORT=9")
    assert "--port 9 " in given
    assert "--database-url 'postgresql://db/x?a=1&b=2' --amqp-url 'amqp://mq/'" in given
