"""An installation by the runbook: `production.env`, a certificate, an authority of the office's own, then Compose."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from deploy import production_env
from deploy.embedded.system import ROOT
from tests.containers.certificates import Authority
from tests.containers.engine import Engine

PORTAL = "https://localhost:8443"
MAIL_PAGE = "http://127.0.0.1:8026"
SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
STAND_INS = {
    "GM_POSTGRES_IMAGE": "stand-in/postgres:1.0",
    "GM_VALKEY_IMAGE": "stand-in/valkey:1.0",
    "GM_HAPROXY_IMAGE": "stand-in/haproxy:1.0",
    "GM_CLAMAV_IMAGE": "stand-in/clamav:1.0",
    "GM_PROMETHEUS_IMAGE": "stand-in/prometheus:1.0",
    "GM_ALERTMANAGER_IMAGE": "stand-in/alertmanager:1.0",
    "GM_POSTGRES_EXPORTER_IMAGE": "stand-in/postgres-exporter:1.0",
    "GM_VALKEY_EXPORTER_IMAGE": "stand-in/valkey-exporter:1.0",
    "GM_NODE_EXPORTER_IMAGE": "stand-in/node-exporter:1.0",
    "GM_BLACKBOX_IMAGE": "stand-in/blackbox:1.0",
}
FILLED_IN = {
    "GM_PUBLIC_URL": PORTAL,
    "GM_IDP_ISSUER": "https://provider:9443",
    "GM_IDP_CLIENT_ID": "gongmei",
    "GM_IDP_CLIENT_SECRET": "its secret",
    "GM_SMTP_URL": "smtp://mail:8025",
    "GM_MAIL_FROM": "工美资金管理系统 <noreply@gongmei.example>",
    "GM_REGISTRY_URL": "https://provider:9444/registry",
    "GM_REGISTRY_KEY": "the registry's key",
}


class Installation:
    """What an operator has: a folder with the file of settings, and Compose."""

    def __init__(
        self, engine: Engine, folder: Path, release: str, project: str = "gongmei", profiles: tuple[str, ...] = ()
    ) -> None:
        self.engine = engine
        self.folder = folder
        self.project = project
        self.release = release
        self.profiles = ("tls", *profiles)
        self.file = folder / "production.env"

    def prepare(self) -> None:
        """Do what the runbook says before the first start."""
        shutil.rmtree(self.folder, ignore_errors=True)
        # The runbook makes no others: what is bound besides is made by the engine.
        for name in ("tls", "outside"):
            (self.folder / name).mkdir(parents=True)
        authority = Authority()
        authority.issue(self.folder / "tls/site.pem", "localhost", "portal", mode=0o600)
        authority.issue(self.folder / "outside/provider.pem", "provider", mode=0o644)
        (self.folder / "authority.pem").write_bytes(authority.pem)
        (self.folder / "authorities.crt").write_bytes(SYSTEM_AUTHORITIES.read_bytes() + authority.pem)
        text = production_env.text()
        for name, value in FILLED_IN.items():
            text, found = re.subn(rf"^{name}=$", f"{name}={value}", text, flags=re.M)
            assert found == 1, name
        more = {
            **STAND_INS,
            "GM_RELEASE": self.release,
            "GM_CA_FILE": self.folder / "authorities.crt",
            "GM_TLS_FOLDER": self.folder / "tls",
            "GM_OFFICE_FOLDER": self.folder / "office",
            "GM_BACKUP_FOLDER": self.folder / "backups",
            "GM_ARCHIVE_FOLDER": self.folder / "archive",
            "GM_HTTPS_PORT": "8443",
            "GM_HTTP_PORT": "8880",
            "GM_TEST_ROOT": ROOT,
            "GM_TEST_SECRETS": self.folder / "outside",
        }
        self.file.touch(mode=0o600)
        self.file.write_text(text + "".join(f"{name}={value}\n" for name, value in more.items()))

    def set(self, **values: str) -> None:
        """Change settings in the file."""
        text = self.file.read_text()
        for name, value in values.items():
            text = re.sub(rf"^{name}=.*\n", "", text, flags=re.M) + f"{name}={value}\n"
        self.file.write_text(text)

    def command(self, *arguments: str) -> list[str]:
        """The command line of Compose, with what stands outside of the system."""
        return [
            "docker", "compose", "--project-name", self.project, "--env-file", str(self.file), "--file",
            str(ROOT / "deploy/compose.yaml"), "--file", str(ROOT / "tests/containers/outside.yaml"),
            *(part for profile in self.profiles for part in ("--profile", profile)), *arguments,
        ]  # fmt: skip

    def compose(self, *arguments: str, seconds: float = 600) -> str:
        return self.engine.do(*self.command(*arguments), seconds=seconds)

    def up(self, *arguments: str) -> None:
        """Start everything and wait until it is healthy."""
        self.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "300", *arguments)

    def containers(self) -> list[dict[str, Any]]:
        """Every container of the project: its name, service, state, health."""
        lines = self.compose("ps", "--all", "--format", "json").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def running(self, service: str) -> list[str]:
        """Names of a service's running containers."""
        return sorted(c["Name"] for c in self.containers() if c["Service"] == service and c["State"] == "running")

    def address(self, service: str) -> str:
        """A running container's address in the system's own network."""
        [name] = self.running(service)
        form = f'{{{{(index .NetworkSettings.Networks "{self.project}_inside").IPAddress}}}}'
        return self.engine.do("docker", "inspect", "--format", form, name).strip()

    def execute(self, service: str, *command: str) -> str:
        """A command in a running container of a service."""
        return self.compose("exec", "--no-TTY", service, *command)
