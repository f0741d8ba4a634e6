"""Choose free ports on the loopback address, so that no other process takes them before they are used.

The ports are outside the range that the system uses for outgoing connections. A lock on each port prevents two stacks
on one machine from choosing the same port.
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
_DEFAULT_EPHEMERAL = range(32_768, 65_536)
"""Used where the file is missing. It covers macOS and the BSDs, whose range starts at 49152."""

_locks: dict[int, int] = {}
"""The ports that this process holds, with the open lock file of each."""


class NoFreePortError(Exception):
    """All candidate ports are taken."""


def free_port(among: Iterable[int] | None = None) -> int:
    """Choose a free port and hold it until this process ends or releases it.

    Args:
        among: Candidate ports in order of preference. By default: any port outside the ephemeral range.

    Raises:
        NoFreePortError: All candidate ports are taken.
    """
    for port in _shuffled(_candidates()) if among is None else among:
        if not _lock(port):
            continue
        if _can_be_bound(port):
            return port
        release_port(port)
    msg = "all candidate ports are taken"
    raise NoFreePortError(msg)


def release_port(port: int) -> None:
    """Release a port. Do nothing if this process does not hold it."""
    lock = _locks.pop(port, None)
    if lock is not None:
        os.close(lock)


def ephemeral_range() -> range:
    """Return the ports that the system uses for outgoing connections."""
    try:
        first, last = (int(number) for number in _EPHEMERAL.read_text().split())
    except (OSError, ValueError):
        return _DEFAULT_EPHEMERAL
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
    # if the range covers all ports, rely on locks and retries
    return outside or list(range(_FIRST, _LAST + 1))


def _shuffled(ports: list[int]) -> list[int]:
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
    # never remove a lock file: a process that still has it open would not see the lock on a new file
    folder = Path(tempfile.gettempdir()) / "leopard-ports"
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o1777)
    file = folder / str(port)
    # in a world-writable folder, Linux lets us read a file of another user but refuses O_CREAT on it
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
