"""Both stores with certificates of an authority of this run, as the chart connects to them, and with wrong ones."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import trustme

from chart.rendering import Manifest, render
from containers.pods import NETWORK, ContainerError, Pods, docker, logs, own, wait_for

POSTGRES, EXPIRED, RABBITMQ = "postgres.tls", "expired.tls", "rabbitmq.tls"
ELSEWHERE: Final = "elsewhere.tls"
"""Another name of RabbitMQ, and below it one of PostgreSQL, which is in no certificate."""
EXPIRED_PORT: Final = 5673
_POSTGRES_IMAGE, _RABBITMQ_IMAGE = "postgres:17", "rabbitmq:4-management"
_GROUP: Final = 999
_START_SECONDS: Final = 60
_SERVICE_SECONDS: Final = 3
_PASSWORD: Final = "a-password-of-this-run"  # noqa: S105 no one else's
_HBA: Final = "local all all trust\nhostssl all all all scram-sha-256 clientcert=verify-full\n"
_RABBITMQ: Final = """\
listeners.tcp = none
listeners.ssl.default = 5671
ssl_options.cacertfile = /tls/ca.pem
ssl_options.certfile = /tls/server.pem
ssl_options.keyfile = /tls/server.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
"""
_EXPIRED_LISTENER: Final = (
    f"rabbit_networking:start_ssl_listener({EXPIRED_PORT}, "
    '[{certfile,"/tls/expired.pem"},{keyfile,"/tls/expired.key"}], 2).'
)
VALUES: Final[dict[str, Any]] = {
    "database": {
        "existingSecret": {"name": "database"},
        "ca": {"existingSecret": "authority"},
        "clientCertificate": {"existingSecret": "client"},
    },
    "rabbitmq": {
        "existingSecret": {"name": "broker"},
        "port": 5671,
        "ca": {"existingSecret": "authority"},
        "clientCertificate": {"existingSecret": "client"},
    },
    # containers have no Services that map ports
    "campaignApi": {"service": {"port": 8080}},
}


@dataclass(frozen=True)
class Fault:
    """A server that must not be trusted: what of the URLs is other, and what the line about it says."""

    store: str
    url: str
    problem: str


FAULTS: Final = (
    Fault("PostgreSQL", f"{EXPIRED}:5432", "TLS failed: the server's certificate is not trusted"),
    Fault("PostgreSQL", f"postgres.{ELSEWHERE}:5432", "TLS failed: the server's certificate is for another host"),
    Fault("RabbitMQ", f"{RABBITMQ}:{EXPIRED_PORT}", "TLS failed: the server's certificate has expired"),
    Fault("RabbitMQ", f"{ELSEWHERE}:5671", "TLS failed: the server's certificate is for another host"),
)


def check_tls(tag: str, folder: Path) -> list[str]:
    """Run the services with both stores over TLS, then with wrong certificates; what did not hold.

    Raises:
        ContainerError: A container did not start, or the test campaign was not sent.
    """
    files = folder / "tls"
    files.mkdir()
    client = _issue(files)
    with _stores(files, tag):
        good = _pods(tag, folder / "good", client)
        try:
            _send_one(good)
        finally:
            good.remove_containers()
        return [
            wrong for number, fault in enumerate(FAULTS) for wrong in _told(tag, folder / str(number), client, fault)
        ]


def _issue(files: Path) -> dict[str, str]:
    """Write what the stores show; the Secret's data with a client's certificate, and the authority's."""
    authority, now, day = trustme.CA(), datetime.now(UTC), timedelta(days=1)
    authority.cert_pem.write_to_path(str(files / "ca.pem"))
    names = (POSTGRES, RABBITMQ)
    issued = {
        "server": authority.issue_cert(*names),
        "expired": authority.issue_cert(*names, ELSEWHERE, not_before=now - 2 * day, not_after=now - day),
    }
    for name, certificate in issued.items():
        certificate.cert_chain_pems[0].write_to_path(str(files / f"{name}.pem"))
        certificate.private_key_pem.write_to_path(str(files / f"{name}.key"))
    (files / "pg_hba.conf").write_text(_HBA)
    (files / "tls.conf").write_text(_RABBITMQ)
    client = authority.issue_cert("leopard@example.com", common_name="leopard")
    return {
        "ca.crt": authority.cert_pem.bytes().decode(),
        "tls.crt": client.cert_chain_pems[0].bytes().decode(),
        "tls.key": client.private_key_pem.bytes().decode(),
    }


@contextlib.contextmanager
def _stores(files: Path, tag: str) -> Iterator[None]:
    own(files, f"leopard/dispatcher:{tag}", _GROUP, 0o440)
    files.chmod(0o755)
    login = {"RABBITMQ_DEFAULT_USER": "leopard", "RABBITMQ_DEFAULT_PASS": _PASSWORD}
    login |= {"RABBITMQ_NODENAME": "rabbit@localhost"}
    configured = ("--volume", f"{files / 'tls.conf'}:/etc/rabbitmq/conf.d/20-tls.conf:ro")
    mounted = (*_mounted(files), "--network-alias", ELSEWHERE)
    try:
        docker("run", "--name", RABBITMQ, *mounted, *configured, *_environment(login), _RABBITMQ_IMAGE)
        _start_postgres(files, POSTGRES, "server", "--network-alias", f"postgres.{ELSEWHERE}")
        _start_postgres(files, EXPIRED, "expired")
        for name in (POSTGRES, EXPIRED):
            wait_for(name, "pg_isready", "-U", "leopard", "-h", "127.0.0.1", seconds=_START_SECONDS)
        wait_for(RABBITMQ, "rabbitmq-diagnostics", "-q", "check_port_connectivity", seconds=_START_SECONDS)
        docker("exec", RABBITMQ, "rabbitmqctl", "eval", _EXPIRED_LISTENER)
        yield
    finally:
        docker("rm", "--force", "--volumes", POSTGRES, EXPIRED, RABBITMQ, check=False)


def _mounted(files: Path) -> tuple[str, ...]:
    return ("--detach", "--network", NETWORK, "--volume", f"{files}:/tls:ro")


def _start_postgres(files: Path, name: str, certificate: str, *options: str) -> None:
    settings = {"ssl": "on", "ssl_cert_file": f"/tls/{certificate}.pem", "ssl_key_file": f"/tls/{certificate}.key"}
    settings |= {"ssl_ca_file": "/tls/ca.pem", "hba_file": "/tls/pg_hba.conf"}
    login = {"POSTGRES_USER": "leopard", "POSTGRES_PASSWORD": _PASSWORD}
    server = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    docker("run", "--name", name, *_mounted(files), *options, *_environment(login), _POSTGRES_IMAGE, *server)


def _environment(given: dict[str, str]) -> list[str]:
    return [part for name, value in given.items() for part in ("--env", f"{name}={value}")]


def _pods(
    tag: str,
    folder: Path,
    client: dict[str, str],
    *,
    database: str = f"{POSTGRES}:5432",
    broker: str = f"{RABBITMQ}:5671",
) -> Pods:
    """The chart's pods, with Secrets as a platform team would have made them."""
    folder.mkdir()
    image = {"registry": "", "repository": "leopard", "tag": tag}
    data = {
        "database": {"uri": f"postgresql://leopard:{_PASSWORD}@{database}/leopard?sslmode=verify-full"},
        "broker": {"connection_string": f"amqps://leopard:{_PASSWORD}@{broker}/"},
        "authority": {"ca.crt": client["ca.crt"]},
        "client": client,
    }
    secrets: list[Manifest] = [
        {"kind": "Secret", "metadata": {"name": name}, "stringData": given} for name, given in data.items()
    ]
    return Pods(render(VALUES | {"image": image}, release="tls") + secrets, folder)


def _migration(pods: Pods) -> Manifest:
    [job] = [one for one in pods.manifests if one["kind"] == "Job"]
    return job


def _send_one(pods: Pods) -> None:
    """Migrate, start each service once behind its wait-for-schema, and send the chart's test campaign."""
    pods.run_to_its_end(_migration(pods))
    services = [pods.find("Deployment", f"-{name}") for name in ("campaign-api", "dispatcher", "sender-worker-default")]
    for service in services:
        pods.start(service)
    for service in services:
        pods.wait_until_ready(service)
    pods.run_to_its_end(pods.find("Pod", "-test-campaign"))


def _told(tag: str, folder: Path, client: dict[str, str], fault: Fault) -> Iterator[str]:
    """What a fault ends in other than one line and the exit status 1; a service tells RabbitMQ's and goes on."""
    started: dict[str, Callable[[], object]]
    if fault.store == "PostgreSQL":
        pods = _pods(tag, folder, client, database=fault.url)
        job, dispatcher = _migration(pods), pods.find("Deployment", "-dispatcher")
        started = {"migration": lambda: pods.run_to_its_end(job), "wait-for-schema": lambda: pods.start(dispatcher)}
    else:
        pods = _pods(tag, folder, client, broker=fault.url)
        dispatcher, worker = pods.find("Deployment", "-dispatcher"), pods.find("Deployment", "-sender-worker-default")
        command = ["leopard", "dead-letters", "list", "--wait-seconds", "1"]
        pods.start(dispatcher)
        # it tries again in this time
        time.sleep(_SERVICE_SECONDS)
        warnings = [line for line in logs(pods.running[-1]).splitlines() if '"level": "info"' not in line]
        if len(warnings) != 1 or fault.problem not in warnings[0]:
            yield f"dispatcher with {fault.store} at {fault.url}: {warnings}"
        started = {"dead-letters": lambda: pods.run_to_its_end(worker, command=command)}
    try:
        for part, start in started.items():
            with contextlib.suppress(ContainerError):
                start()
            name = pods.running[-1]
            status, lines = docker("inspect", "-f", "{{.State.ExitCode}}", name), logs(name).splitlines()
            right = len(lines) == 1 and lines[0].startswith(f"{fault.store} at ") and lines[0].endswith(fault.problem)
            if status != "1" or not right:
                yield f"{part} with {fault.store} at {fault.url}: status {status}, {lines}"
    finally:
        pods.remove_containers()
