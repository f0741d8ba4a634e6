"""Logs show the outcome of each request, and contain no phone number and no text."""

import json
from typing import Any

import httpx2
import psycopg
import pytest

from running_api import Service

NUMBER = "254711222333"
TEXT = "a-very-secret-text"


def events(log: str, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.splitlines()]
    return [line for line in lines if line["event"] == event]


def test_a_phone_number_in_a_path_or_query_is_in_no_log_or_metric(service: Service) -> None:
    numbers = [
        f"+{NUMBER}",
        NUMBER,
        f"%2B{NUMBER}",
        f"00{NUMBER}",
        f"%20{NUMBER}",
        f"{NUMBER}x",
        f"{NUMBER}?",
        f"-{NUMBER}",
    ]
    bodies = {"POST": {"customer_ids": [1]}, "PATCH": {"first_name": TEXT}}
    asked = 0
    with httpx2.Client(base_url=service.url) as client:
        for number in numbers:
            for method in ("GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"):
                for path in (
                    f"/customers/{number}",
                    f"/campaigns/{number}",
                    f"/campaigns/{number}/send",
                    f"/campaigns/{number}/pause",
                    f"/campaigns/{number}/messages",
                    f"/nothing/{number}",
                    f"/{number}",
                    f"/customers?phone={number}&cursor={number}x",
                    f"/campaigns?status={number}&as_of={number}x",
                ):
                    client.request(method, path, json=bodies.get(method), headers={"Idempotency-Key": NUMBER})
                    asked += 1
        client.post("/customers", json={"phone": f"+{NUMBER}x", "first_name": TEXT})
        client.post("/customers", json={"phone": f"+{NUMBER}", "first_name": TEXT})
        client.post("/customers", json={"phone": f"+{NUMBER}", "first_name": TEXT})
        metrics = client.get("/metrics").text
    with service.connect() as connection:
        connection.sendall(f"GET /customers/+{NUMBER} oops HTTP/1.1\r\nx: {NUMBER}\r\n\r\n".encode())
        connection.recv(1000)
    log = service.stop()
    assert len(events(log, "request")) == asked + 3
    assert NUMBER not in log
    assert TEXT not in log
    assert NUMBER not in metrics


def test_an_unexpected_error_is_logged_without_values_of_the_row(service: Service, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE customers ADD CONSTRAINT odd CHECK (location IS NULL)")
    new = {"phone": f"+{NUMBER}", "first_name": TEXT, "location": "x"}
    assert httpx2.post(f"{service.url}/customers", json=new).status_code == 500
    log = service.stop()
    [failed] = events(log, "request failed")
    assert (failed["error"], failed["sqlstate"], failed["route"]) == ("CheckViolation", "23514", "/customers")
    assert "customers/queries.py" in json.dumps(failed["exception"])
    assert NUMBER not in log
    assert TEXT not in log


@pytest.mark.parametrize("campaign_id", [7, 10**7])
def test_ids_of_campaigns_are_logged(service: Service, database_url: str, campaign_id: int) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE campaigns ALTER COLUMN id RESTART WITH {campaign_id}")
    new = {"name": "Summer", "channel": "sms", "base_template": "Hi"}
    httpx2.post(f"{service.url}/campaigns", json=new)
    httpx2.get(f"{service.url}/campaigns/{campaign_id}")
    httpx2.get(f"{service.url}/campaigns/8")
    requests = events(service.stop(), "request")
    assert [(line.get("campaign_id"), line["status"]) for line in requests] == [
        (None, 201),
        (str(campaign_id), 200),
        ("8", 404),
    ]
