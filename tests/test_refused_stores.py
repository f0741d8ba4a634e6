"""A store that cannot be used is reported in one line without the password, at once if waiting cannot help."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from leopard.db.schema import newest_revision
from leopard_local.ports import free_port
from password_roles import roles_with_passwords
from support.stores import Backend

PASSWORD = "s3cr3t-horse"  # noqa: S105 not a real password
ROLE = "someone_refused"
REPORT_SECONDS = 10
START_SECONDS = 20
"""Maximum time for the start of Python on a busy machine."""


@pytest.fixture(scope="module")
def refused_database(backend: Backend) -> Iterator[str]:
    """A database URL with a wrong password."""
    with roles_with_passwords(backend.admin_url, {ROLE: "another"}) as address:
        yield f"postgresql://{ROLE}:{PASSWORD}@{address}/postgres"


@pytest.fixture
def refused_broker(backend: Backend) -> str:
    """An AMQP URL with a wrong password."""
    return f"amqp://guest:{PASSWORD}@{urlsplit(backend.amqp_url).netloc.rsplit('@', 1)[-1]}/"


def environment(database_url: str, amqp_url: str, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEOPARD_")}
    return {**kept, "LEOPARD_DATABASE_URL": database_url, "LEOPARD_AMQP_URL": amqp_url, **more}


def run(command: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    program, *arguments = command.split()
    return subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        env=variables,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        "migrate --wait-seconds 80",
        "wait-for-schema --wait-seconds 80",
        "dead-letters list --wait-seconds 80",
        "dead-letters drop --all --wait-seconds 80",
    ],
)
def test_a_refused_login_ends_a_command_with_one_line(command: str, refused_database: str, refused_broker: str) -> None:
    started = time.monotonic()
    done = run(f"leopard {command}", environment(refused_database, refused_broker))
    assert time.monotonic() - started < REPORT_SECONDS + START_SECONDS
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    url = urlsplit(refused_broker if "dead" in command else refused_database)
    store = "RabbitMQ" if "dead" in command else "PostgreSQL"
    assert line.startswith(f"{store} at {url.hostname}:{url.port} (user {url.username}, ")
    assert line.endswith("): login refused")


@pytest.mark.parametrize("service", ["campaign-api", "dispatcher", "sender-worker"])
def test_a_service_reports_which_store_refuses_its_login(
    service: str, refused_database: str, refused_broker: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    port = {"LEOPARD_HOST": "127.0.0.1", "LEOPARD_PORT": str(free_port())}
    with log.open("wb") as written:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name(service))],
            env=environment(refused_database, refused_broker, **port),
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + REPORT_SECONDS + START_SECONDS
        while log.read_text().count("): login refused") < 2:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)
    output = log.read_text()
    for url, store in ((urlsplit(refused_database), "PostgreSQL"), (urlsplit(refused_broker), "RabbitMQ")):
        assert output.count(f"{store} at {url.hostname}:{url.port} (user {url.username}, ") == 1
    assert PASSWORD not in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("migrate", "PostgreSQL at 127.0.0.1:1 (user u, database d): connection refused"),
        ("wait-for-schema", "PostgreSQL at 127.0.0.1:1 (user u, database d): connection refused"),
        ("dead-letters list", "RabbitMQ at 127.0.0.1:1 (user u, virtual host /): connection refused"),
    ],
)
def test_a_command_reports_that_it_waits_for_an_unavailable_store(command: str, expected: str) -> None:
    variables = environment(f"postgresql://u:{PASSWORD}@127.0.0.1:1/d", f"amqp://u:{PASSWORD}@127.0.0.1:1/")
    done = run(f"leopard {command} --wait-seconds 2", variables)
    assert done.returncode == 1
    assert done.stdout == ""
    waiting, line = done.stderr.splitlines()
    assert "waiting" in waiting
    assert expected in waiting
    assert line == expected


@pytest.mark.parametrize("form", ["hosts", "keywords", "service"])
def test_commands_accept_every_form_of_database_url(form: str, database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url) as connection:
        given = connection.info.get_parameters() | {"password": connection.info.password}
    keywords = {name: given[name] for name in ("host", "port", "user", "password", "dbname") if given.get(name)}
    variables = {}
    if form == "service":
        (tmp_path / "services.conf").write_text("[leopard]\n" + "".join(f"{n}={v}\n" for n, v in keywords.items()))
        variables["PGSERVICEFILE"] = str(tmp_path / "services.conf")
        url = "service=leopard"
    elif form == "hosts":
        address = f"127.0.0.1:1,{keywords['host']}:{keywords['port']}"
        url = f"postgresql://{keywords['user']}:{keywords.get('password', '')}@{address}/{keywords['dbname']}"
        url += "?target_session_attrs=read-write"
    else:
        url = " ".join(f"{name}={value}" for name, value in keywords.items())
    variables = environment(url, "amqp://nowhere/", **variables)
    done = run("leopard migrate", variables)
    assert (done.stdout, done.stderr) == (f"schema already at {newest_revision()}\n", "")
    done = run("leopard wait-for-schema", variables)
    assert (done.returncode, done.stderr) == (0, "")
