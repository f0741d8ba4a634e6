"""A file of customers is imported, sent to, and exported again with the messages, through the public API."""

import csv
import io
import json
import random

import httpx2

from e2e.campaigns import create_campaign, wait_until_finished


def test_a_file_of_customers_becomes_a_campaign_and_its_export(client: httpx2.Client) -> None:
    place, start = f"Place {random.random()}", random.randrange(10**8)
    phones = [f"+2547{(start + n) % 10**8:08d}" for n in range(300)]
    lines = [f'{phone};Ann {n};{place};{n};"vip, ""gold"""' for n, phone in enumerate(phones)]
    lines[10] = f"2.547E+11;Ben;{place};1;x"
    content = "\r\n".join(["Handy;Vorname;location;e2e_file_points;e2e_file_note", *lines]).encode("cp1252")
    done = client.post("/customers/import", content=content, headers={"content-type": "text/csv"})
    assert done.status_code == 201, done.text
    imported = done.json()
    assert (imported["created"], imported["rejected"], imported["encoding"]) == (299, 1, "utf-8")
    [reject] = imported["rejects"]
    assert (reject["row"], reject["column"]) == (12, "Handy")
    again = client.post("/customers/import", content=content, headers={"content-type": "text/csv"}).json()
    assert (again["unchanged"], again["rejected"]) == (299, 1)

    filter_ = {"all": [{"field": "location", "equal": place}, {"field": "e2e_file_points", ">=": 100}]}
    campaign_id = create_campaign(client, base_template="Hi {first_name}")
    client.post(f"/campaigns/{campaign_id}/send", json={"audience": {"filter": filter_}}).raise_for_status()
    wait_until_finished(client, campaign_id)
    exported = client.get(f"/campaigns/{campaign_id}/messages/export").raise_for_status().text
    messages = {row["phone"]: row["rendered_content"] for row in csv.DictReader(io.StringIO(exported))}
    assert messages == {phone: f"Hi Ann {n}" for n, phone in enumerate(phones) if n >= 100}

    customers = client.get("/customers/export", params={"filter": json.dumps(filter_)}).raise_for_status()
    rows = list(csv.DictReader(io.StringIO(customers.text)))
    assert {row["phone"] for row in rows} == messages.keys()
    assert {row["e2e_file_note"] for row in rows} == {'vip, "gold"'}
    unchanged = client.post("/customers/import", content=customers.content, headers={"content-type": "text/csv"})
    assert unchanged.json()["unchanged"] == 200
