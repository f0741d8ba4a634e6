"""Bytes of uploaded files to text."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_api.imports.decoding import Decoder, Encoding, Inflater
from campaign_api.imports.records import UnreadableFileError

FILES = Path(__file__).parents[3] / "tests/data/imports"


def inflate(data: bytes, size: int) -> bytes:
    inflater = Inflater()
    parts = [part for start in range(0, len(data), size) for part in inflater.feed(data[start : start + size])]
    return b"".join([*parts, *inflater.finish()])


def decode(data: bytes, size: int, declared: Encoding | None = None) -> tuple[str, Encoding | None]:
    decoder = Decoder(declared)
    parts = [part for start in range(0, len(data), size) for part in decoder.feed(data[start : start + size])]
    return "".join([*parts, *decoder.finish()]), decoder.encoding


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("excel-english-utf8.csv", Encoding.UTF_8),
        ("excel-german.csv", Encoding.WINDOWS_1252),
        ("excel-german-unicode-text.txt", Encoding.UTF_16_LE),
        ("google-sheets.csv", Encoding.UTF_8),
        ("libreoffice.csv", Encoding.UTF_8),
        ("phone-contacts.csv", Encoding.UTF_8),
    ],
)
def test_files_of_spreadsheets_are_decoded_without_a_declaration(name: str, encoding: Encoding) -> None:
    text, found = decode((FILES / name).read_bytes(), size=7)
    assert found is encoding
    assert "Zoë" in text
    assert "Groß" in text
    assert "\ufeff" not in text


@given(st.text(), st.sampled_from(Encoding), st.integers(1, 50))
def test_a_declared_encoding_gives_the_text_back(text: str, encoding: Encoding, size: int) -> None:
    data = text.encode(encoding.value, errors="ignore")
    expected = data.decode(encoding.value)
    marks = {Encoding.UTF_8, Encoding.UTF_16_LE, Encoding.UTF_16_BE}
    if encoding in marks and expected.startswith("\ufeff"):
        expected = expected[1:]
    assert decode(data, size, encoding) == (expected, encoding)


@given(st.binary(), st.integers(1, 50), st.sampled_from([None, *Encoding]))
def test_any_bytes_decode_the_same_however_they_are_cut(data: bytes, size: int, declared: Encoding | None) -> None:
    assert decode(data, size, declared) == decode(data, max(len(data), 1), declared)


def test_a_late_character_decides_the_encoding_of_a_long_file() -> None:
    rows = b"+254700000101,Ann\r\n" * 10_000
    assert decode(rows + "Zoë".encode("cp1252"), 4096) == (rows.decode() + "Zoë", Encoding.WINDOWS_1252)
    assert decode(rows + "Zoë".encode(), 4096) == (rows.decode() + "Zoë", Encoding.UTF_8)


def test_one_damaged_byte_does_not_make_utf_8_another_encoding() -> None:
    text, found = decode("Zoë,Jürgen,".encode() + b"\xff,Ann", 5)
    assert found is Encoding.UTF_8
    assert text == "Zoë,Jürgen,\udcff,Ann"


@pytest.mark.parametrize("encoding", [Encoding.UTF_16_LE, Encoding.UTF_16_BE])
def test_utf_16_without_a_byte_order_mark_is_found(encoding: Encoding) -> None:
    text = "phone,name\r\n+254700000101,Zoë Müller\r\n"
    assert decode(text.encode(encoding.value), 7) == (text, encoding)


def test_a_few_nul_bytes_do_not_make_a_file_utf_16() -> None:
    text = "phone,name\r\n+254700000101,A\0n\0n\0\r\n"
    assert decode(text.encode(), 7) == (text, Encoding.UTF_8)


def test_half_a_character_at_the_end_of_utf_16_is_marked() -> None:
    assert decode("phone".encode("utf-16") + b"\x41", 3)[0] == "phone\udc00"


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=3), st.integers(1, 40))
def test_gzip_of_several_members_is_inflated(members: list[bytes], size: int) -> None:
    assert inflate(b"".join(map(gzip.compress, members)) + b"\0" * 5, size) == b"".join(members)


@given(st.binary(max_size=300).filter(lambda data: not data.startswith(b"\x1f\x8b\x08")), st.integers(1, 40))
def test_other_bytes_pass_unchanged(data: bytes, size: int) -> None:
    assert inflate(data, size) == data


def test_gzip_is_inflated_in_small_slices() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    inflater = Inflater()
    longest = total = 0
    for part in inflater.feed(bomb):
        longest, total = max(longest, len(part)), total + len(part)
    assert total == 50_000_000
    assert longest <= 64 * 1024


def test_gzip_that_is_cut_off_is_refused() -> None:
    with pytest.raises(UnreadableFileError, match="cut off"):
        inflate(gzip.compress(b"phone\n" * 100)[:-9], 10)


def test_damaged_gzip_is_refused() -> None:
    with pytest.raises(UnreadableFileError, match="damaged"):
        inflate(gzip.compress(b"phone\n")[:10] + b"\xff" * 30, 10)
