"""`leopard campaigns dry-run` shows the report, and follows a long dry run to its end."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

from leopard.cli.main import main
from leopard.db.pool import Connection
from running_api import Service
from support.factories import add_campaign, add_customers, rows, until

PRICES = '{"currency": "KES", "prefixes": {"+254": "0.80"}}'
ALL = ["--audience", '{"all": true}']


async def test_the_report_is_shown_as_tables(
    service: Service, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = await add_customers(connection, 4)
    await connection.execute("UPDATE customers SET first_name = repeat('x', 161) WHERE id = %s", [ids[0]])
    await connection.execute("UPDATE customers SET first_name = NULL WHERE id = %s", [ids[1]])
    campaign_id = await add_campaign(connection, status="draft", template="{first_name}")
    arguments = ["campaigns", "dry-run", str(campaign_id), "--url", service.url, *ALL, "--prices", PRICES]
    assert main(arguments) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for line in ("recipients 4", "empty, not sent 1", "to send 3", "4 segments; 3 in gsm7, 0 in ucs2",
                 "+254 3 4 0.80 3.20", "total: 3.20 KES"):  # fmt: skip
        assert line in lines, line
    bars = {line[0]: line.count("█") for line in lines if "█" in line}
    assert bars == {"1": 40, "2": 20}
    assert f"{ids[2]} 1 Customer 2" in lines


async def test_a_name_cannot_control_the_terminal(
    service: Service, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    await add_customers(connection, 1)
    await connection.execute("UPDATE customers SET first_name = E'\\x1b[31mAnn [bold]'")
    campaign_id = await add_campaign(connection, status="draft", template="{first_name}")
    assert main(["campaigns", "dry-run", str(campaign_id), "--url", service.url, *ALL]) == 0
    shown = capsys.readouterr().out
    assert "\N{REPLACEMENT CHARACTER}[31mAnn [bold]" in shown
    assert "\x1b" not in shown


async def test_customers_are_named_and_the_answer_is_printed_as_json(
    service: Service, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = await add_customers(connection, 4)
    campaign_id = await add_campaign(connection, status="draft")
    named = ["--customer", str(ids[0]), "--customer", str(ids[3])]
    assert main(["campaigns", "dry-run", str(campaign_id), "--url", service.url, *named, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"]["recipients"] == 2


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["999", *ALL], 1, "Campaign 999 not found"),
        (["1", "--audience", "{}"], 2, "must be a JSON object"),
        (["1", "--prices", "[1"], 2, "is not JSON"),
        (["none"], 2, "must be a whole number"),
    ],
)
def test_a_dry_run_that_is_refused_ends_with_the_reason(
    service: Service, arguments: list[str], status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["campaigns", "dry-run", *arguments, "--url", service.url]) == status
    assert words in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_an_api_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["campaigns", "dry-run", "1", "--url", "http://127.0.0.1:1"]) == 1
    assert "cannot be reached" in capsys.readouterr().err


async def test_an_interrupt_of_the_command_cancels_a_long_dry_run(service: Service, connection: Connection) -> None:
    await add_customers(connection, 4)
    campaign_id = await add_campaign(connection, status="draft")

    async def has_status(status: str) -> bool:
        return [row["status"] for row in await rows(connection, "SELECT status FROM dry_runs")] == [status]

    command = [sys.executable, "-m", "leopard.cli.main", "campaigns", "dry-run", str(campaign_id)]
    async with connection.transaction():
        # the dry run waits for this lock while it counts the recipients
        await connection.execute("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
        process = await asyncio.to_thread(
            subprocess.Popen, [*command, "--url", service.url, *ALL], env=os.environ.copy(), stderr=subprocess.PIPE
        )
        await until(lambda: has_status("running"))
        # the API answers after three seconds, and the command begins to ask
        await asyncio.sleep(4)
        process.send_signal(signal.SIGINT)
        await asyncio.to_thread(process.communicate)
        assert process.returncode != 0
        await until(lambda: has_status("cancelled"))
