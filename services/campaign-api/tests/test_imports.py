"""Files of customers are imported: each row is created, updated, left unchanged, or rejected with a reason."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from leopard.db.pool import Connection
from support.uploads import HEADER, counts_of, stored, upload

FILES = Path(__file__).parents[3] / "tests/data/imports"


async def test_rows_are_created_updated_and_left_unchanged(client: httpx2.AsyncClient, connection: Connection) -> None:
    first = await upload(client, HEADER + b"+254700000001,Ann,1\n+254700000002,Ben,2\n")
    assert counts_of(first) == {"created": 2}
    assert first.json()["status"] == "done"
    assert first.json()["columns"] == [
        {"name": "phone", "field": "phone"},
        {"name": "first_name", "field": "first_name"},
        {"name": "points", "field": "attributes.points"},
    ]
    second = await upload(client, HEADER + b"+254700000001,Ann,1\n+254700000002,,3\n+254 700 000 003,Cem,\n")
    assert counts_of(second) == {"created": 1, "updated": 1, "unchanged": 1}
    assert await stored(connection) == {
        "+254700000001": {"first_name": "Ann", "attributes": {"points": 1}},
        "+254700000002": {"first_name": "Ben", "attributes": {"points": 3}},
        "+254700000003": {"first_name": "Cem"},
    }
    assert first.headers["location"] == f"/imports/{first.json()['id']}"
    assert (await client.get(first.headers["location"])).json() == first.json()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("create_only", {"created": 1, "unchanged": 1}),
        ("update_only", {"updated": 1, "rejected": 1}),
        ("upsert", {"created": 1, "updated": 1}),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
async def test_the_mode_decides_and_a_dry_run_changes_nothing(
    client: httpx2.AsyncClient, connection: Connection, mode: str, expected: dict[str, int], *, dry_run: bool
) -> None:
    await upload(client, HEADER + b"+254700000001,Ann,1\n")
    before = await stored(connection)
    answer = await upload(
        client, HEADER + b"+254700000001,Bea,1\n+254700000002,Ben,2\n", mode=mode, dry_run=str(dry_run).lower()
    )
    assert counts_of(answer) == expected
    if mode == "update_only":
        [reject] = answer.json()["rejects"]
        assert (reject["row"], reject["reason"]) == (3, "no customer has this phone number")
    after = await stored(connection)
    if dry_run:
        assert after == before
    else:
        assert ("+254700000002" in after) == (mode != "update_only")
        assert after["+254700000001"]["first_name"] == ("Ann" if mode == "create_only" else "Bea")


WRONG = {
    "2.547E+11,Ann,1": ("phone", "shortened by a spreadsheet"),
    "254700000001.0,Ann,1": ("phone", "changed by a spreadsheet"),
    "+254700000001 / +254700000002,Ann,1": ("phone", "more than one phone number"),
    "0700000001,Ann,1": ("phone", "no country code"),
    ",Ann,1": ("phone", "is empty"),
    "+1800FLOWERS,Ann,1": ("phone", "letters"),
    "+25470,Ann,1": ("phone", "E.164"),
    "+254700000001,Ann,1,more": (None, "has 4 cells, but the first row has 3"),
    "+254700000001,Ann,many": ("points", "must be a number"),
    "+254700000001,Ann\0,1": (None, "NUL byte"),
    '+254700000001,"Ann,1': (None, "quote"),
    f"+254700000001,{'x' * 1001},1": ("first_name", "longer than 1000"),
}


@pytest.mark.parametrize("line", WRONG, ids=[why[1][:20] for why in WRONG.values()])
async def test_a_bad_row_harms_itself_alone_and_says_why(
    client: httpx2.AsyncClient, connection: Connection, line: str
) -> None:
    await upload(client, HEADER + b"+254700000009,Zoe,9\n")
    content = HEADER + f"+254700000004,Dan,4\n{line}\n+254700000005,Eva,5\n".encode()
    answer = await upload(client, content)
    assert counts_of(answer) == {"created": 2, "rejected": 1}
    [reject] = answer.json()["rejects"]
    column, words = WRONG[line]
    assert (reject["row"], reject["column"]) == (3, column)
    assert words in reject["reason"]
    assert list(await stored(connection)) == ["+254700000004", "+254700000005", "+254700000009"]
    found = await client.get(f"/imports/{answer.json()['id']}/rejects")
    assert found.headers["content-type"].startswith("text/csv")
    header, row = csv.reader(io.StringIO(found.text))
    assert header == ["phone", "first_name", "points", "reject_reason"]
    assert words in row[-1]
    assert row[-1].startswith("row 3: ")


async def test_corrected_rejects_can_be_imported(client: httpx2.AsyncClient, connection: Connection) -> None:
    answer = await upload(client, HEADER + b"254700000001,Ann,=1\n", types="points:text")
    rejected = (await client.get(f"/imports/{answer.json()['id']}/rejects")).text
    assert counts_of(await upload(client, rejected, default_country="KE")) == {"created": 1}
    assert await stored(connection) == {"+254700000001": {"first_name": "Ann", "attributes": {"points": "=1"}}}


async def test_of_several_rows_with_a_phone_the_last_one_wins(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    first = b"".join(b"+2547%08d,Old,1\n" % n for n in range(12_000))
    last = b"+254700000000,New,2\n+254700000001,New,2\n+254700000001,Newest,2\n"
    answer = await upload(client, HEADER + first + last)
    assert counts_of(answer) == {"created": 12_000, "duplicates": 3}
    found = await stored(connection)
    assert [found[f"+25470000000{n}"]["first_name"] for n in range(3)] == ["New", "Newest", "Old"]
    dry = await upload(client, HEADER + first + last, dry_run="true")
    assert counts_of(dry) == {"updated": 2, "unchanged": 11_998, "duplicates": 3} or counts_of(dry)["duplicates"] == 3


@pytest.mark.parametrize("name", ["excel-english-utf8.csv", "excel-german.csv", "excel-german-unicode-text.txt",
                                  "google-sheets.csv", "libreoffice.csv"])  # fmt: skip
@pytest.mark.parametrize("zipped", [False, True])
async def test_files_of_spreadsheets_are_imported_as_their_users_expect(
    client: httpx2.AsyncClient, connection: Connection, name: str, *, zipped: bool
) -> None:
    content = (FILES / name).read_bytes()
    answer = await upload(client, gzip.compress(content) if zipped else content, headers={})
    assert counts_of(answer) == {"created": 3}
    assert await stored(connection) == {
        "+254700000101": {
            "first_name": "Zoë", "last_name": "Müller", "location": "Nairobi", "attributes": {"points": 12},
        },
        "+254700000102": {
            "first_name": "Amina", "last_name": "O'Neill, Jr.", "location": "Mombasa", "attributes": {"points": 7},
        },
        "+254700000103": {
            "first_name": "Jürgen", "last_name": 'Groß "JG"', "location": "Line one\nLine two",
            "attributes": {"points": 0},
        },
    }  # fmt: skip
    assert answer.json()["encoding"] == {
        "excel-german.csv": "windows-1252", "excel-german-unicode-text.txt": "utf-16-le",
    }.get(name, "utf-8")  # fmt: skip


async def test_contacts_of_a_phone_are_imported_as_their_owner_expects(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    answer = await upload(client, (FILES / "phone-contacts.csv").read_bytes(), default_country="ke")
    assert counts_of(answer) == {"created": 2, "rejected": 1}
    [reject] = answer.json()["rejects"]
    assert (reject["row"], reject["column"]) == (3, "Phone 1 - Value")
    found = await stored(connection)
    assert found["+254700000101"]["last_name"] == "Müller"
    assert found["+254700000103"]["attributes"]["labels"] == "* myContacts"


async def test_columns_are_mapped_to_fields(client: httpx2.AsyncClient, connection: Connection) -> None:
    content = "Handy;Name;Notiz;Kunde;location\n+254700000001;Ann;x;0012;a\n".encode("cp1252")
    answer = await upload(client, content, map="Handy:phone,Name:last_name,Notiz:", types="kunde:text")
    assert counts_of(answer) == {"created": 1}
    assert await stored(connection) == {
        "+254700000001": {"last_name": "Ann", "location": "a", "attributes": {"kunde": "0012"}}
    }


async def test_types_of_new_attributes_are_recognised_and_kept(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    header = "phone,n,b,d,l,t,zip\n"
    first = '+254700000001,1.50,true,2026-01-31,"[""a"",""b""]",x,00123\n'
    await upload(client, header + first)
    second = await upload(client, header + '+254700000002,-2,no,2026-02-01,"c; d",2026-01-01,5\n')
    assert counts_of(second) == {"created": 1}
    found = await stored(connection)
    assert found["+254700000001"]["attributes"] == {
        "n": 1.5, "b": True, "d": "2026-01-31", "l": ["a", "b"], "t": "x", "zip": "00123",
    }  # fmt: skip
    assert found["+254700000002"]["attributes"] == {
        "n": -2, "b": False, "d": "2026-02-01", "l": ["c", "d"], "t": "2026-01-01", "zip": "5",
    }  # fmt: skip


async def test_lines_of_json_are_imported(client: httpx2.AsyncClient, connection: Connection) -> None:
    people: list[Any] = [
        {"phone": "+254700000001", "first_name": "Ann", "attributes": {"points": 1, "tags": ["x"]}},
        {"phone": "+254700000002", "first_name": "Ben", "points": 2},
        {"phone": "+254700000003", "points": "many"},
        {"phone": 254700000004},
        {"phone": "+254700000005", "attributes": {"Bad Name": 1}},
        {"first_name": "Nobody"},
        [1],
    ]
    content = "".join(json.dumps(one) + "\n" for one in people)
    answer = await upload(client, content, headers={"content-type": "application/x-ndjson"})
    assert counts_of(answer) == {"created": 2, "rejected": 5}
    assert [(one["row"], one["column"]) for one in answer.json()["rejects"]] == [
        (3, "points"), (4, "phone"), (5, "Bad Name"), (6, "phone"), (7, None),
    ]  # fmt: skip
    removed = '{"phone": "+254700000001", "first_name": null, "attributes": {"points": null}}\n'
    assert counts_of(await upload(client, removed)) == {"updated": 1}
    assert await stored(connection) == {
        "+254700000001": {"attributes": {"tags": ["x"]}},
        "+254700000002": {"first_name": "Ben", "attributes": {"points": 2}},
    }
    rejects = await client.get(f"/imports/{answer.json()['id']}/rejects")
    table = list(csv.reader(io.StringIO(rejects.text)))
    assert table[0] == ["line", "reject_reason"]
    assert json.loads(table[1][0]) == people[2]


UNREADABLE = {
    b"": "empty",
    b"\n\n": "empty",
    b"first_name\nAnn\n": "No column is named phone",
    b"+254700000001,Ann\n": "first row must name the columns",
    b"phone,phone\n+254700000001,1\n": "Columns 1 and 2 both hold phone",
    b'[{"phone": "+254700000001"}]': "JSON list",
    b"PK\x03\x04rest": "workbook",
    gzip.compress(HEADER)[:-4]: "cut off",
    gzip.compress(HEADER)[:10] + b"\xff" * 50: "gzip file is damaged",
    b'phone,"first\n': "first row",
}


@pytest.mark.parametrize("content", UNREADABLE, ids=[words[:12] for words in UNREADABLE.values()])
async def test_a_file_that_cannot_be_read_fails_with_a_clear_error(client: httpx2.AsyncClient, content: bytes) -> None:
    answer = await upload(client, content)
    assert answer.status_code == 400, answer.text
    message = answer.json()["error"]["message"]
    assert UNREADABLE[content] in message
    assert "nothing was stored" in message
    [listed] = (await client.get("/imports")).json()["imports"]
    assert listed["status"] == "failed"
    assert UNREADABLE[content] in listed["problem"]


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ({"mode": "replace"}, {}, 400),
        ({"default_country": "Kenya"}, {}, 400),
        ({"map": "Handy"}, {}, 400),
        ({"map": "Handy:no field"}, {}, 400),
        ({"map": "Handy:phone"}, {}, 400),
        ({"types": "points:integer"}, {}, 400),
        ({}, {"content-type": "multipart/form-data; boundary=x"}, 415),
        ({}, {"content-type": "text/csv; charset=koi8-r"}, 415),
        ({}, {"content-encoding": "br"}, 415),
    ],
)
async def test_a_wrong_request_is_refused(
    client: httpx2.AsyncClient, query: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = await upload(client, HEADER + b"+254700000001,Ann,1\n", headers=headers, **query)
    assert answer.status_code == status, answer.text
    assert (await client.get("/customers")).json()["customers"] == []


async def test_a_declared_encoding_wins(client: httpx2.AsyncClient, connection: Connection) -> None:
    content = "phone,first_name\n+254700000001,Zoë\n".encode("cp1252")
    await upload(client, content, headers={"content-type": "text/csv; charset=ISO-8859-1"})
    assert (await stored(connection))["+254700000001"]["first_name"] == "Zoë"
