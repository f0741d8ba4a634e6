"""A service or command with a wrong URL ends with status 2, and one line that names the variable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PASSWORD = "s3cr3t"  # noqa: S105 not a real password
URLS = {
    "LEOPARD_DATABASE_URL": f"postgresql://u:{PASSWORD}@127.0.0.1:1/leopard",
    "LEOPARD_AMQP_URL": f"amqp://u:{PASSWORD}@127.0.0.1:1/",
}
WRONG_DATABASE = ("LEOPARD_DATABASE_URL", f"mysql://u:{PASSWORD}@x/y")
WRONG_BROKER = ("LEOPARD_AMQP_URL", "localhost:5672")


def run(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    program, *arguments = command.split()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEOPARD_")}
    return subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        env={**kept, **URLS, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("campaign-api", WRONG_DATABASE),
        ("dispatcher", WRONG_BROKER),
        ("sender-worker", WRONG_BROKER),
        ("sender-worker", ("LEOPARD_HTTP_URL", "127.0.0.1:9090/messages")),
        ("sender-worker", ("LEOPARD_HTTP_URL", "http://")),
        ("sender-worker", ("LEOPARD_HTTP_TOKEN", f"{PASSWORD}\nx: y")),
        ("leopard migrate", WRONG_DATABASE),
        ("leopard migrate", ("LEOPARD_MIGRATION_DATABASE_URL", f"postgresql://u:{PASSWORD}@db:port/leopard")),
        ("leopard wait-for-schema", ("LEOPARD_DATABASE_URL", " ")),
        ("leopard dead-letters list", WRONG_BROKER),
        ("leopard dead-letters drop --all", ("LEOPARD_AMQP_URL", f"amqp://u:{PASSWORD}@mq/?hartbeat=1")),
    ],
)
def test_a_wrong_value_prevents_the_start_and_is_reported(command: str, wrong: tuple[str, str]) -> None:
    name, value = wrong
    done = run(command, **{name: value})
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{name}: ")
    assert PASSWORD not in line


def test_a_wrong_url_of_the_smoke_test_is_reported() -> None:
    done = run("leopard smoke-test localhost:8080")
    assert done.returncode == 2
    assert "Invalid value for 'URL': does not begin with http:// or https://" in done.stderr


def test_a_missing_setting_that_another_setting_needs_is_reported() -> None:
    done = run("sender-worker", LEOPARD_PROVIDER="http", LEOPARD_HTTP_URL="")
    assert done.returncode == 2
    assert done.stderr.startswith("LEOPARD_HTTP_URL is needed")
