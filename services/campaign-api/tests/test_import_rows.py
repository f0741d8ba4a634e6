"""Rows of uploaded CSV and NDJSON files."""

import csv
import gc
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_api.imports.csv_rows import BROKEN_QUOTE, CsvRows
from campaign_api.imports.decoding import Decoder
from campaign_api.imports.ndjson_rows import NdjsonRows
from campaign_api.imports.records import BadRow, CsvRow, JsonRow

FILES = Path(__file__).parents[3] / "tests/data/imports"
PEOPLE = [
    ["phone", "first_name", "last_name", "location", "points"],
    ["+254700000101", "Zoë", "Müller", "Nairobi", "12"],
    ["+254700000102", "Amina", "O'Neill, Jr.", "Mombasa", "7"],
    ["+254700000103", "Jürgen", 'Groß "JG"', "Line one\nLine two", "0"],
]
CELL = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


def read(rows: CsvRows | NdjsonRows, text: str, size: int = 100_000) -> list[Any]:
    parts = [row for start in range(0, len(text), size) for row in rows.feed(text[start : start + size])]
    return [*parts, *rows.finish()]


@pytest.mark.parametrize(
    "name",
    [
        "excel-english-utf8.csv",
        "excel-german.csv",
        "excel-german-unicode-text.txt",
        "google-sheets.csv",
        "libreoffice.csv",
    ],
)
def test_files_of_spreadsheets_hold_the_same_rows(name: str) -> None:
    decoder = Decoder()
    text = "".join([*decoder.feed((FILES / name).read_bytes()), *decoder.finish()])
    assert read(CsvRows(), text) == [CsvRow(number, cells) for number, cells in enumerate(PEOPLE, start=1)]


@given(
    st.lists(st.lists(CELL, min_size=2, max_size=4).filter(any), min_size=1, max_size=20),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 30),
)
def test_rows_that_python_writes_are_read_back(rows: list[list[str]], line_end: str, size: int) -> None:
    rows = [["a", "b", "c"], *rows]
    written = io.StringIO(newline="")
    # unless all is quoted, Python before 3.13 quotes a carriage return in a cell only where line ends have one
    if line_end == "\n":
        csv.writer(written, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    else:
        csv.writer(written, lineterminator=line_end).writerows(rows)
    assert [row.cells for row in read(CsvRows(), written.getvalue(), size)] == rows


@given(
    st.text(alphabet='"a,;\t\r\n\0\udc80', max_size=300),
    st.integers(8, 40),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_any_text_gives_rows_that_do_not_depend_on_how_it_is_cut(
    text: str, max_length: int, size: int, block: int
) -> None:
    assert read(CsvRows(max_length, block), text, size) == read(CsvRows(max_length), text)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_a_line_end_that_arrives_in_two_parts_ends_one_row(size: int) -> None:
    text = "phone,name\r\n" + "+1,Ann\r\n" * 20
    numbers = [row.number for row in read(CsvRows(max_row_length=20, block_length=1), text, size)]
    assert numbers == list(range(1, 22))


def test_a_broken_quote_spoils_its_own_row_only() -> None:
    rows = read(CsvRows(), 'phone,name\n+1,"Joe\n+2,"Ann"\n+3,Bob\n+4,"Eve"x\n+5,"Zoe\n')
    assert rows == [
        CsvRow(1, ["phone", "name"]),
        BadRow(2, BROKEN_QUOTE, '+1,"Joe'),
        CsvRow(3, ["+2", "Ann"]),
        CsvRow(4, ["+3", "Bob"]),
        BadRow(5, BROKEN_QUOTE, '+4,"Eve"x'),
        BadRow(6, BROKEN_QUOTE, '+5,"Zoe'),
    ]


def test_a_quote_that_never_closes_spoils_its_own_row_only_in_a_long_file() -> None:
    rows = read(CsvRows(), 'phone,name\n+1,"Joe\n' + "+2,Ann\n" * 100_000, size=1000)
    assert rows[1] == BadRow(2, BROKEN_QUOTE, '+1,"Joe')
    assert len(rows) == 100_002
    assert rows[-1] == CsvRow(100_002, ["+2", "Ann"])


@pytest.mark.parametrize("line", ['"a""\n', 'a,"b\n', '"\n', '"a"b\n', '"" "\n', '"""\n'])
def test_twice_the_broken_quotes_take_about_twice_the_time(line: str) -> None:
    def seconds(lines: int) -> float:
        # the garbage of all other tests is not the reader's
        gc.collect()
        gc.disable()
        try:
            started = time.process_time()
            read(CsvRows(), line * lines, size=4096)
            return time.process_time() - started
        finally:
            gc.enable()

    seconds(1000)
    assert seconds(200_000) < 3 * seconds(100_000) + 0.5


def test_nul_bytes_and_undecodable_bytes_spoil_their_own_row_only() -> None:
    rows = read(CsvRows(), "phone,name\n+1,a\0b\n+2,a\udc81\n+3,Bob\n")
    assert rows[1:] == [
        BadRow(2, "contains a NUL byte", "+1,a\N{REPLACEMENT CHARACTER}b"),
        BadRow(3, "contains bytes that are not text in the file's encoding", "+2,a\N{REPLACEMENT CHARACTER}"),
        CsvRow(4, ["+3", "Bob"]),
    ]


def test_a_row_that_never_ends_takes_no_memory() -> None:
    rows = CsvRows(max_row_length=1000)
    found = list(rows.feed("phone\n"))
    for _ in range(200):
        found += rows.feed("x" * 100_000)
        assert sum(map(len, rows._pending)) <= 200_000  # noqa: SLF001 - what is kept is the promise
    found += [*rows.feed("\n+2\n"), *rows.finish()]
    assert [row.number for row in found] == [1, 2, 3]
    assert found[1] == BadRow(2, "is longer than 1000 characters", "x" * 200)
    assert found[2] == CsvRow(3, ["+2"])


@pytest.mark.parametrize(
    ("text", "delimiter", "cells"),
    [
        ("phone,name\n", ",", ["phone", "name"]),
        ("phone;name, first\n", ";", ["phone", "name, first"]),
        ('"a;b;c",name\n', ",", ["a;b;c", "name"]),
        ("phone\tname\n", "\t", ["phone", "name"]),
        ("sep=;\r\nphone,x;name\r\n", ";", ["phone,x", "name"]),
        ("phone\n", ",", ["phone"]),
    ],
)
def test_the_delimiter_is_the_one_that_the_first_row_has_most_of(text: str, delimiter: str, cells: list[str]) -> None:
    rows = CsvRows()
    assert read(rows, text) == [CsvRow(1, cells)]
    assert rows.delimiter == delimiter


def test_empty_rows_are_counted_and_not_given() -> None:
    assert read(CsvRows(), "phone,name\r\n\r\n,\r\n+1,Ann") == [CsvRow(1, ["phone", "name"]), CsvRow(4, ["+1", "Ann"])]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | CELL,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CELL, inner, max_size=3),
)


@given(st.lists(st.dictionaries(CELL, JSON, max_size=4), max_size=8), st.booleans(), st.integers(1, 40))
def test_json_objects_that_python_writes_are_read_back(objects: list[Any], escaped: bool, size: int) -> None:  # noqa: FBT001
    text = "".join(json.dumps(item, ensure_ascii=escaped) + "\r\n" for item in objects)
    assert read(NdjsonRows(), text, size) == [JsonRow(number, item) for number, item in enumerate(objects, start=1)]


@given(st.text(alphabet='{}[]":,\\u0d8 1e9\n', max_size=300), st.integers(1, 20))
def test_any_lines_give_rows_that_do_not_depend_on_how_they_are_cut(text: str, size: int) -> None:
    assert read(NdjsonRows(20), text, size) == read(NdjsonRows(20), text)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": ', "is not valid JSON"),
        ("[1]", "is not a JSON object"),
        ('{"a": NaN}', "is not valid JSON"),
        ('{"a": 1e999}', "is not valid JSON"),
        ('{"a": ' + "9" * 5000 + "}", "is not valid JSON"),
        ("[" * 30_000, "is not valid JSON"),
        ('{"a": ["\\u0000"]}', "contains a NUL byte"),
        ('{"\\ud800": 1}', "contains bytes that are not text in the file's encoding"),
        ('{"a": "' + "x" * 70_000 + '"}', "is longer than 65536 characters"),
    ],
)
def test_a_line_that_is_no_object_spoils_itself_only(line: str, reason: str) -> None:
    rows = read(NdjsonRows(), f'{line}\n{{"phone": "+1"}}', size=1000)
    assert [row.reason for row in rows[:1]] == [reason]
    assert rows[1:] == [JsonRow(2, {"phone": "+1"})]
