"""`make chart-server`: build Kubernetes' API server, etcd and kubectl from their Go modules into .local/chart-server.

Builds once for each version. Without Go it says so and succeeds: the tests then use the API server in memory.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from chart.api_server import BINARIES, FOLDER

KUBERNETES, ETCD = "1.34.4", "3.6.5"
PACKAGES = {
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "etcd": "go.etcd.io/etcd/server/v3",
}
_BUILT = f"Kubernetes {KUBERNETES}, etcd {ETCD}\n"
_VERSION = "k8s.io/component-base/version.git"


def main() -> int:
    """Build what is missing; 0 unless a build failed."""
    stamp = FOLDER / "version"
    if stamp.exists() and stamp.read_text() == _BUILT and all((FOLDER / name).exists() for name in BINARIES):
        _say(f"{_BUILT.strip()}: built already, in {FOLDER}")
        return 0
    if shutil.which("go") is None:
        _say("Go is not installed: the chart's tests will use the API server in memory (https://go.dev/doc/install)")
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    _say(f"building {_BUILT.strip()}: some minutes at first")
    try:
        _write_module(FOLDER)
        _build(FOLDER)
    except subprocess.CalledProcessError as error:
        _say(f"the build failed: {error.stderr or error}")
        return 1
    stamp.write_text(_BUILT)
    return 0


def go_mod(modules: dict[str, str]) -> str:
    """A module that requires Kubernetes, whose own libraries it takes from where they are published."""
    replaced = "".join(f"\t{name} => {name} {version}\n" for name, version in sorted(modules.items()))
    required = f"\tk8s.io/kubernetes v{KUBERNETES}\n\tgo.etcd.io/etcd/server/v3 v{ETCD}\n"
    return f"module chart-server\n\nrequire (\n{required})\n\nreplace (\n{replaced})\n"


def _write_module(folder: Path) -> None:
    (folder / "go.mod").write_text("module chart-server\n")
    described = _go(folder, "mod", "download", "-json", f"k8s.io/kubernetes@v{KUBERNETES}")
    own = re.findall(r"^\s*(k8s\.io/\S+) v0\.0\.0$", Path(json.loads(described)["GoMod"]).read_text(), re.MULTILINE)
    version = f"v0.{KUBERNETES.partition('.')[2]}"
    (folder / "go.mod").write_text(go_mod(dict.fromkeys(own, version)))


def _build(folder: Path) -> None:
    major, minor, _ = KUBERNETES.split(".")
    told = {"Version": f"v{KUBERNETES}", "Major": major, "Minor": minor}
    flags = " ".join(["-s", "-w", *(f"-X {_VERSION}{key}={value}" for key, value in told.items())])
    for name, package in PACKAGES.items():
        _go(folder, "build", "-mod=mod", "-ldflags", flags, "-o", name, package)


def _go(folder: Path, *arguments: str) -> str:
    return subprocess.run(["go", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 progress


if __name__ == "__main__":
    sys.exit(main())
