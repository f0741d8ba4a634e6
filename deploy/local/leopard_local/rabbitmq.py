"""Run a private RabbitMQ node on free ports, isolated from other nodes on the machine."""

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from leopard_local.children import Child, PortTakenError
from leopard_local.debian import PackagesUnavailableError, taking_turns, unpack_packages
from leopard_local.environment import download_environment
from leopard_local.ports import LOOPBACK, free_port, is_listening, release_port, wait_until_listening

IMAGE = "rabbitmq:4-management"

HOW_TO = (
    """\
Leopard's local stack needs RabbitMQ (3.10 or newer), which was not found and could not be downloaded:
  - rabbitmq-server is not on PATH
  - {packages}
  - {docker}
Install it in one of these ways:
  Debian, Ubuntu:  sudo apt-get install rabbitmq-server
  Fedora:          sudo dnf install rabbitmq-server
  macOS:           brew install rabbitmq
  Docker:          docker pull """
    + IMAGE
    + """
Or use a running RabbitMQ: make up AMQP_URL=amqp://user:password@host:5672/vhost"""
)


class RabbitMQUnavailableError(Exception):
    """RabbitMQ is not available. The message says what to install."""


@dataclass(frozen=True)
class _Installed:
    """An installed or unpacked RabbitMQ."""

    server: Path
    epmd: Path
    environment: dict[str, str]


class RabbitMQ:
    """A node with its data in one folder. A private epmd (Erlang port mapper) isolates it from other nodes."""

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
        """URL of its default virtual host."""
        return f"amqp://guest:guest@{LOOPBACK}:{self._port}/"

    def start(self) -> None:
        """Start the node without waiting. `wait_until_up` waits until it accepts connections.

        Raises:
            PortTakenError: Another process uses one of its ports.
        """
        _check_port(self._port)
        if self._epmd is not None and not self._epmd.running:
            _check_port(self._epmd_port)
            self._epmd.start()
            wait_until_listening(self._epmd_port, seconds=10)
            self._epmd.check()
        self.child.start()

    def wait_until_up(self, *, seconds: float = 120) -> None:
        """Wait until the node accepts connections.

        Raises:
            ChildDiedError: The node ended.
            TimeoutError: The node did not accept connections in time.
        """
        deadline = time.monotonic() + seconds
        while not is_listening(self._port):
            self.child.check()
            if time.monotonic() > deadline:
                msg = f"RabbitMQ accepts no connections after {seconds:.0f} s:\n{self.child.tail()}"
                raise TimeoutError(msg)
            time.sleep(0.1)

    def control(self, *arguments: str) -> str:
        """Run `rabbitmqctl`. Return its output.

        Raises:
            RabbitMQUnavailableError: The command failed.
        """
        environment = {**os.environ, **self.child.environment}
        command = [*self._ctl, *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise RabbitMQUnavailableError(f"rabbitmqctl {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def kill(self) -> None:
        """Kill the node at once, as a power failure would."""
        self.child.kill()
        while is_listening(self._port):
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the node."""
        self.child.stop(seconds=30)
        if self._epmd is not None:
            self._epmd.stop(seconds=5)

    def release_ports(self) -> None:
        """Release its ports. Do not start the node afterwards."""
        for port in self._ports:
            release_port(port)


def _check_port(port: int) -> None:
    # otherwise wait_until_up would mistake the other process for the node, or epmd would end silently
    if is_listening(port):
        raise PortTakenError(f"another process listens on port {port}")


def _find_installed(packages: Path) -> _Installed | str:
    on_path = shutil.which("rabbitmq-server", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin")
    if on_path is not None and shutil.which("epmd") is not None:
        server = Path(on_path).resolve()
        if server.name == "rabbitmq-script-wrapper":  # Debian's wrapper runs only the system's node
            server = server.with_name("rabbitmq-server")
        return _Installed(server, Path(str(shutil.which("epmd"))), {})
    with taking_turns(packages):
        if (unpacked := _unpacked(packages)) is not None:
            return unpacked
        try:
            unpack_packages(["rabbitmq-server"], packages)
        except PackagesUnavailableError as error:
            reason = f"the distribution's packages: {error}"
        else:
            if (unpacked := _unpacked(packages)) is not None:
                return unpacked
            reason = "the distribution's package contains no server"
    docker = _docker_problem()
    if docker is None:
        return IMAGE
    raise RabbitMQUnavailableError(HOW_TO.format(packages=reason, docker=docker))


def _unpacked(root: Path) -> _Installed | None:
    server = root / "usr/lib/rabbitmq/bin/rabbitmq-server"
    erlang = root / "usr/lib/erlang"
    if not server.exists() or not erlang.is_dir():
        return None
    for script in [erlang / "bin/erl", *erlang.glob("erts-*/bin/erl"), *erlang.glob("bin/start*")]:
        # Erlang's start scripts contain the path of their installation folder
        if script.is_file() and not script.is_symlink():
            text = script.read_text(errors="surrogateescape")
            relocated = re.sub(r'(?<=["=])/usr/lib/erlang', str(erlang), text)
            if relocated != text:
                script.write_text(relocated, errors="surrogateescape")
    libraries = [str(folder) for folder in (root / "usr/lib").glob("*-linux-gnu")]
    environment = {
        "PATH": f"{erlang / 'bin'}:{os.environ.get('PATH', '')}",
        "ERL_ROOTDIR": str(erlang),
        "ERLANG_HOME": str(erlang),
        "LD_LIBRARY_PATH": ":".join([*libraries, os.environ.get("LD_LIBRARY_PATH", "")]).strip(":"),
    }
    [epmd, *_] = [*erlang.glob("erts-*/bin/epmd"), root / "usr/bin/epmd"]
    return _Installed(server.resolve(), epmd, environment)


def _docker_problem() -> str | None:
    """Return None if Docker can run RabbitMQ, otherwise the reason why it cannot."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    for command in (["docker", "info"], ["docker", "image", "inspect", IMAGE]):
        done = subprocess.run(command, check=False, capture_output=True)
        if done.returncode == 0:
            continue
        if command[1] == "info":
            return "the Docker engine does not answer"
        if subprocess.run(
            ["docker", "pull", IMAGE], check=False, env=download_environment(), capture_output=True
        ).returncode:
            return f"Docker cannot pull {IMAGE}"
    return None


def _node_environment(home: Path, port: int, epmd_port: int, distribution_port: int) -> dict[str, str]:
    config = home / "rabbitmq.conf"
    config.write_text(
        f"listeners.tcp.local = {LOOPBACK}:{port}\n"
        "disk_free_limit.absolute = 50MB\n"
        # quorum queues also keep their log in memory, and the log grows to 512 MB by default
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
        # idle schedulers sleep instead of spinning, so that the services get the cores
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none"
        " -kernel inet_dist_use_interface {127,0,0,1}",
    }
