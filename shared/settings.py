"""Read settings once, in a service's `__main__`, from the environment; refuse what is wrong by its name."""

import base64
import binascii
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)


def _key_bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        raw = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError) as error:
        raise ValueError("应为 base64url 文本") from error
    if len(raw) != 32:
        raise ValueError(f"应为 32 字节的 base64url 文本，实际为 {len(raw)} 字节")
    return raw


# 32 raw bytes, written as base64url: an Ed25519 key or an AES-256 key.
Key = Annotated[bytes, BeforeValidator(_key_bytes)]


class SecretFiles(PydanticBaseSettingsSource):
    """Reads `GM_X` from the file that `GM_X_FILE` names, as orchestrators hand out secrets."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the file's text without the newline at its end; None where no file is named.

        `SettingsError` where it cannot be read, or where the setting itself is given as well.
        """
        setting = f"{self.config['env_prefix']}{field_name}".upper()
        file = os.environ.get(f"{setting}_FILE", "")
        if not file:
            return None, field_name, False
        if os.environ.get(setting):
            raise SettingsError(f"{setting}_FILE: 与 {setting} 只能设置其一")
        try:
            return Path(file).read_text(encoding="utf-8").rstrip("\r\n"), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{setting}_FILE: 无法读取 {file}：{error}") from error

    def __call__(self) -> dict[str, Any]:
        """Return what files say, by field."""
        read = {
            name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in read.items() if value}


class Settings(BaseSettings):
    """What every service reads. Every name stands in `.env.example`."""

    # Empty is how Compose, a ConfigMap and a shell pass on what nobody has set.
    model_config = SettingsConfigDict(env_prefix="GM_", env_ignore_empty=True, extra="ignore", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, SecretFiles(settings_cls)

    environment: Literal["development", "production"] = "development"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # An OTLP/HTTP collector's address; empty: no traces. And the share of the clicks that are traced.
    traces_url: str = ""
    traces_share: float = Field(default=1.0, ge=0, le=1)

    # This service's own Ed25519 key, with which it signs its calls to others.
    signing_key: Key
    # The public keys this service accepts: `gateway=…,documents=…`. While a service changes its key it stands twice.
    trusted_keys: Annotated[dict[str, tuple[Key, ...]], NoDecode]

    # During the upgrade from a release whose tokens named no request, and no longer.
    accept_unbound_tokens: bool = False

    @field_validator("trusted_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        found: dict[str, tuple[str, ...]] = {}
        for item in value.split(","):
            name, _, key = item.partition("=")
            if item.strip():
                found[name.strip()] = (*found.get(name.strip(), ()), key.strip())
        return found


class DatabaseSettings(Settings):
    """For services that keep something in PostgreSQL."""

    database_url: SecretStr
    # The tables' owner, for `migrate` alone. Where it is another role than that of `database_url`, `migrate` lets the
    # latter work with the tables and neither change nor remove an audit row.
    migration_database_url: SecretStr | None = None
    # Let `migrate` change a schema within 24 hours of a round's close.
    migrate_before_close: bool = False
    database_pool_size: int = 10
    database_pool_timeout: float = 2.0

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _dialect(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        scheme, _, rest = value.get_secret_value().partition("://")
        if scheme not in {"postgresql", "postgres", "postgresql+psycopg"} or not rest:
            raise ValueError("应为 postgresql://用户:口令@主机:端口/库名")
        return SecretStr(f"postgresql+psycopg://{rest}")


class ListeningSettings(DatabaseSettings):
    """For services that take connections."""

    # After SIGTERM a process behind a balancer says so at /healthz and goes on taking requests, until the balancer has looked.
    drain_seconds: float = Field(default=0.0, ge=0, le=60)
    # Several processes on one machine share a port: the kernel deals connections out among them (SO_REUSEPORT).
    reuse_port: bool = False
    # A file that exists while the process takes work.
    ready_file: str | None = None
    # Of a process that answers no requests, relay or worker: where it shows its metrics; 0: nowhere.
    metrics_port: int = Field(default=0, ge=0, le=65535)


# Connections of a process that no request has: for readiness, metrics and switches.
BESIDE_REQUESTS = 2


class ServerSettings(ListeningSettings):
    """For services that answer the gateway's requests out of PostgreSQL."""

    # One process works on so many requests at once, as far as there are connections for them, and lets so many more wait
    # (shared/overload/admission.py); the rest is told to come again. Files on their way have places of their own.
    requests_at_once: int = Field(default=20, ge=1)
    requests_waiting: int = Field(default=100, ge=0)
    transfers_at_once: int = Field(default=64, ge=1)

    @property
    def places(self) -> int:
        """How many requests are worked on at once. Each finds a connection free: whoever waited for one would wait behind everybody,
        whatever matters more, unseen by whoever decides how many are let in."""
        return max(1, min(self.requests_at_once, self.database_pool_size - BESIDE_REQUESTS))


S = TypeVar("S", bound=BaseSettings)


def private_files() -> None:
    """Let files and folders that this process makes be its own user's alone (0600, 0700)."""
    os.umask(0o077)


def load(kind: type[S], **known: Any) -> S:
    """Read and validate settings, or end the process with one line for each setting that is wrong."""
    try:
        return kind(**known)
    except SettingsError as error:
        sys.stderr.write(f"配置错误 {error}\n")
        raise SystemExit(2) from None
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        for fault in error.errors():
            name = prefix + ".".join(str(part) for part in fault["loc"]).upper()
            reason = "未设置" if fault["type"] == "missing" else fault["msg"]
            sys.stderr.write(f"配置错误 {name}: {reason}\n")
        raise SystemExit(2) from None


__all__ = [
    "DatabaseSettings",
    "Key",
    "ListeningSettings",
    "ServerSettings",
    "Settings",
    "load",
    "private_files",
]
