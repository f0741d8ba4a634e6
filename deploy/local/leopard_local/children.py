"""Child processes: each in its own process group, with its output in a file; they end with their parent.

They inherit nothing of the caller's settings.
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

from leopard_local.environment import passed_on

T = TypeVar("T")

_PORT_TAKEN = re.compile(r"address already in use|eaddrinuse|distribution port \d+.* in use", re.IGNORECASE)
_PORT_CHOICES = 3


class ChildDiedError(Exception):
    """A process of the stack ended by itself."""


class PortTakenError(ChildDiedError):
    """A process found a port in use that had been free when it was chosen."""


def on_free_ports(start: Callable[[], T]) -> T:
    """Start something that chooses its ports itself, and again on others where one was taken in between."""
    for _ in range(_PORT_CHOICES - 1):
        with contextlib.suppress(PortTakenError):
            return start()
    return start()


@dataclass
class Child:
    """One process of the stack, and whatever it started itself."""

    name: str
    command: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    _log_begin: int = field(default=0, init=False)

    def start(self) -> None:
        """Start it, or start it again."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._log_begin = output.tell()
            self.process = subprocess.Popen(
                self.command,
                env={**passed_on(), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 the parent has no threads when it starts children
            )

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self.process is not None and self.process.poll() is None

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and to all that it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def stop(self, *, seconds: float = 30, number: signal.Signals = signal.SIGTERM) -> int | None:
        """End it in order, and by force after `seconds`; its exit status, or null where it never ran."""
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
        """End it at once, as a machine that loses power would."""
        self.send_signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def check(self) -> None:
        """Complain where it has ended.

        Raises:
            ChildDiedError: With the last lines that it wrote.
            PortTakenError: It reports that another process has its port.
        """
        if not self.running:
            status = None if self.process is None else self.process.returncode
            kind = PortTakenError if self.lost_its_port() else ChildDiedError
            raise kind(f"{self.name} ended with status {status}:\n{self.tail()}")

    def lost_its_port(self) -> bool:
        """Whether it reported since its last start that another process has its port."""
        return self.process is not None and _PORT_TAKEN.search(self._written()) is not None

    def tail(self, lines: int = 15) -> str:
        """The last lines that it wrote since it was started last."""
        return "\n".join(self._written().splitlines()[-lines:])

    def _written(self) -> str:
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            log.seek(self._log_begin)
            return log.read().decode(errors="replace")
        return ""

    def _reap_group(self) -> None:
        # what it started may outlive it by a moment
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
    # Linux only; elsewhere a killed parent leaves its children behind
    if hasattr(_LIBC, "prctl"):
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
