"""Ports on the loopback address that no other process takes between their choice and their use.

They lie outside the range from which the system takes ports for outgoing connections, and are locked, so that stacks
side by side on one machine never choose the same one.
"""

import contextlib
import fcntl
import os
import random
import socket
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

LOOPBACK = "127.0.0.1"

_FIRST, _LAST = 20_000, 65_535
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_EPHEMERAL_ELSEWHERE = range(32_768, 65_536)
"""Where there is no such file: wide enough for macOS and the BSDs, which begin at 49152."""

_locks: dict[int, int] = {}
"""The ports that this process holds, and the open files of their locks."""


class NoFreePortError(Exception):
    """Every port that might be chosen is taken."""


def free_port(among: Iterable[int] | None = None) -> int:
    """Choose a free port and hold it until this process ends or releases it.

    Args:
        among: The ports to choose from, the first ones first; any outside the ephemeral range where not given.

    Raises:
        NoFreePortError: All of them are taken.
    """
    for port in _any_order(_candidates()) if among is None else among:
        if not _lock(port):
            continue
        if _can_be_bound(port):
            return port
        release_port(port)
    msg = "every port outside the ephemeral range is taken"
    raise NoFreePortError(msg)


def release_port(port: int) -> None:
    """Let others have a port; nothing happens where this process does not hold it."""
    lock = _locks.pop(port, None)
    if lock is not None:
        os.close(lock)


def ephemeral_range() -> range:
    """The ports that the system may give to an outgoing connection at any moment."""
    try:
        first, last = (int(number) for number in _EPHEMERAL.read_text().split())
    except (OSError, ValueError):
        return _EPHEMERAL_ELSEWHERE
    return range(first, last + 1)


def is_listening(port: int) -> bool:
    """Whether a process accepts connections on the port."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def wait_until_listening(port: int, *, seconds: float) -> None:
    """Wait until a process accepts connections.

    Raises:
        TimeoutError: No process accepts connections in time.
    """
    deadline = time.monotonic() + seconds
    while not is_listening(port):
        if time.monotonic() > deadline:
            msg = f"nothing listens on port {port} after {seconds:.0f} s"
            raise TimeoutError(msg)
        time.sleep(0.05)


def _candidates() -> list[int]:
    ephemeral = ephemeral_range()
    outside = [port for port in range(_FIRST, _LAST + 1) if port not in ephemeral]
    # where the range is all there is, locks and another try must do
    return outside or list(range(_FIRST, _LAST + 1))


def _any_order(ports: list[int]) -> list[int]:
    return random.sample(ports, len(ports))


def _lock(port: int) -> bool:
    if port in _locks:
        return False
    try:
        file = _open_lock(port)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return False
    _locks[port] = file
    return True


def _open_lock(port: int) -> int:
    # the files stay: removing one would part those who have it open from those who make it anew
    folder = Path(tempfile.gettempdir()) / "leopard-ports"
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o1777)
    file = folder / str(port)
    # Linux refuses to create, but not to read, what another user has in a folder that is open to all
    with contextlib.suppress(FileNotFoundError):
        return os.open(file, os.O_RDONLY)
    return os.open(file, os.O_RDONLY | os.O_CREAT, 0o644)


def _can_be_bound(port: int) -> bool:
    with socket.socket() as candidate:
        try:
            candidate.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
