"""Rendered pods as containers: their user, files, environment, memory and commands are the chart's, none is ours."""

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from chart.rendering import Manifest, pod_of

NETWORK = "leopard-containers"


class ContainerError(Exception):
    """A container did not do what was expected; says what it printed."""


def docker(*arguments: str, check: bool = True) -> str:
    """What a command of docker printed.

    Raises:
        ContainerError: It failed.
    """
    done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise ContainerError(f"docker {' '.join(arguments[:3])}: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


def own(folder: Path, image: str, group: int, mode: int) -> None:
    """Give root and a group all files below a folder, by a container: who runs this may not be root."""
    command = f"find /files -type f -exec chown 0:{group} {{}} + -exec chmod {mode:o} {{}} +"
    mount = ("--volume", f"{folder}:/files", "--user", "0", "--entrypoint", "sh")
    docker("run", "--rm", *mount, image, "-c", command)


def logs(name: str) -> str:
    """The last that a container printed."""
    return subprocess.run(
        ["docker", "logs", "--tail", "30", name],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ).stdout


def wait_for(name: str, *command: str, seconds: float) -> None:
    """Run a command in a container until it succeeds.

    Raises:
        ContainerError: It does not succeed in time.
    """
    deadline = time.monotonic() + seconds
    while subprocess.run(["docker", "exec", name, *command], check=False, capture_output=True).returncode != 0:
        if time.monotonic() > deadline:
            raise ContainerError(f"{name} is not ready:\n{logs(name)}")
        time.sleep(0.5)


@dataclass
class Pods:
    """What was rendered, and what of it runs."""

    manifests: list[Manifest]
    secrets: Path
    running: list[str] = field(default_factory=list)

    def find(self, kind: str, suffix: str) -> Manifest:
        """The one object of a kind whose name ends so."""
        [found] = [one for one in self.manifests if one["kind"] == kind and one["metadata"]["name"].endswith(suffix)]
        return found

    def start(self, workload: Manifest, *, replica: int = 0, publish: int | None = None) -> str:
        """Start one pod of a workload; its init containers first, to their end. The name of its container."""
        pod = workload["spec"]["template"]
        name = f"{workload['metadata']['name']}-{replica}"
        for container in pod["spec"].get("initContainers", []):
            self._run(f"{name}-{container['name']}", pod, container, detach=False)
        [container] = pod["spec"]["containers"]
        aliases = [alias for service in self._services_of(pod) for alias in ("--network-alias", service)]
        ports = []
        if publish is not None:
            ports = ["--publish", f"127.0.0.1:{publish}:{container['ports'][0]['containerPort']}"]
        self._run(name, pod, container, *aliases, *ports, detach=True)
        return name

    def run_to_its_end(self, workload: Manifest, *, command: list[str] | None = None) -> None:
        """Run a pod of a Job, or one by itself, or another command in a pod; raises where it fails."""
        pod = pod_of(workload)
        assert pod is not None
        [container] = pod["spec"]["containers"]
        given = container | ({"command": command} if command else {})
        self._run(workload["metadata"]["name"], pod, given, detach=False)

    def wait_until_ready(self, workload: Manifest, *, replica: int = 0, seconds: float = 90) -> None:
        """Ask the container what its readiness probe asks until it holds."""
        [container] = workload["spec"]["template"]["spec"]["containers"]
        name = f"{workload['metadata']['name']}-{replica}"
        probe = container["readinessProbe"]
        if "exec" in probe:
            command = probe["exec"]["command"]
        else:
            numbers = {port["name"]: port["containerPort"] for port in container["ports"]}
            url = f"http://127.0.0.1:{numbers[probe['httpGet']['port']]}{probe['httpGet']['path']}"
            command = ["python3", "-c", f"import urllib.request; urllib.request.urlopen({url!r}, timeout=3)"]
        wait_for(name, *command, seconds=seconds)

    def stop(self, workload: Manifest, *, replica: int = 0) -> int:
        """End a pod as a kubelet would, with the chart's time to end in; its exit status."""
        name = f"{workload['metadata']['name']}-{replica}"
        grace = workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        docker("stop", "--signal", "SIGTERM", "--time", str(grace), name)
        return int(docker("inspect", "-f", "{{.State.ExitCode}}", name))

    def remove(self) -> None:
        """Remove every container, and the network."""
        self.remove_containers()
        docker("network", "rm", NETWORK, check=False)

    def remove_containers(self) -> None:
        """Remove every container."""
        if self.running:
            docker("rm", "--force", "--volumes", *self.running, check=False)

    def _run(self, name: str, pod: Manifest, container: Manifest, *options: str, detach: bool) -> None:
        docker("rm", "--force", "--volumes", name, check=False)
        self.running.append(name)
        command = ["run", "--name", name, "--network", NETWORK, *options, *self._confinement(pod, container)]
        for variable, value in self._environment(container).items():
            command += ["--env", f"{variable}={value}"]
        command += ["--detach"] if detach else []
        docker(*command, container["image"], *container.get("command", []))

    def _confinement(self, pod: Manifest, container: Manifest) -> list[str]:
        context = container["securityContext"]
        options = ["--user", f"{context['runAsUser']}:{pod['spec']['securityContext']['runAsGroup']}"]
        options += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        if context["readOnlyRootFilesystem"]:
            options.append("--read-only")
        options += ["--memory", container["resources"]["limits"]["memory"].replace("Mi", "m").replace("Gi", "g")]
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
        for mount in container.get("volumeMounts", []):
            projected = volumes.get(mount["name"], {}).get("projected")
            if projected is None:
                options += ["--tmpfs", f"{mount['mountPath']}:mode=1777,exec"]
            else:
                options += ["--volume", f"{self._project(pod, container['image'], projected)}:{mount['mountPath']}:ro"]
        return options

    def _project(self, pod: Manifest, image: str, projected: Manifest) -> Path:
        """A folder with the files of a projected volume, which have the volume's mode and the pod's group."""
        folder: Path = self.secrets / pod["metadata"]["labels"]["app.kubernetes.io/component"]
        if folder.exists():
            return folder
        for source in projected["sources"]:
            for item in source["secret"]["items"]:
                file = folder / item["path"]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(self._secret(source["secret"]["name"], item["key"]))
        own(folder, image, pod["spec"]["securityContext"]["fsGroup"], projected["defaultMode"])
        return folder

    def _environment(self, container: Manifest) -> dict[str, str]:
        found: dict[str, str] = {}
        for source in container.get("envFrom", []):
            found |= self.find("ConfigMap", source["configMapRef"]["name"])["data"]
        for variable in container.get("env", []):
            found[variable["name"]] = variable.get("value") or self._secret_of(variable)
        return found

    def _secret_of(self, variable: Manifest) -> str:
        reference = variable["valueFrom"]["secretKeyRef"]
        return self._secret(reference["name"], reference["key"])

    def _secret(self, name: str, key: str) -> str:
        value: str = self.find("Secret", name)["stringData"][key]
        return value

    def _services_of(self, pod: Manifest) -> list[str]:
        return [
            one["metadata"]["name"]
            for one in self.manifests
            if one["kind"] == "Service" and one["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        ]
