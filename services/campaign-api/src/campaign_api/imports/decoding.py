"""Bytes of an uploaded file to text: gzip and the encodings that spreadsheets write, on a stream."""

import codecs
import zlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from campaign_api.imports.records import UnreadableFileError

_GZIP: Final = b"\x1f\x8b\x08"
_SLICE: Final = 64 * 1024
_HEAD: Final = 1024
_SAMPLE: Final = 16 * 1024


class Encoding(StrEnum):
    """An encoding of an uploaded file."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    WINDOWS_1252 = "windows-1252"


_MARKS: Final = (
    (codecs.BOM_UTF8, Encoding.UTF_8),
    (codecs.BOM_UTF16_LE, Encoding.UTF_16_LE),
    (codecs.BOM_UTF16_BE, Encoding.UTF_16_BE),
)


class Inflater:
    """Decompresses a stream that begins like gzip, and passes any other stream on."""

    def __init__(self) -> None:
        self._head: bytes | None = b""
        self._member: zlib._Decompress | None = None
        self.compressed = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bytes inside, in slices of at most 64 KiB where they were compressed.

        Raises:
            UnreadableFileError: The compressed data is damaged.
        """
        if self._head is not None:
            data = self._head + data
            if len(data) < len(_GZIP) and _GZIP.startswith(data):
                self._head = data
                return
            self._head = None
            self.compressed = data.startswith(_GZIP)
        if self.compressed:
            yield from self._inflate(data)
        elif data:
            yield data

    def finish(self) -> Iterator[bytes]:
        """The bytes that are left at the end of the stream.

        Raises:
            UnreadableFileError: The compressed data is cut off.
        """
        if self._head:
            yield self._head
        if self._member is not None:
            raise UnreadableFileError("The gzip file is cut off; upload the whole file")

    def _inflate(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._member is None:
                # gzip pads files with zeros
                data = data.lstrip(b"\0")
                if not data:
                    return
                self._member = zlib.decompressobj(wbits=31)
            try:
                inflated = self._member.decompress(data, _SLICE)
            except zlib.error:
                raise UnreadableFileError("The gzip file is damaged") from None
            data = self._member.unconsumed_tail
            if self._member.eof:
                data = self._member.unused_data
                self._member = None
            if inflated:
                yield inflated


class Decoder:
    """Decodes a stream of bytes. Bytes that are not text of the encoding become lone surrogates.

    Text without a byte order mark is UTF-8 or UTF-16 if it looks so, else Windows-1252. A file that is ASCII for a
    million rows is decided at its first other byte, from there on and up to 16 KiB.
    """

    def __init__(self, declared: Encoding | None = None) -> None:
        self.encoding = declared
        self._declared = declared
        self._held = b""
        self._at_head = True
        self._decoder: codecs.IncrementalDecoder | None = None

    def feed(self, data: bytes) -> Iterator[str]:
        """The text of these bytes, as far as its encoding is known."""
        text = self._text(data, final=False)
        if text:
            yield text

    def finish(self) -> Iterator[str]:
        """The rest of the text. The encoding is known from here on."""
        text = self._text(b"", final=True)
        self.encoding = self.encoding or Encoding.UTF_8
        if text:
            yield text

    def _text(self, data: bytes, *, final: bool) -> str:
        if self._decoder is not None:
            return _decode(self._decoder, data, final=final)
        data = self._held + data
        if self._at_head:
            if len(data) < _HEAD and not final:
                self._held = data
                return ""
            self._at_head = False
            data = self._read_head(data)
        self._held = b""
        if self.encoding is None:
            ascii_length = len(data) if data.isascii() else next(i for i, byte in enumerate(data) if byte > 0x7F)
            if ascii_length == len(data):
                return data.decode("ascii")
            if len(data) - ascii_length < _SAMPLE and not final:
                self._held = data[ascii_length:]
                return data[:ascii_length].decode("ascii")
            self.encoding = _encoding_of(data[ascii_length : ascii_length + _SAMPLE])
        self._decoder = codecs.getincrementaldecoder(self.encoding.value)(
            "surrogatepass" if self.encoding in {Encoding.UTF_16_LE, Encoding.UTF_16_BE} else "surrogateescape"
        )
        return _decode(self._decoder, data, final=final)

    def _read_head(self, data: bytes) -> bytes:
        for mark, encoding in _MARKS:
            if data.startswith(mark) and self._declared in {None, encoding}:
                self.encoding = encoding
                return data[len(mark) :]
        if self.encoding is None:
            self.encoding = _utf_16_without_mark(data[:_HEAD])
        return data


def _decode(decoder: codecs.IncrementalDecoder, data: bytes, *, final: bool) -> str:
    text = decoder.decode(data)
    if not final:
        return text
    try:
        return text + decoder.decode(b"", final)
    except UnicodeDecodeError:
        # half a character of UTF-16
        return text + "\udc00"


def _utf_16_without_mark(head: bytes) -> Encoding | None:
    """The byte order of UTF-16 in which most characters are Latin; None for other text."""
    units = len(head) // 2
    if units == 0:
        return None
    high_first, high_second = head[0 : 2 * units : 2].count(0), head[1 : 2 * units : 2].count(0)
    if high_second > units // 2 and high_first * 10 <= units:
        return Encoding.UTF_16_LE
    if high_first > units // 2 and high_second * 10 <= units:
        return Encoding.UTF_16_BE
    return None


def _encoding_of(sample: bytes) -> Encoding:
    """UTF-8 where more characters are UTF-8 than are not: one damaged byte does not spoil a file."""
    text = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode(sample)
    damaged = sum("\udc80" <= character <= "\udcff" for character in text)
    encoded = sum(character > "\x7f" for character in text) - damaged
    return Encoding.UTF_8 if encoded > damaged else Encoding.WINDOWS_1252
