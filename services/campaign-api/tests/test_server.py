"""Errors of the HTTP server itself have the common error body, and usual clients can read every refusal."""

import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from running_api import Service, start_api

TOO_LARGE = 12 * 1024 * 1024
JSON = {"Content-Type": "application/json"}


def answer_of(raw: bytes) -> tuple[int, dict[str, Any]]:
    """Return the status and the error of a raw answer."""
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head.lower()
    error: dict[str, Any] = json.loads(body)["error"]
    assert set(error) == {"code", "message"}
    return int(head.split()[1]), error


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(65_536):
        received += part
    return received


def is_open(connection: socket.socket) -> bool:
    try:
        connection.sendall(b" ")
    except OSError:
        return False
    return True


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 65_536):
        yield b" " * 65_536


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running campaign-api with unavailable stores, for requests that do not use them."""
    unavailable = "127.0.0.1:1/nothing"
    started = start_api(f"postgresql://{unavailable}", f"amqp://{unavailable}", tmp_path_factory.mktemp("server"))
    yield started
    started.process.kill()
    started.process.wait()


def test_urllib_can_read_that_a_body_is_too_large(server: Service) -> None:
    request = urllib.request.Request(f"{server.url}/campaigns", b" " * TOO_LARGE, JSON)  # noqa: S310 our own
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)  # noqa: S310
    with refused.value as answer:
        assert (answer.code, json.load(answer)["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("path", "media_type", "status"),
    [("/campaigns", "application/json", 413), ("/nothing", "application/json", 413), ("/campaigns", "text/csv", 415)],
)
def test_http_client_can_read_why_a_body_is_refused(
    server: Service, path: str, media_type: str, status: int, *, chunked: bool
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    body: Any = chunks(TOO_LARGE) if chunked else b" " * TOO_LARGE
    connection.request("POST", path, body, {"Content-Type": media_type}, encode_chunked=chunked)
    answer = connection.getresponse()
    error = json.load(answer)["error"]
    connection.close()
    if not (chunked and path == "/nothing"):
        assert (answer.status, bool(error["message"])) == (status, True)
    else:
        assert answer.status in {404, 413}


@pytest.mark.parametrize("declared", [True, False])
def test_the_answer_comes_before_the_client_has_sent_the_whole_body(server: Service, *, declared: bool) -> None:
    with server.connect() as connection:
        length = f"Content-Length: {TOO_LARGE}" if declared else "Transfer-Encoding: chunked"
        head = f"POST /campaigns HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
        connection.sendall(head.encode())
        part = b" " * 65_536 if declared else b"10000\r\n" + b" " * 65_536 + b"\r\n"
        sent = 0
        connection.settimeout(0.02)
        received = b""
        while not received.endswith(b"}") and sent < TOO_LARGE:
            connection.sendall(part)
            sent += len(part)
            try:
                received += connection.recv(65_536)
            except TimeoutError:
                continue
        assert answer_of(received)[0] == 413


def test_a_client_that_expects_100_continue_sends_no_body(server: Service) -> None:
    with server.connect() as connection:
        head = (
            "POST /campaigns HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {TOO_LARGE}\r\nExpect: 100-continue\r\n\r\n"
        )
        connection.sendall(head.encode())
        assert answer_of(read_all(connection))[0] == 413


def read_one_answer(connection: socket.socket) -> bytes:
    """Read one answer of the declared length from a connection that stays open."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    [length] = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def test_the_connection_of_an_endless_request_is_closed(server: Service) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST /campaigns HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
        assert answer_of(read_one_answer(connection))[0] == 413
        deadline = time.monotonic() + 60
        while is_open(connection):
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /a path HTTP/1.1\r\n\r\n",
        b"BREW /campaigns HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\na\x00b: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /campaigns HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /campaigns HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET \xff\xfe HTTP/1.1\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"CONNECT x:443 HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nx: " + b"y" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 50_000,
        b"GET /" + b"y" * 2_000_000,
    ],
    ids=lambda sent: ascii(sent[:30]),
)
def test_the_answer_to_an_invalid_http_request_has_the_common_error_body(server: Service, sent: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(sent)
        status, error = answer_of(read_all(connection))
    assert (status, error["code"]) == (400, "INVALID_REQUEST")
    assert httpx2.get(f"{server.url}/livez").status_code == 200


def test_an_idle_connection_is_kept_for_the_keep_alive_time(serve: Callable[..., Service]) -> None:
    kept, short = serve(), serve(keep_alive_seconds=1)
    request = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    with kept.connect() as to_kept, short.connect() as to_short:
        for connection in (to_kept, to_short):
            connection.sendall(request)
            received = b""
            while not received.endswith(b"0\r\n\r\n"):
                received += connection.recv(65_536)
        assert to_short.recv(65_536) == b"", "the server must close an idle connection"
        # longer than uvicorn's default of 5 s
        time.sleep(6)
        to_kept.sendall(request)
        assert b" 200 " in to_kept.recv(65_536)


def test_an_invalid_keep_alive_prevents_the_start(serve: Callable[..., Service]) -> None:
    with pytest.raises(AssertionError, match="LEOPARD_KEEP_ALIVE_SECONDS"):
        serve(keep_alive_seconds=0)
