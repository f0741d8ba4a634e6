"""Uploads a file to campaign-api as a stream, and shows how far it is."""

import http.client
import json
import shutil
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

_PART: Final = 128 * 1024
_TIMEOUT_SECONDS: Final = 600
_LINE_SECONDS: Final = 10.0
_MEDIA_TYPES: Final = {".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson"}


class UploadError(Exception):
    """The API refused the file; says why."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to import, and what the API shall do with it."""

    url: str
    file: str
    query: Sequence[tuple[str, str]]


def send_file(upload: Upload) -> dict[str, Any]:
    """Upload a file; returns the import.

    Raises:
        UploadError: The API refused it.
        OSError: The file cannot be read, or the API cannot be reached.
    """
    with ExitStack() as stack:
        content: BinaryIO = sys.stdin.buffer
        size = None
        if upload.file != "-":
            content = stack.enter_context(Path(upload.file).open("rb"))
            size = Path(upload.file).stat().st_size
        headers = {"Content-Type": _MEDIA_TYPES.get(Path(upload.file).suffix, "text/csv")}
        if size is not None:
            headers["Content-Length"] = str(size)
        connection = _connect(upload.url)
        stack.callback(connection.close)
        path = f"{urllib.parse.urlsplit(upload.url).path}/customers/import?{urllib.parse.urlencode(upload.query)}"
        # the API may refuse the file before it has read all of it; the answer says why
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request("POST", path, body=_parts(content, size), headers=headers, encode_chunked=size is None)
        return _answer(connection)


def write_rejects(url: str, import_id: int, file: Path) -> None:
    """Write the rejected rows of an import to a file.

    Raises:
        OSError: The file cannot be written, or the API cannot be reached.
    """
    with (
        urllib.request.urlopen(f"{url}/imports/{import_id}/rejects", timeout=_TIMEOUT_SECONDS) as answer,  # noqa: S310 the operator chose the URL
        file.open("wb") as written,
    ):
        shutil.copyfileobj(answer, written)


def _connect(url: str) -> http.client.HTTPConnection:
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)


def _answer(connection: http.client.HTTPConnection) -> dict[str, Any]:
    try:
        response = connection.getresponse()
        body = response.read()
        answer = json.loads(body)
    except http.client.HTTPException as error:
        raise UploadError(f"the API closed the connection ({type(error).__name__})") from error
    except ValueError:
        raise UploadError(f"the answer is not JSON (HTTP {response.status})") from None
    if response.status != HTTPStatus.CREATED:
        raise UploadError(str(answer.get("error", {}).get("message", f"HTTP {response.status}")))
    return dict(answer)


def _parts(content: BinaryIO, size: int | None) -> Iterator[bytes]:
    """The parts of a file, with a progress bar on a terminal, else with a line every ten seconds."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from _with_lines(content, size)
        return
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("import", total=size)
        while part := content.read(_PART):
            yield part
            progress.advance(task, len(part))


def _with_lines(content: BinaryIO, size: int | None) -> Iterator[bytes]:
    sent, began = 0, time.monotonic()
    said = began
    while part := content.read(_PART):
        yield part
        sent += len(part)
        now = time.monotonic()
        if now - said >= _LINE_SECONDS:
            said = now
            share = f" ({sent / size:.0%})" if size else ""
            rate = sent / (now - began) / 1e6
            print(f"sent {sent / 1e6:,.1f} MB{share}, {rate:.1f} MB/s", file=sys.stderr)
