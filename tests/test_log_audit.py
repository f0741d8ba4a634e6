"""The audit finds forbidden data in the logs of a stack and of the test process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from leopard_local.log_audit import LogAuditError, check_logs

TRACEBACK = json.dumps({"event": "failed", "exception": [{"exc_type": "KeyError", "exc_value": "7"}]})
HARMLESS = [
    '{"event": "request", "campaign_id": 254712345678901, "timestamp": "2026-01-31T09:00:00.254712+00:00"}',
    "2026-01-31 09:00:00.254712+00:00 [warning] <0.254.0> closing AMQP connection 127.0.0.1:25471 -> 127.0.0.1:5672",
]


def write_log(folder: Path, log: str, *lines: str) -> Path:
    (folder / "logs").mkdir()
    (folder / "logs" / f"{log}.log").write_text("\n".join([*HARMLESS, *lines, *HARMLESS]))
    return folder


@pytest.mark.parametrize("log", ["sender-worker-1", "postgres", "rabbitmq"])
@pytest.mark.parametrize(
    "leak",
    [
        '{"event": "sent", "to": "+254700123456"}',
        "DETAIL:  Key (phone)=(+447911123456) already exists.",
        'GET "/customers/%2B254700123456"',
        "message to 254700123456 failed",
        '{"event": "sent", "text": "Hi Customer 7"}',
    ],
)
def test_a_phone_number_or_a_text_is_found_in_every_log(tmp_path: Path, log: str, leak: str) -> None:
    with pytest.raises(LogAuditError, match=rf"private value .* in {log}"):
        check_logs(write_log(tmp_path, log, leak))


def test_a_deadlock_is_found(tmp_path: Path) -> None:
    with pytest.raises(LogAuditError, match="deadlock in postgres"):
        check_logs(write_log(tmp_path, "postgres", "2026-01-31 09:00:00 UTC [7] ERROR:  deadlock detected"))


@pytest.mark.parametrize("line", [TRACEBACK, "Traceback (most recent call last):"])
def test_a_traceback_is_found_in_the_log_of_a_service(tmp_path: Path, line: str) -> None:
    with pytest.raises(LogAuditError, match=r"traceback of .* in dispatcher-1"):
        check_logs(write_log(tmp_path, "dispatcher-1", line))


def test_an_expected_traceback_is_accepted(tmp_path: Path) -> None:
    check_logs(write_log(tmp_path, "dispatcher-1", TRACEBACK), expected={"KeyError"})


def test_a_folder_without_logs_fails_the_audit(tmp_path: Path) -> None:
    with pytest.raises(LogAuditError, match="no logs"):
        check_logs(tmp_path)


PLANTED = """
import pytest
from leopard.telemetry.logs import get_logger

def fail():
    try:
        raise KeyError("something")
    except KeyError:
        get_logger("a service").exception("failed")

def test_leaks():
    get_logger("a service").info("sent", to="+254700" + "123456")

def test_tracebacks():
    fail()

@pytest.mark.expects_tracebacks
def test_expected():
    fail()

@pytest.mark.expects_tracebacks
def test_leaks_in_a_traceback():
    try:
        raise KeyError("+254700" + "123456")
    except KeyError as error:
        get_logger("a service").error("failed", exc_info=error)
"""


def test_a_test_that_logs_a_phone_number_or_an_unexpected_traceback_fails(tmp_path: Path) -> None:
    planted = tmp_path / "test_planted.py"
    planted.write_text(PLANTED)
    configuration = Path(__file__).parents[1] / "pyproject.toml"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-c",
            str(configuration),
            "-rA",
            "--no-header",
            "-p",
            "support.logs",
            str(planted),
        ],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    found = {line for line in done.stdout.splitlines() if line.startswith(("ERROR ", "FAILED "))}
    failed = {line.split("::")[1].split(" ")[0] for line in found}
    assert failed == {"test_leaks", "test_tracebacks", "test_leaks_in_a_traceback"}, done.stdout
