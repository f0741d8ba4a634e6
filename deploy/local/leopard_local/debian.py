"""Unpack Debian or Ubuntu packages into a folder, without root and without changes to the system."""

import contextlib
import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from leopard_local.environment import download_environment


class PackagesUnavailableError(Exception):
    """The package manager could not provide the packages."""


@contextlib.contextmanager
def taking_turns(root: Path) -> Iterator[None]:
    """Let one process at a time unpack packages below `root`. The others wait, and find them there."""
    root.parent.mkdir(parents=True, exist_ok=True)
    with root.with_name(root.name + ".lock").open("w") as lock:
        # the lock ends with its process
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unpack_packages(names: list[str], root: Path) -> None:
    """Download packages and their missing dependencies, and unpack them below `root`.

    Raises:
        PackagesUnavailableError: apt is missing, reaches no mirror, or does not know the packages.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        msg = "apt-get is not installed"
        raise PackagesUnavailableError(msg)
    scratch = root.with_name(root.name + ".apt")
    shutil.rmtree(scratch, ignore_errors=True)
    unpacked = scratch / "root"
    for folder in (scratch / "lists/partial", scratch / "archives/partial", unpacked):
        folder.mkdir(parents=True)
    apt = [
        "apt-get",
        "-qq",
        *("-o", f"Dir::State::lists={scratch / 'lists'}"),
        *("-o", f"Dir::Cache={scratch}"),
        *("-o", f"Dir::Cache::archives={scratch / 'archives'}"),
        *("-o", "Debug::NoLocking=1"),
        *("-o", "APT::Sandbox::User=root"),
    ]
    try:
        print(f"downloading {', '.join(names)} from this machine's package mirror ...", file=sys.stderr, flush=True)
        _run([*apt, "update"])
        _run([*apt, "-y", "--no-install-recommends", "--download-only", "install", *names])
        for package in sorted((scratch / "archives").glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), str(unpacked)])
        shutil.rmtree(root, ignore_errors=True)
        unpacked.rename(root)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, check=False, env=download_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise PackagesUnavailableError(f"{command[0]}: {lines[-1] if lines else f'exit status {done.returncode}'}")
