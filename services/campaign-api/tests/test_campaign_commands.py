"""`leopard campaigns` lists, shows, sends, follows and controls campaigns through the API."""

import asyncio
import json

import pytest

from leopard.cli.main import main
from leopard.db.counts import adding
from leopard.db.pool import Connection
from running_api import Service
from support.factories import add_campaign, add_customers, add_messages


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


async def test_campaigns_are_listed_and_shown(
    service: Service, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    first = await add_campaign(connection, status="draft", template="Hi {nickname}")
    second = await add_campaign(connection, status="sent")
    url = ["--url", service.url]
    assert main(["campaigns", "list", *url]) == 0
    header, *listed = lines_of(capsys)
    assert header == "id status channel created scheduled name"
    assert [line.split()[:3] for line in listed] == [[str(second), "sent", "sms"], [str(first), "draft", "sms"]]
    assert main(["campaigns", "list", "--status", "sent", "--limit", "5", "--json", *url]) == 0
    assert [campaign["id"] for campaign in json.loads(capsys.readouterr().out)] == [second]
    assert main(["campaigns", "show", str(first), *url]) == 0
    shown = lines_of(capsys)
    assert "base_template Hi {nickname}" in shown
    assert "warning Unknown placeholder {nickname}" in shown
    assert "pending 0" in shown


async def test_a_campaign_is_sent_paused_resumed_and_cancelled(
    service: Service, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    customers = await add_customers(connection, 3)
    campaign_id = str(await add_campaign(connection, status="draft"))
    url = ["--url", service.url]
    assert main(["campaigns", "send", campaign_id, "--customer", str(customers[0]), *url]) == 0
    for command in ("pause", "resume", "cancel"):
        assert main(["campaigns", command, campaign_id, *url]) == 0
    assert lines_of(capsys) == [
        f"campaign {campaign_id} is sending, 1 messages to send",
        f"campaign {campaign_id} is paused",
        f"campaign {campaign_id} is sending",
        f"campaign {campaign_id} is cancelled",
    ]
    assert main(["campaigns", "resume", campaign_id, *url]) == 1
    assert capsys.readouterr().err == f"Campaign {campaign_id} is cancelled; it cannot be resumed\n"


async def test_a_campaign_is_followed_to_its_end(
    service: Service, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    customers = await add_customers(connection, 2)
    campaign_id = await add_campaign(connection, status="sending")
    await add_messages(connection, campaign_id, customers)
    following = asyncio.create_task(
        asyncio.to_thread(main, ["campaigns", "watch", str(campaign_id), "--json", "--url", service.url])
    )
    await asyncio.sleep(1.5)
    assert not following.done()
    await connection.execute(adding(("sent",), "SELECT %s, 1, 2"), [campaign_id])
    await connection.execute("UPDATE campaigns SET status = 'sent'")
    assert await asyncio.wait_for(following, 20) == 0
    output = capsys.readouterr()
    assert output.err.startswith("sending: 0 of 2")
    assert json.loads(output.out)["stats"]["sent"] == 2


async def test_failures_are_shown_by_their_reasons(
    service: Service, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    customers = await add_customers(connection, 9)
    campaign_id = await add_campaign(connection, status="sending")
    messages = await add_messages(connection, campaign_id, customers)
    await connection.execute(
        """
        UPDATE outbound_messages
           SET status = 'failed', last_error = CASE WHEN id <= %s THEN 'provider answered 500' ELSE E'odd\x1b[2J' END,
               next_attempt_at = CASE WHEN id = %s THEN now() END
        """,
        [messages[6], messages[0]],
    )
    assert main(["campaigns", "failures", str(campaign_id), "--url", service.url]) == 0
    examples = ", ".join(map(str, messages[:5]))
    assert lines_of(capsys) == [
        "messages waiting reason for example messages",
        f"7 1 provider answered 500 {examples}",
        f"2 0 odd\N{REPLACEMENT CHARACTER}[2J {messages[7]}, {messages[8]}",
    ]


async def test_an_unknown_campaign_is_named(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("show", "watch", "failures", "pause"):
        assert main(["campaigns", command, "999", "--url", service.url]) == 1
        assert "Campaign 999 not found" in capsys.readouterr().err


def test_an_api_that_cannot_be_reached_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["campaigns", "list", "--url", "http://127.0.0.1:1"]) == 1
    assert "the API cannot be reached" in capsys.readouterr().err
