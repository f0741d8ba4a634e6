"""A private RabbitMQ node on free ports, apart from every other node on the machine."""

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from leopard_local.children import Child, PortTakenError
from leopard_local.debian import PackagesUnavailableError, unpack_packages
from leopard_local.environment import for_downloads
from leopard_local.ports import LOOPBACK, free_port, is_listening, release_port, wait_until_listening

IMAGE = "rabbitmq:4-management"

HOW_TO = (
    """\
Leopard's local stack needs RabbitMQ (3.10 or newer), and none was found or could be brought:
  - there is no rabbitmq-server on PATH
  - {packages}
  - {docker}
Any one of these helps:
  Debian, Ubuntu:  sudo apt-get install rabbitmq-server
  Fedora:          sudo dnf install rabbitmq-server
  macOS:           brew install rabbitmq
  Docker:          docker pull """
    + IMAGE
    + """
or name one that runs already: make up AMQP_URL=amqp://user:password@host:5672/vhost"""
)


class RabbitMQUnavailableError(Exception):
    """No RabbitMQ is to be had; says what to install."""


@dataclass(frozen=True)
class _Installed:
    """A RabbitMQ on this machine's disk."""

    server: Path
    epmd: Path
    environment: dict[str, str]


class RabbitMQ:
    """A node whose data lives in one folder; a private port mapper keeps it apart from every other node."""

    def __init__(self, folder: Path, packages: Path) -> None:
        self._port = free_port()
        self._ports = [self._port]
        self._epmd: Child | None = None
        logs = folder / "logs"
        found = _find_installed(packages)
        if isinstance(found, _Installed):
            epmd_port, distribution_port = free_port(), free_port()
            self._ports += [epmd_port, distribution_port]
            home = folder / "rabbitmq"
            home.mkdir(parents=True, exist_ok=True)
            self._epmd = Child(
                "epmd", [str(found.epmd), "-port", str(epmd_port), "-address", LOOPBACK], logs / "epmd.log"
            )
            self._epmd_port = epmd_port
            environment = found.environment | _node_environment(home, self._port, epmd_port, distribution_port)
            self.child = Child("rabbitmq", [str(found.server)], logs / "rabbitmq.log", environment)
            self._ctl = [str(found.server.with_name("rabbitmqctl"))]
        else:
            name = f"leopard-rabbitmq-{self._port}"
            publish = f"{LOOPBACK}:{self._port}:5672"
            self.child = Child(
                "rabbitmq", ["docker", "run", "--rm", "--name", name, "-p", publish, found], logs / "rabbitmq.log"
            )
            self._ctl = ["docker", "exec", name, "rabbitmqctl"]

    @property
    def url(self) -> str:
        """Its default virtual host."""
        return f"amqp://guest:guest@{LOOPBACK}:{self._port}/"

    def begin(self) -> None:
        """Start it; `wait_until_up` says when it can be used.

        Raises:
            PortTakenError: Another process has one of its ports.
        """
        _complain_where_taken(self._port)
        if self._epmd is not None and not self._epmd.running:
            _complain_where_taken(self._epmd_port)
            self._epmd.start()
            wait_until_listening(self._epmd_port, seconds=10)
            self._epmd.check()
        self.child.start()

    def wait_until_up(self, *, seconds: float = 120) -> None:
        """Wait until it takes connections.

        Raises:
            ChildDiedError: It ended instead.
            TimeoutError: It did not in time.
        """
        deadline = time.monotonic() + seconds
        while not is_listening(self._port):
            self.child.check()
            if time.monotonic() > deadline:
                msg = f"RabbitMQ takes no connections after {seconds:.0f} s:\n{self.child.tail()}"
                raise TimeoutError(msg)
            time.sleep(0.1)

    def control(self, *arguments: str) -> str:
        """Have `rabbitmqctl` do something; what it printed.

        Raises:
            RabbitMQUnavailableError: It failed.
        """
        environment = {**os.environ, **self.child.environment}
        command = [*self._ctl, *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise RabbitMQUnavailableError(f"rabbitmqctl {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def kill(self) -> None:
        """End it as a machine that loses power would."""
        self.child.kill()
        while is_listening(self._port):
            time.sleep(0.05)

    def stop(self) -> None:
        """End it in order."""
        self.child.stop(seconds=30)
        if self._epmd is not None:
            self._epmd.stop(seconds=5)

    def release_ports(self) -> None:
        """Let others have its ports; it is not started again."""
        for port in self._ports:
            release_port(port)


def _complain_where_taken(port: int) -> None:
    # a start would take another process on this port for the node, or end without a word where it is the port mapper
    if is_listening(port):
        raise PortTakenError(f"another process listens on port {port}")


def _find_installed(packages: Path) -> _Installed | str:
    on_path = shutil.which("rabbitmq-server", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin")
    if on_path is not None and shutil.which("epmd") is not None:
        server = Path(on_path).resolve()
        if server.name == "rabbitmq-script-wrapper":  # Debian's, which insists on the system's own node
            server = server.with_name("rabbitmq-server")
        return _Installed(server, Path(str(shutil.which("epmd"))), {})
    if (unpacked := _unpacked(packages)) is not None:
        return unpacked
    try:
        unpack_packages(["rabbitmq-server"], packages)
    except PackagesUnavailableError as error:
        reason = f"the distribution's packages: {error}"
    else:
        if (unpacked := _unpacked(packages)) is not None:
            return unpacked
        reason = "the distribution's package holds no server"
    docker = _docker_image()
    if docker is None:
        return IMAGE
    raise RabbitMQUnavailableError(HOW_TO.format(packages=reason, docker=docker))


def _unpacked(root: Path) -> _Installed | None:
    server = root / "usr/lib/rabbitmq/bin/rabbitmq-server"
    erlang = root / "usr/lib/erlang"
    if not server.exists() or not erlang.is_dir():
        return None
    for script in [erlang / "bin/erl", *erlang.glob("erts-*/bin/erl"), *erlang.glob("bin/start*")]:
        # Erlang's start scripts name the folder in which they were built to live
        if script.is_file() and not script.is_symlink():
            text = script.read_text(errors="surrogateescape")
            moved = re.sub(r'(?<=["=])/usr/lib/erlang', str(erlang), text)
            if moved != text:
                script.write_text(moved, errors="surrogateescape")
    libraries = [str(folder) for folder in (root / "usr/lib").glob("*-linux-gnu")]
    environment = {
        "PATH": f"{erlang / 'bin'}:{os.environ.get('PATH', '')}",
        "ERL_ROOTDIR": str(erlang),
        "ERLANG_HOME": str(erlang),
        "LD_LIBRARY_PATH": ":".join([*libraries, os.environ.get("LD_LIBRARY_PATH", "")]).strip(":"),
    }
    [epmd, *_] = [*erlang.glob("erts-*/bin/epmd"), root / "usr/bin/epmd"]
    return _Installed(server.resolve(), epmd, environment)


def _docker_image() -> str | None:
    """Null where Docker can run RabbitMQ, else why it cannot."""
    if shutil.which("docker") is None:
        return "there is no docker here"
    for command in (["docker", "info"], ["docker", "image", "inspect", IMAGE]):
        done = subprocess.run(command, check=False, capture_output=True)
        if done.returncode == 0:
            continue
        if command[1] == "info":
            return "no Docker engine answers"
        if subprocess.run(["docker", "pull", IMAGE], check=False, env=for_downloads(), capture_output=True).returncode:
            return f"Docker cannot pull {IMAGE}"
    return None


def _node_environment(home: Path, port: int, epmd_port: int, distribution_port: int) -> dict[str, str]:
    config = home / "rabbitmq.conf"
    config.write_text(
        f"listeners.tcp.local = {LOOPBACK}:{port}\n"
        "disk_free_limit.absolute = 50MB\n"
        # quorum queues keep what their log holds in memory as well, and the log grows to 512 MB by default
        "raft.wal_max_size_bytes = 67108864\n"
        "log.console = true\n"
        "log.console.level = warning\n"
        "log.file = false\n"
    )
    (home / "enabled_plugins").write_text("[].\n")
    (home / "rabbitmq-env.conf").write_text("")
    return {
        "HOME": str(home),  # for the Erlang cookie
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "RABBITMQ_NODENAME": "leopard@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(config),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "ERL_CRASH_DUMP": str(home / "erl_crash.dump"),
        "RABBITMQ_SCHEMA_DIR": str(home / "schema"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "config"),
        # idle schedulers sleep instead of spinning: the services need the cores
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none"
        " -kernel inet_dist_use_interface {127,0,0,1}",
    }
