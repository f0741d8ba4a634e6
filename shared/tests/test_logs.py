"""Log lines are structured and contain no phone number."""

import json
import subprocess
import sys

SCRIPT = """
import logging
from leopard.telemetry.logs import configure_logs, get_logger
from leopard.settings import LogFormat, LogLevel

configure_logs("tests", LogFormat.{format}, LogLevel.INFO)
log = get_logger("a.module")

def fails(phone):
    # as PostgreSQL says it
    raise ValueError(f"duplicate key\\nDETAIL:  Key (phone)=({{phone}}) already exists.")

log.info("sent", campaign_id=1, message_id=2)
logging.getLogger("a.library").warning("said %s", "something")
try:
    fails("+2547" + "00123456")
except ValueError:
    log.exception("failed")
"""


def run(log_format: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(format=log_format)], check=True, capture_output=True, text=True
    )
    return done.stdout


def test_json_lines_carry_the_ids() -> None:
    ours, library, failure = (json.loads(line) for line in run("JSON").splitlines())
    assert (ours["event"], ours["campaign_id"], ours["message_id"]) == ("sent", 1, 2)
    assert (ours["service"], ours["level"], ours["logger"]) == ("tests", "info", "a.module")
    assert (library["event"], library["level"]) == ("said something", "warning")
    assert failure["exception"][0]["exc_type"] == "ValueError"


def test_a_traceback_shows_no_phone_number() -> None:
    for log_format in ("JSON", "TEXT"):
        written = run(log_format)
        assert "ValueError" in written
        assert "duplicate key" in written
        assert "254700123456" not in written
