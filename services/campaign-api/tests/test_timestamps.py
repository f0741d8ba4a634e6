"""Only RFC 3339 times with an offset are accepted."""

import httpx2
import pytest

NEW = {"name": "Summer", "channel": "sms", "base_template": "Hi"}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2099-01-31T09:00:00Z", "2099-01-31T09:00:00Z"),
        ("2099-01-31t09:00:00z", "2099-01-31T09:00:00Z"),
        ("2099-01-31T09:00:00+03:00", "2099-01-31T06:00:00Z"),
        ("2099-01-31T09:00:00-00:00", "2099-01-31T09:00:00Z"),
        ("2099-01-31T09:00:00.5Z", "2099-01-31T09:00:00.500000Z"),
        ("2099-01-31T09:00:00.1234567899Z", "2099-01-31T09:00:00.123456Z"),
        ("2098-12-31T23:59:60Z", "2099-01-01T00:00:00Z"),
        ("2098-12-31T15:59:60.5-08:00", "2099-01-01T00:00:00Z"),
    ],
)
async def test_every_rfc_3339_time_is_accepted(client: httpx2.AsyncClient, written: str, shown: str) -> None:
    answer = await client.post("/campaigns", json={**NEW, "scheduled_at": written})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["scheduled_at"], answer.json()["status"]) == (shown, "scheduled")


@pytest.mark.parametrize(
    "written",
    [
        "20300131090000",
        "1893456000",
        "1893456000.5",
        "-1",
        "",
        " ",
        "2030-01-31",
        "09:00:00Z",
        "2030-01-31T09:00:00",
        "2030-01-31T09:00Z",
        "2030-01-31T09Z",
        "2030-01-31 09:00:00Z",
        "2030-01-31T09:00:00 Z",
        "2030-01-31T09:00:00+0300",
        "2030-01-31T09:00:00+03",
        "2030-01-31T09:00:00+24:00",
        "2030-01-31T09:00:00+03:60",
        "2030-01-31T09:00:00,5Z",
        "2030-01-31T09:00:00.Z",
        "2030-01-31T09:00:00Z\n",
        " 2030-01-31T09:00:00Z",
        "2030-W05-4T09:00:00Z",
        "2030-031T09:00:00Z",
        "20300131T090000Z",
        "+2030-01-31T09:00:00Z",
        "12030-01-31T09:00:00Z",
        "30-01-31T09:00:00Z",
        "2030-02-30T09:00:00Z",
        "2030-13-01T09:00:00Z",
        "2030-01-31T24:00:00Z",
        "2030-01-31T09:60:00Z",
        "2030-01-31T09:00:61Z",
        "2030-01-31T09:00:60Z",
        "2030-01-31T23:59:60+03:00",
        "0000-01-01T00:00:00Z",
        "٢٠٣٠-01-31T09:00:00Z",
        "2030\u201301-31T09:00:00Z",
        "2030-01-31T09:00:00Z[UTC]",
        "now",
        "P1D",
        True,
        1893456000,
        1893456000.5,
        ["2030-01-31T09:00:00Z"],
        {},
    ],
    ids=ascii,
)
async def test_any_other_time_is_refused_and_reported(client: httpx2.AsyncClient, written: object) -> None:
    await client.post("/campaigns", json=NEW)
    for answer in (
        await client.post("/campaigns", json={**NEW, "scheduled_at": written}),
        await client.patch("/campaigns/1", json={"scheduled_at": written}),
    ):
        assert answer.status_code == 400, answer.text
        assert [detail["field"] for detail in answer.json()["error"]["details"]] == ["scheduled_at"]
