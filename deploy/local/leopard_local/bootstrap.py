"""Install uv: `python3 -m leopard_local.bootstrap FOLDER` creates the command FOLDER/bin/uv.

It uses only the standard library of the system's Python. pip and venv may be missing.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from leopard_local.debian import PackagesUnavailableError, unpack_packages

HOW_TO = """\
Leopard needs uv, which is not installed and could not be downloaded: {reason}.
Install uv (https://docs.astral.sh/uv/), or install pip or venv for this Python, and try again.
On Debian and Ubuntu: sudo apt-get install python3-venv"""


def main() -> int:
    """Install uv into the folder. Return 0 if it is installed."""
    if sys.version_info < (3, 11):  # noqa: UP036 `make demo` may run on any Python
        print(f"Leopard needs Python 3.11 or newer; python3 is {sys.version.split()[0]}", file=sys.stderr)
        return 1
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        pip = _pip(folder)
        print("installing uv ...", file=sys.stderr, flush=True)
        target = folder / "uv"
        subprocess.run(
            [*pip, "install", "--quiet", "--root-user-action=ignore", "--upgrade", "--target", str(target), "uv"],
            check=True,
        )
    except (PackagesUnavailableError, subprocess.CalledProcessError) as error:
        print(HOW_TO.format(reason=error), file=sys.stderr)
        return 1
    link = folder / "bin" / "uv"
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target / "bin" / "uv")
    return 0


def _pip(folder: Path) -> list[str]:
    if subprocess.run([sys.executable, "-m", "pip", "--version"], check=False, capture_output=True).returncode == 0:
        return [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    venv = folder / "pip"
    if subprocess.run([sys.executable, "-m", "venv", str(venv)], check=False, capture_output=True).returncode == 0:
        return [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    shutil.rmtree(venv, ignore_errors=True)
    # Debian ships pip's wheel in a separate package; the wheel runs without an installation
    unpack_packages(["python3-pip-whl"], venv)
    wheels = sorted(Path("/usr/share/python-wheels").glob("pip-*.whl")) or sorted(venv.rglob("pip-*.whl"))
    if not wheels:
        msg = "python3-pip-whl contains no pip"
        raise PackagesUnavailableError(msg)
    return [sys.executable, str(wheels[-1] / "pip"), "--disable-pip-version-check"]


if __name__ == "__main__":
    sys.exit(main())
