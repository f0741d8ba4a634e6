"""Child processes: each has its own process group and log file, and ends with its parent.

They inherit no settings of the caller.
"""

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from leopard_local.environment import inherited_environment

T = TypeVar("T")

_PORT_TAKEN = re.compile(r"address already in use|eaddrinuse|distribution port \d+.* in use", re.IGNORECASE)
_PORT_CHOICES = 3


class ChildDiedError(Exception):
    """A process of the stack ended by itself."""


class PortTakenError(ChildDiedError):
    """A process found its port in use, although the port was free when it was chosen."""


def on_free_ports(start: Callable[[], T]) -> T:
    """Call `start`, which chooses its own ports. Call it again if another process took one of them."""
    for _ in range(_PORT_CHOICES - 1):
        with contextlib.suppress(PortTakenError):
            return start()
    return start()


@dataclass
class Child:
    """One process of the stack, and its descendants."""

    name: str
    command: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    _log_begin: int = field(default=0, init=False)

    def start(self) -> None:
        """Start or restart the process."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._log_begin = output.tell()
            self.process = subprocess.Popen(
                self.command,
                env={**inherited_environment(), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 the parent has no threads when it starts children
            )

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return self.process is not None and self.process.poll() is None

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and its descendants."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def stop(self, *, seconds: float = 30, number: signal.Signals = signal.SIGTERM) -> int | None:
        """Stop the process, and kill it after `seconds`. Return its exit status, or None if it never ran."""
        if self.process is None:
            return None
        self.send_signal(number)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reap_group()
        return self.process.returncode

    def kill(self) -> None:
        """Kill the process at once, as a power failure would."""
        self.send_signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def check(self) -> None:
        """Raise an error if the process has ended.

        Raises:
            ChildDiedError: It has ended. The message contains the last lines of its log.
            PortTakenError: It has ended because another process uses its port.
        """
        if not self.running:
            status = None if self.process is None else self.process.returncode
            kind = PortTakenError if self.lost_its_port() else ChildDiedError
            raise kind(f"{self.name} ended with status {status}:\n{self.tail()}")

    def lost_its_port(self) -> bool:
        """Whether the process has reported since its last start that another process uses its port."""
        return self.process is not None and _PORT_TAKEN.search(self._written()) is not None

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of its log since its last start."""
        return "\n".join(self._written().splitlines()[-lines:])

    def _written(self) -> str:
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            log.seek(self._log_begin)
            return log.read().decode(errors="replace")
        return ""

    def _reap_group(self) -> None:
        # its descendants may end a moment later
        deadline = time.monotonic() + 5
        while self.process is not None and time.monotonic() < deadline:
            try:
                os.killpg(self.process.pid, 0)
            except (ProcessLookupError, PermissionError):
                return
            time.sleep(0.05)
        self.send_signal(signal.SIGKILL)


_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    # Linux only; on other systems the children of a killed parent continue to run
    if hasattr(_LIBC, "prctl"):
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
