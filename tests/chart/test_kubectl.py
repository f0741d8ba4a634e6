"""The chart without releases of Helm's: rendered and applied by kubectl, as Argo CD and scripts do.

Needs Kubernetes' own API server (`make chart-server`): conftest.py leaves this file out where there is none.
"""

import os
import subprocess
from pathlib import Path

import pytest

from chart.api_server import FOLDER
from chart.releases import Release, every_helm
from chart.rendering import CHART, read_objects


def kubectl(release: Release, *arguments: str) -> str:
    """What kubectl printed; raises AssertionError where it failed."""
    done = subprocess.run(
        [FOLDER / "kubectl", "--namespace", release.cluster.namespace, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **release.environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@every_helm
@pytest.mark.parametrize("way", [(), ("--server-side",)], ids=["client", "server"])
@pytest.mark.parametrize("values", ["values-production.yaml", "values-dev.yaml"])
def test_a_rendered_release_is_applied_and_then_differs_in_nothing(
    release: Release, way: tuple[str, ...], values: str, tmp_path: Path
) -> None:
    file = tmp_path / "rendered.yaml"
    file.write_text(release("template", "rel", str(CHART), "--values", str(CHART / values)))
    applied = kubectl(release, "apply", *way, "--filename", str(file)).splitlines()
    assert {line.split()[-1] for line in applied} == {"serverside-applied" if way else "created"}
    # an exit status of 0 says that there is no difference
    kubectl(release, "diff", *way, "--filename", str(file))
    rendered = {one["metadata"]["name"] for one in read_objects(file.read_text()) if one["kind"] == "Deployment"}
    assert release.names("deployments") == rendered
