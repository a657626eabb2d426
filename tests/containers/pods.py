"""A pod of the manifests as `docker run`: its command, environment, user, rights, limits and volumes, and what its probes say.

Whatever a manifest says that is not translated here is an error, so that nothing of it is passed over.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.architecture.manifests import image_of, of_kind
from tests.containers.engine import Engine

# What an engine does anyway, or what only a cluster's scheduler looks at.
POD = {
    "automountServiceAccountToken", "containers", "priorityClassName", "restartPolicy", "securityContext",
    "terminationGracePeriodSeconds", "topologySpreadConstraints", "volumes",
}  # fmt: skip
CONTAINER = {
    "args", "command", "env", "envFrom", "image", "lifecycle", "livenessProbe", "name", "ports", "readinessProbe", "resources",
    "securityContext", "startupProbe", "volumeMounts",
}  # fmt: skip
# A machine that builds and runs everything is slower than a node of a cluster.
SLOWER = 3


class Pod:
    """One of a Deployment's pods, or a Job's."""

    def __init__(
        self, engine: Engine, name: str, spec: dict[str, Any], labels: Mapping[str, str], network: str
    ) -> None:
        assert set(spec) <= POD, name
        [self.container] = spec["containers"]
        assert set(self.container) <= CONTAINER, name
        self.engine, self.name, self.spec, self.labels, self.network = engine, name, spec, labels, network

    def start(self, release: str, environment: Mapping[str, str], claims: Mapping[str, Path]) -> None:
        """Run it. `claims`: the folder behind each claim for a volume."""
        options = [*self._names(), *self._rights(), *self._limits(), *self._volumes(claims)]
        for name, value in environment.items():
            options += ["--env", f"{name}={value}"]
        command = list(self.container.get("command", []))
        if command:
            options += ["--entrypoint", command.pop(0)]
        image = f"gongmei/{image_of(self.container['image'])}:{release}"
        self.engine.do(
            "docker", "run", "--detach", "--name", self.name, "--network", self.network, *options, image, *command,
            *self.container.get("args", []),
        )  # fmt: skip

    def _names(self) -> list[str]:
        """Those of the services that lead to it."""
        leading = [s for s in of_kind("Service") if s["spec"]["selector"].items() <= self.labels.items()]
        return [f"--network-alias={s['metadata']['name']}.{s['metadata']['namespace']}.svc" for s in leading]

    def _rights(self) -> list[str]:
        pod, own = self.spec["securityContext"], self.container["securityContext"]
        assert set(pod) == {"runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "seccompProfile"}
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert own == {
            "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        return [
            f"--user={pod['runAsUser']}:{pod['runAsGroup']}", f"--group-add={pod['fsGroup']}", "--read-only",
            "--security-opt=no-new-privileges", "--cap-drop=ALL",
        ]  # fmt: skip

    def _limits(self) -> list[str]:
        limits = self.container["resources"]["limits"]
        cpu = limits["cpu"]
        cores = int(cpu[:-1]) / 1000 if cpu.endswith("m") else float(cpu)
        return [f"--cpus={cores}", f"--memory={_size(limits['memory'])}"]

    def _volumes(self, claims: Mapping[str, Path]) -> list[str]:
        options = []
        known = {v["name"]: v for v in self.spec.get("volumes", [])}
        for mount in self.container.get("volumeMounts", []):
            volume = known[mount["name"]]
            if "emptyDir" in volume:
                size = _size(volume["emptyDir"]["sizeLimit"])
                options.append(f"--tmpfs={mount['mountPath']}:rw,exec,mode=0777,size={size}")
            else:
                folder = claims[volume["persistentVolumeClaim"]["claimName"]]
                options.append(f"--volume={folder}:{mount['mountPath']}{':ro' if mount.get('readOnly') else ''}")
        return options

    def holds(self, probe: str) -> bool:
        """What a probe says now."""
        given = self.container[probe]
        if "exec" in given:
            return self.engine.tried("docker", "exec", self.name, *given["exec"]["command"])[0] == 0
        form = f'{{{{(index .NetworkSettings.Networks "{self.network}").IPAddress}}}}'
        address = self.engine.do("docker", "inspect", "--format", form, self.name).strip()
        ports = {p["name"]: p["containerPort"] for p in self.container["ports"]}
        get = given["httpGet"]
        try:
            answer = httpx.get(
                f"http://{address}:{ports[get['port']]}{get['path']}", trust_env=False,
                timeout=given.get("timeoutSeconds", 1) * SLOWER,
            )  # fmt: skip
        except httpx.TransportError:
            return False
        return 200 <= answer.status_code < 400

    def until(self, probe: str, holds: bool = True) -> None:
        """Wait as long as the manifest does for a start; `AssertionError` with its last words."""
        given = self.container["startupProbe"]
        seconds = given["periodSeconds"] * given["failureThreshold"] * SLOWER
        self._wait(lambda: self.holds(probe) == holds, seconds, f"{probe} is not {holds}")

    def _wait(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        until = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < until, f"{self.name}: {what}\n{self.said()}"
            time.sleep(1)

    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.engine.do("docker", "inspect", "--format", "{{json .State}}", self.name)))

    def said(self) -> str:
        return self.engine.tried("docker", "logs", "--tail", "30", self.name)[1]

    def complete(self, seconds: float) -> str:
        """A Job's end; what it said. `AssertionError` where it failed."""
        self._wait(lambda: not self.state()["Running"], seconds, "is not over")
        said = self.said()
        assert self.state()["ExitCode"] == 0, said
        return said

    def stop(self) -> int:
        """End it as a cluster does: the hook, SIGTERM, and SIGKILL after the grace. Its exit code."""
        if hook := self.container.get("lifecycle", {}).get("preStop"):
            self.engine.do("docker", "exec", self.name, *hook["exec"]["command"])
        self.engine.do("docker", "stop", "--time", str(self.spec["terminationGracePeriodSeconds"]), self.name)
        return int(self.state()["ExitCode"])


def _size(text: str) -> int:
    number, unit = int(text[:-2]), text[-2:]
    return number * {"Mi": 2**20, "Gi": 2**30}[unit]
