"""The file by which helm, kubectl and Python reach an API server."""

import json
from pathlib import Path
from typing import Any


def write_kubeconfig(file: Path, cluster: dict[str, Any], user: dict[str, Any]) -> None:
    """Write a kubeconfig of one cluster and one user, which only its owner can read."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": cluster}],
        "users": [{"name": "tests", "user": user}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
        "current-context": "tests",
    }
    file.write_text(json.dumps(config))
    file.chmod(0o600)
