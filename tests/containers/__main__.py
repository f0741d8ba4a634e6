"""`python -m containers`: start every pod of the chart, run tests/e2e, then replace every pod during a campaign.

Before, the services run with both stores over TLS, and are shown certificates that they must not trust.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from chart.rendering import VALUES_FILES, Manifest, read_values, render
from containers.pods import NETWORK, ContainerError, Pods, docker, logs
from containers.tls import check_tls
from e2e.first_campaign import FirstCampaignError, send_first_campaign
from e2e.rolling import send_while
from leopard_local.environment import forget_settings
from leopard_local.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
RECIPIENTS = 12_000
POOLS: list[dict[str, Any]] = [
    {"name": "default"},
    {"name": "whatsapp", "replicas": 1, "settings": {"channel": "whatsapp"}},
]
"""tests/e2e sends over both channels: one goes through the queue of all, the other through its own."""


def main() -> int:
    """Do all of it; 0 where everything held."""
    parser = argparse.ArgumentParser(prog="containers", description=__doc__)
    parser.add_argument("--tag", default="latest", help="the images' tag")
    parsed = parser.parse_args()
    forget_settings()
    values = read_values(VALUES_FILES[0]) | {"image": {"registry": "", "repository": "leopard", "tag": parsed.tag}}
    values["senderWorker"] = values.get("senderWorker", {}) | {"pools": POOLS}
    secrets = tempfile.TemporaryDirectory(prefix="leopard-secrets-")
    Path(secrets.name).chmod(0o755)
    pods = Pods(render(values, release="leopard"), Path(secrets.name))
    api_port, simulator_port = free_port(), free_port()
    docker("network", "rm", NETWORK, check=False)
    docker("network", "create", NETWORK)
    try:
        _say("both stores over TLS, with client certificates, then with wrong certificates")
        if wrong := check_tls(parsed.tag, Path(secrets.name)):
            _say("\n".join(wrong))
            return 1
        _start(pods, api_port, simulator_port)
        api_url, simulator_url = f"http://127.0.0.1:{api_port}", f"http://127.0.0.1:{simulator_port}"
        _say(f"the first campaign, by the requests of docs/kubernetes.md: {send_first_campaign(api_url)}")
        _say("tests/e2e")
        tests = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "tests/e2e"],
            check=False,
            cwd=ROOT,
            env={**os.environ, "LEOPARD_BASE_URL": api_url},
        )
        if tests.returncode != 0:
            for name in pods.running:
                _say(f"-- {name}\n{logs(name)}")
            return tests.returncode
        return _roll(pods, api_url, simulator_url)
    except (ContainerError, FirstCampaignError) as error:
        _say(str(error))
        return 1
    finally:
        pods.remove()
        secrets.cleanup()


def _start(pods: Pods, api_port: int, simulator_port: int) -> None:
    _say("PostgreSQL, RabbitMQ, the simulator")
    stores = [pods.find("StatefulSet", "-postgres"), pods.find("StatefulSet", "-rabbitmq")]
    simulator = pods.find("Deployment", "-simulator")
    for store in stores:
        pods.start(store)
    pods.start(simulator, publish=simulator_port)
    for part in (*stores, simulator):
        pods.wait_until_ready(part)
    _say("the migration, then the services, which wait for it")
    [job] = [one for one in pods.manifests if "-migrate-" in one["metadata"]["name"]]
    pods.run_to_its_end(job)
    api, dispatcher = pods.find("Deployment", "-campaign-api"), pods.find("Deployment", "-dispatcher")
    workers = [pods.find("Deployment", f"-sender-worker-{pool['name']}") for pool in POOLS]
    pods.start(api, publish=api_port)
    pods.start(dispatcher)
    for worker in workers:
        for replica in range(worker["spec"]["replicas"]):
            pods.start(worker, replica=replica)
    for part in (api, dispatcher, *workers):
        pods.wait_until_ready(part)


def _roll(pods: Pods, api_url: str, simulator_url: str) -> int:
    """Replace every pod during a campaign, as an upgrade does; 0 if no message is lost and none is sent twice."""
    worker = pods.find("Deployment", "-sender-worker-default")
    dispatcher, api = pods.find("Deployment", "-dispatcher"), pods.find("Deployment", "-campaign-api")
    ended: dict[str, int] = {}

    def replace() -> str:
        _say("one worker is ended with work in flight, then every pod is replaced by a new one")
        ended["deleted worker"] = pods.stop(worker, replica=0)
        replicas = worker["spec"]["replicas"]
        for replica in range(1, replicas):
            ended[f"worker {replica}"] = _replace(pods, worker, replica, replicas + replica)
        ended["dispatcher"] = _replace(pods, dispatcher, 0, 1)
        port = free_port()
        ended["campaign-api"] = _replace(pods, api, 0, 1, publish=port)
        return f"http://127.0.0.1:{port}"

    outcome = send_while(api_url, simulator_url, replace, RECIPIENTS)
    _say(f"exit status {ended}; {outcome}")
    return 0 if outcome.good and not any(ended.values()) else 1


def _replace(pods: Pods, workload: Manifest, old: int, new: int, *, publish: int | None = None) -> int:
    """Start a new pod, and end the old one once the new one is ready; the old one's exit status."""
    pods.start(workload, replica=new, publish=publish)
    pods.wait_until_ready(workload, replica=new)
    return pods.stop(workload, replica=old)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 progress


if __name__ == "__main__":
    sys.exit(main())
