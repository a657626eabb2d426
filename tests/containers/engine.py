"""A Docker engine of the tests' own on a machine that has none.

A Debian is made in a folder once, and entered through namespaces: its engine sees no other process of the machine, and in
`network="own"` none of its interfaces either, so that Compose makes bridges and publishes ports as on any host. Images come
from the machine's package mirror; no registry is asked.
"""

import ctypes
import fcntl
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded.system import ROOT

# Shared by all clones of a user, as are wheels and fonts: making one and its images takes a quarter of an hour.
FOLDER = Path(
    os.environ.get("GM_ENGINE_FOLDER")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gongmei" / "engine"
)
PACKAGES = (
    "docker.io", "docker-cli", "docker-compose", "docker-buildx", "iptables", "iproute2", "procps", "kmod",
)  # fmt: skip
# Python's usual image is a Debian with an interpreter in /usr/local/bin; here it is Debian's own. What is made here has no digest
# that anybody knows, so that it has another name.
PYTHON = "stand-in/python:3.11"
PYTHON_PACKAGES = "ca-certificates,netbase,tzdata,python3,python3-pip,python3-venv"
IMAGES = ("gateway", "applications", "documents", "notify", "operations")
STAND_INS = (
    "valkey", "haproxy", "postgres", "clamav", "prometheus", "alertmanager", "postgres-exporter", "valkey-exporter",
    "node-exporter", "blackbox", "registry",
)  # fmt: skip
START_SECONDS = 60
# What builds keep beyond that is removed by the engine itself, when nobody waits for it.
SETTINGS = {"builder": {"gc": {"enabled": True, "defaultKeepStorage": "8GB"}}}
CLONE_NEWNET = 0x40000000

# Run as the first process of new namespaces: $1 the root, $2 this repository, $3 whose network.
ENTER = r"""
set -eu
mount --make-rprivate /
mount --rbind "$1" "$1"
mount -t tmpfs tmpfs "$1/tmp"
mkdir -p "$1/outside" "$1$2"
mount --bind "$2" "$1$2"
cd "$1"
pivot_root . outside
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount --rbind /outside/dev /dev
mount --rbind /outside/sys/fs/cgroup /sys/fs/cgroup
mount -t tmpfs tmpfs /run
umount -l /outside
# As a machine's first process leaves it: who looks at the whole tree sees what is mounted later.
mount --make-rshared /
options="--bridge=none --iptables=false --ip6tables=false --ip-forward=false"
if [ "$3" = own ]; then
    # The engine wants a default route. This one ends in the room.
    ip link set lo up
    ip link add uplink type veth peer name room
    ip link set room up
    ip addr add 198.18.0.2/24 dev uplink
    ip link set uplink up
    ip route add default via 198.18.0.1
    sysctl -qw net.ipv4.ip_forward=1
    options=""
fi
# shellcheck disable=SC2086
exec dockerd $options --log-level=warn >>/var/log/dockerd.log 2>&1
"""


class NoEngine(Exception):
    """No engine can be had on this machine; the message says why."""


class Engine:
    """Makes, starts and speaks to the engine."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self.root = folder / "root"
        self._first: int | None = None
        self._lock: int | None = None

    def make(self) -> None:
        """Make the Debian with the engine, and the roots that images begin with; once, in some minutes. `NoEngine`."""
        if os.geteuid() != 0:
            raise NoEngine("only root may make one")
        system = Path("/etc/os-release").read_text(encoding="utf-8")
        if "VERSION_CODENAME=bookworm" not in system:
            # The tests' libraries are shared with containers, which have Debian 12's interpreter.
            raise NoEngine("this machine is no Debian 12")
        if subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True, check=False).returncode:
            raise NoEngine("this machine makes no namespaces")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._take()
        if (self.folder / "made").exists():
            return
        with (self.folder / "make.log").open("ab") as log:

            def run(*command: str) -> None:
                if subprocess.run(command, stdout=log, stderr=log, check=False).returncode:
                    said = (self.folder / "make.log").read_text(errors="replace").splitlines() or ["no word"]
                    reason = next((line for line in reversed(said) if line.startswith("E: ")), said[-1])
                    raise NoEngine(f"{command[0]} failed: {reason}; see {self.folder / 'make.log'}")

            if shutil.which("debootstrap") is None:
                run("apt-get", "update", "-qq")
                run("apt-get", "install", "-qq", "-y", "--no-install-recommends", "debootstrap")
            self._debian(run, "bookworm", self.folder / "python", PYTHON_PACKAGES)
            (self.folder / "python/usr/lib/python3.11/EXTERNALLY-MANAGED").unlink(missing_ok=True)
            for name in ("python", "python3", "python3.11"):
                link = self.folder / "python/usr/local/bin" / name
                link.unlink(missing_ok=True)
                link.symlink_to("/usr/bin/python3.11")
            self._debian(run, "trixie", self.root, "ca-certificates")
            for name, place in (("python", self.folder / "python"), ("debian", self.root)):
                run("tar", "-C", str(place), "-cf", str(self.folder / f"{name}.tar"), ".")
            for name in ("python", "debian"):
                shutil.copy(self.folder / f"{name}.tar", self.root / f"{name}.tar")
            # Nothing that a package brings is started.
            policy = self.root / "usr/sbin/policy-rc.d"
            policy.write_text("#!/bin/sh\nexit 101\n")
            policy.chmod(0o755)
            run("chroot", str(self.root), "apt-get", "update", "-qq")
            run(
                "chroot",
                str(self.root),
                "env",
                "DEBIAN_FRONTEND=noninteractive",
                "apt-get",
                "install",
                "-qq",
                "-y",
                "--no-install-recommends",
                *PACKAGES,
            )
            (self.root / "var/log").mkdir(exist_ok=True)
        (self.folder / "made").touch()

    def _take(self) -> None:
        """Be the only one who makes or runs it, as long as this process or its engine lives. `NoEngine`."""
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise NoEngine(f"another run has the engine in {self.folder}") from None

    def _debian(self, run: Callable[..., None], suite: str, place: Path, packages: str) -> None:
        """A minimal Debian that finds this machine's mirror and believes its certificates."""
        if not place.exists():
            # What was broken off on the way is never taken for a Debian.
            part = place.with_name(f"{place.name}.part")
            subprocess.run(["umount", "--recursive", part / "proc"], capture_output=True, check=False)
            run("rm", "-rf", "--one-file-system", str(part))
            run("debootstrap", "--variant=minbase", f"--include={packages}", suite, str(part), _mirror())
            part.rename(place)
        for name in ("resolv.conf", "hosts"):
            shutil.copy(f"/etc/{name}", place / "etc" / name)
        shutil.copytree("/etc/apt/apt.conf.d", place / "etc/apt/apt.conf.d", dirs_exist_ok=True)
        shutil.copy(
            "/etc/ssl/certs/ca-certificates.crt", place / "etc/ssl/certs/ca-certificates.crt", follow_symlinks=True
        )
        if Path("/etc/pip.conf").exists():
            shutil.copy("/etc/pip.conf", place / "etc/pip.conf")

    @contextmanager
    def running(self, network: str) -> Iterator[None]:
        """The engine while it lasts; `network`: `machine` to build images, `own` to run containers."""
        options = [
            "--mount",
            "--pid",
            "--fork",
            "--ipc",
            "--uts",
            "--kill-child",
            *(["--net"] if network == "own" else []),
        ]
        settings = self.root / "etc/docker/daemon.json"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(json.dumps(SETTINGS))
        log = (self.folder / "engine.log").open("ab")
        # It ends with this process, however that ends; until then the folder is its own.
        outer = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", *options, "bash", "-c", ENTER, "enter", str(self.root), str(ROOT), network],
            stdout=log, stderr=log, start_new_session=True, pass_fds=[] if self._lock is None else [self._lock],
        )  # fmt: skip
        try:
            until = time.monotonic() + START_SECONDS
            while True:
                children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
                if outer.poll() is not None or time.monotonic() > until:
                    raise NoEngine(f"the engine did not start; see {self.folder / 'engine.log'}")
                if known := children.read_text().split():
                    self._first = int(known[0])
                    if self._in("docker", "info").returncode == 0:
                        break
                time.sleep(0.3)
            yield
        finally:
            if self._first is not None:
                os.kill(self._first, 15)
            try:
                outer.wait(90)
            except subprocess.TimeoutExpired:
                outer.kill()
                outer.wait()
            self._first = None
            log.close()

    def _in(self, *command: str, **options: object) -> subprocess.CompletedProcess[str]:
        enter = ["nsenter", "-t", str(self._first), "-m", "-p", "-n", "-i", "-u"]
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        # A build's output is for files and not for a terminal.
        environment |= {"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain", "COMPOSE_PROGRESS": "plain"}
        return subprocess.run(
            [*enter, *command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            **options,  # type: ignore[call-overload]
        )

    def do(self, *command: str, seconds: float = 600) -> str:
        """A command in there; what it printed. `AssertionError` with its words when it fails."""
        done = self._in(*command, timeout=seconds)
        assert done.returncode == 0, (
            f"{' '.join(command)} ended with {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        )
        return str(done.stdout)

    def tried(self, *command: str, seconds: float = 600) -> tuple[int, str]:
        """A command in there that may fail: its exit code, and all that it said."""
        done = self._in(*command, timeout=seconds)
        return done.returncode, str(done.stdout + done.stderr)

    def clear(self) -> None:
        """Remove what a run that was broken off has left: containers, networks, volumes."""
        if found := self.do("docker", "ps", "--all", "--quiet").split():
            self.do("docker", "rm", "--force", "--volumes", *found)
        self.do("docker", "network", "prune", "--force")
        self.do("docker", "volume", "prune", "--all", "--force")

    def prune(self) -> None:
        """Remove images that have no name any more."""
        self.do("docker", "image", "prune", "--force")

    def base(self) -> None:
        """The images that ours and the stand-ins begin with."""
        known = self.do("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split()
        for tag, file in ((PYTHON, "python"), ("debian:trixie-slim", "debian")):
            if tag not in known:
                variables = (
                    "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt UV_SYSTEM_CERTS=1"
                    " PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"
                )
                self.do("docker", "import", "--change", f"ENV {variables}", f"/{file}.tar", tag)

    def build(self, release: str, source: Path = ROOT) -> None:
        """Our images of a folder's code, as a release of that name."""
        for name in IMAGES:
            self.do(
                "docker", "build", "--quiet", "--network", "host", "--file", str(source / "deploy/Dockerfile"),
                "--target", name, "--build-arg", f"VERSION={release}", "--build-arg", f"PYTHON={PYTHON}",
                "--tag", f"gongmei/{name}:{release}", str(source),
                seconds=1800,
            )  # fmt: skip

    def build_stand_ins(self) -> None:
        """The servers, out of Debian's packages."""
        folder = str(ROOT / "tests/containers/images")
        for name in STAND_INS:
            self.do(
                "docker", "build", "--quiet", "--network", "host", "--target", name, "--tag", f"stand-in/{name}:1.0", folder,
                seconds=900,
            )  # fmt: skip

    def build_database(self) -> None:
        """The image of PostgreSQL with its archive, out of the stand-in."""
        self.do(
            "docker", "build", "--quiet", "--network", "host", "--file", str(ROOT / "deploy/Dockerfile"), "--target", "postgres",
            "--build-arg", "POSTGRES=stand-in/postgres:1.0", "--build-arg", f"PYTHON={PYTHON}",
            "--tag", "gongmei/postgres:18.1", str(ROOT), seconds=900,
        )  # fmt: skip

    @contextmanager
    def inside(self) -> Iterator[None]:
        """This thread, and those it starts, in the engine's network: ports that it publishes are on 127.0.0.1."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net", "rb") as before, open(f"/proc/{self._first}/ns/net", "rb") as there:
            if libc.setns(there.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                libc.setns(before.fileno(), CLONE_NEWNET)


def _mirror() -> str:
    """Where this machine's packages come from."""
    for file in sorted(Path("/etc/apt/sources.list.d").glob("*.sources")):
        for uri in re.findall(r"^URIs: (\S+)", file.read_text(encoding="utf-8"), flags=re.M):
            return str(uri)
    for line in re.findall(r"^deb (?:\[.*?\] )?(\S+)", Path("/etc/apt/sources.list").read_text(), flags=re.M):
        return str(line)
    raise NoEngine("no package mirror is set here")
