"""Child processes: each in a group of its own, its output in a file, ended with its parent."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class ChildDiedError(Exception):
    """A process of the stack ended by itself."""


@dataclass
class Child:
    """One process of the stack, and whatever it started itself."""

    name: str
    command: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.environment},
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
        """
        if not self.running:
            status = None if self.process is None else self.process.returncode
            raise ChildDiedError(f"{self.name} ended with status {status}:\n{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        """The last lines that it wrote."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
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
