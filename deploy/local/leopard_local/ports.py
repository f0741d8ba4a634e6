"""Free TCP ports on the loopback address."""

import contextlib
import socket
import time

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def wait_until_listening(port: int, *, seconds: float) -> None:
    """Wait until somebody accepts connections.

    Raises:
        TimeoutError: Nobody did in time.
    """
    deadline = time.monotonic() + seconds
    while not is_listening(port):
        if time.monotonic() > deadline:
            msg = f"nothing listens on port {port} after {seconds:.0f} s"
            raise TimeoutError(msg)
        time.sleep(0.05)
