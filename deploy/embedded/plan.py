"""Plan what runs on one machine: ports, addresses, and the environment of each service.

A service gets the settings it needs and no other: its own signing key, and nobody else's.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import BaseSettings

from deploy.embedded import ports, valkey
from deploy.embedded.errors import CannotRun
from deploy.embedded.secrets import SERVICES, Secrets
from services.applications.settings import ApplicationsSettings
from services.documents.settings import DocumentsSettings
from services.gateway.settings import GatewaySettings
from services.gateway.stub_idp.settings import StubSettings
from services.notify.settings import NotifySettings

# The setting that chooses each port, and its usual value.
PORTS = {
    "GM_GATEWAY_PORT": 8080,
    "GM_APPLICATIONS_PORT": 8081,
    "GM_NOTIFY_PORT": 8082,
    "GM_GATEWAY_INTERNAL_PORT": 8090,
    "GM_MAIL_PORT": 8025,
    "GM_MAIL_PAGE_PORT": 8026,
    "GM_POSTGRES_PORT": 54329,
    "GM_VALKEY_PORT": 63790,
}
# Each replaces one embedded part.
REPLACEABLE = ("GM_DATABASE_URL", "GM_REDIS_URL", "GM_BROKER_URL", "GM_STORE_URL", "GM_SMTP_URL")

DATABASE = "gongmei"
# Rendering processes of the documents worker: one per core, and no more than so many, each of which takes 35 MB.
MOST_RENDERERS = 4

_SETTINGS: dict[str, type[BaseSettings]] = {
    "gateway": GatewaySettings,
    "applications": ApplicationsSettings,
    "documents": DocumentsSettings,
    "notify": NotifySettings,
}
# What follows from the plan itself: a person chooses ports and the replaceable parts, and these come out of it.
_PLANNED = frozenset(
    {
        "GM_SIGNING_KEY",
        "GM_MIGRATION_DATABASE_URL",
        "GM_TRUSTED_KEYS",
        "GM_READY_FILE",
        "GM_APPLICATIONS_URL",
        "GM_NOTIFY_URL",
        "GM_GATEWAY_URL",
    }
)


def _settings_of(service: str) -> set[str]:
    fields = set(_SETTINGS[service].model_fields)
    if service == "gateway":
        # Whose process serves the stub.
        fields |= set(StubSettings.model_fields)
    return {f"GM_{name.upper()}" for name in fields}


def known_settings() -> set[str]:
    """Return every setting there is (`.env.example` explains them)."""
    return set().union(*map(_settings_of, SERVICES)) | PORTS.keys() | {"GM_CHROMIUM"}


def _port(setting: str, text: str | int) -> int:
    if str(text).isascii() and str(text).isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise CannotRun(f"{setting}={text} is no port")


@dataclass(frozen=True)
class Plan:
    """Where everything is."""

    var: Path
    ports: dict[str, int]
    given: dict[str, str]
    secrets: Secrets

    @classmethod
    def make(cls, var: Path, given: Mapping[str, str], secrets: Secrets, *, free_ports: bool) -> "Plan":
        """`given`: the GM_… settings of whoever starts the system; `CannotRun` for one that does not exist."""
        if unknown := sorted(name for name in given if name.startswith("GM_") and name not in known_settings()):
            raise CannotRun(f"there is no setting {', '.join(unknown)}; .env.example names them all")
        chosen = {name: _port(name, given.get(name, usual)) for name, usual in PORTS.items()}
        if free_ports:
            chosen = {name: ports.free_port() for name in PORTS}
        return cls(var, chosen, {k: v for k, v in given.items() if k.startswith("GM_")}, secrets)

    def url(self, port: str) -> str:
        return f"http://{ports.HOST}:{self.ports[port]}"

    @property
    def public_url(self) -> str:
        return self.given.get("GM_PUBLIC_URL", self.url("GM_GATEWAY_PORT"))

    @property
    def mail_page(self) -> str:
        return self.url("GM_MAIL_PAGE_PORT")

    def embeds(self, setting: str) -> bool:
        """Tell whether the embedded part that this setting replaces is ours to run."""
        return not self.given.get(setting)

    @property
    def embeds_valkey(self) -> bool:
        return self.embeds("GM_REDIS_URL") or self.embeds("GM_BROKER_URL")

    @property
    def embeds_provider(self) -> bool:
        """Whether people sign in at the stub of the identity platform."""
        return self.embeds("GM_IDP_ISSUER") and self.embeds("GM_IDP_URL")

    def own_ports(self) -> dict[str, int]:
        """Return the ports that must be free."""
        unused = set()
        if not self.embeds("GM_DATABASE_URL"):
            unused.add("GM_POSTGRES_PORT")
        if not self.embeds_valkey:
            unused.add("GM_VALKEY_PORT")
        if not self.embeds("GM_SMTP_URL"):
            unused |= {"GM_MAIL_PORT", "GM_MAIL_PAGE_PORT"}
        return {name: port for name, port in self.ports.items() if name not in unused}

    def _s3(self) -> dict[str, str]:
        """Return what the S3 client is told by whoever starts the system; nothing for a folder."""
        if not self.given.get("GM_STORE_URL", "").startswith("s3://"):
            return {}
        return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}

    def _addresses(self, database_url: str) -> dict[str, str]:
        ours = {
            "GM_DATABASE_URL": database_url,
            "GM_REDIS_URL": valkey.url(self.ports["GM_VALKEY_PORT"], 0),
            "GM_BROKER_URL": valkey.url(self.ports["GM_VALKEY_PORT"], 1),
            "GM_STORE_URL": f"file://{self.var / 'store'}",
            "GM_SMTP_URL": f"smtp://{ports.HOST}:{self.ports['GM_MAIL_PORT']}",
            "GM_PUBLIC_URL": self.public_url,
            "GM_APPLICATIONS_URL": self.url("GM_APPLICATIONS_PORT"),
            "GM_NOTIFY_URL": self.url("GM_NOTIFY_PORT"),
            "GM_GATEWAY_URL": self.url("GM_GATEWAY_INTERNAL_PORT"),
        }
        return ours | {name: self.given[name] for name in REPLACEABLE if self.given.get(name)}

    def environments(self, database_url: str) -> dict[str, dict[str, str]]:
        """Per service, the whole environment of its processes."""
        found = self._addresses(database_url)
        number = {name: str(port) for name, port in self.ports.items()}
        stub = {}
        if self.embeds_provider:
            stub = {
                "GM_STUB_IDP": "true",
                "GM_IDP_URL": f"{self.public_url.rstrip('/')}/stub-idp",
                "GM_IDP_CLIENT_ID": "gongmei",
                "GM_IDP_CLIENT_SECRET": self.secrets.idp_client_secret,
                "GM_REGISTRY_URL": f"{self.public_url.rstrip('/')}/stub-idp/registry",
                "GM_REGISTRY_KEY": self.secrets.registry_key,
                "GM_STUB_SMTP_URL": found["GM_SMTP_URL"],
                "GM_STUB_CA_FILE": str(self.var / "yizhengtong" / "ca.pem"),
            }
        needs = {
            "gateway": {
                **_pick(found, "DATABASE", "REDIS", "PUBLIC", "APPLICATIONS", "NOTIFY"),
                "GM_GATEWAY_PORT": number["GM_GATEWAY_PORT"],
                "GM_GATEWAY_INTERNAL_PORT": number["GM_GATEWAY_INTERNAL_PORT"],
                "GM_PERSONAL_KEYS": self.secrets.personal_key,
                "GM_AUDIT_KEY": self.secrets.audit_key,
                "GM_SMS_OFFERED": "true",
                # Everybody on this machine comes from one address.
                "GM_ALLOWED_ADDRESSES": "127.0.0.1,::1",
                # Into the mail sink, or to whoever the mail server says.
                "GM_SYNTHETIC_EMAIL": "synthetic@example.com",
                **stub,
            },
            "applications": {
                **_pick(found, "DATABASE", "BROKER", "REDIS", "STORE", "GATEWAY", "NOTIFY", "PUBLIC"),
                "GM_APPLICATIONS_PORT": number["GM_APPLICATIONS_PORT"],
                "GM_MASTER_KEY": self.secrets.master_key,
                "GM_AUDIT_KEY": self.secrets.audit_key,
                "GM_RECEIPT_KEY": self.secrets.receipt_key,
                "GM_PUBLICITY_BY_LIST": "true",
                "GM_ROUNDS_BY_TWO": "true",
                "GM_FORMS_BY_TWO": "true",
                "GM_EXTENSIONS_BY_TWO": "true",
                **self._s3(),
            },
            "documents": {
                **_pick(found, "BROKER", "STORE", "APPLICATIONS"),
                # All that are owed at a close are made by all cores.
                "GM_DOCUMENTS_CONCURRENCY": str(min(MOST_RENDERERS, len(os.sched_getaffinity(0)))),
                **self._s3(),
            },
            "notify": {
                **_pick(found, "DATABASE", "BROKER", "REDIS", "SMTP", "PUBLIC", "APPLICATIONS"),
                "GM_NOTIFY_PORT": number["GM_NOTIFY_PORT"],
                "GM_MAIL_FROM": "工美资金管理系统 <noreply@gongmei.localhost>",
                "GM_SMS_URL": f"http://{ports.HOST}:{number['GM_MAIL_PAGE_PORT']}/sms",
                "GM_SMS_KEY": "the key of the sink",
            },
        }
        return {
            service: {
                **_machine(),
                **needs[service],
                "GM_SIGNING_KEY": self.secrets.signing_keys[service],
                "GM_TRUSTED_KEYS": self.secrets.trusted_keys,
                **{
                    name: value
                    for name, value in self.given.items()
                    if name in _settings_of(service) - _PLANNED - PORTS.keys()
                },
            }
            for service in SERVICES
        }


def _pick(addresses: Mapping[str, str], *names: str) -> dict[str, str]:
    return {f"GM_{name}_URL": addresses[f"GM_{name}_URL"] for name in names}


def _machine() -> dict[str, str]:
    """Return what any process needs of this machine, with a locale that is always there."""
    kept = ("PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "VIRTUAL_ENV")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
    }
