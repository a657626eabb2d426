"""Define the settings of the applications service: its API, its relay and its commands."""

import re
from typing import Annotated

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from shared.settings import BESIDE_REQUESTS, Key, ServerSettings


class ApplicationsSettings(ServerSettings):
    # One for each request that is worked on, and those beside them. With fewer places a deadline's submissions wait for pages.
    database_pool_size: int = 20 + BESIDE_REQUESTS
    applications_host: str = "127.0.0.1"
    applications_port: int = 8081
    broker_url: SecretStr
    # Where live pages are told that something changed; without it they only look again by themselves.
    redis_url: SecretStr | None = None
    store_url: str
    gateway_url: AnyHttpUrl
    notify_url: AnyHttpUrl
    # Wraps the key each application has for its sensitive values.
    master_key: Key
    # Master keys from before, until `rotate` has been run.
    master_retired_keys: Annotated[tuple[Key, ...] | None, NoDecode] = None
    # How long what is of no more use is kept (`retention`): drafts that were deleted, drafts whose round has
    # closed, applications that came to their end.
    retention_deleted_days: int = Field(default=90, ge=1)
    retention_draft_days: int = Field(default=730, ge=30)
    retention_years: int = Field(default=10, ge=1)
    # Seals the audit into its chain; kept away from the database's own administrators.
    audit_key: Key
    # Signs receipts and the tokens on documents.
    receipt_key: Key
    # Public keys that signed them before; what they signed still counts.
    receipt_retired_keys: Annotated[tuple[Key, ...] | None, NoDecode] = None
    # How people reach the portal: the address in a document's QR code.
    public_url: AnyHttpUrl

    # The hand-over. A published message that nobody started is published again after this many seconds.
    publish_lease_seconds: int = Field(default=15, ge=1)
    # A started job that did not end is given to another worker after this; it doubles with each start.
    job_lease_seconds: int = Field(default=20, ge=1)
    # A job started this often without an effect is parked for an operator.
    job_max_starts: int = Field(default=5, ge=1)
    # The same for a document, which may itself be what kills its worker.
    document_max_starts: int = Field(default=3, ge=1)
    # Documents published and not finished; about three per worker slot.
    documents_window: int = Field(default=6, ge=1)
    relay_interval_seconds: float = Field(default=0.2, gt=0)

    review_lease_minutes: int = Field(default=30, ge=1)
    publicity_working_days: int = Field(default=5, ge=1)
    # Whether 拟支持 gathers cases for one 公示 that a second person publishes; else each is published by itself, at once.
    publicity_by_list: bool = False
    # Whether a round is published by somebody else than who wrote it or changed it last.
    rounds_by_two: bool = False
    # Whether a version of a form is published by somebody else than who proposed it or changed it last.
    forms_by_two: bool = False
    # Whether late acceptance, an extension of a round for a class and a longer correction deadline are proposed by one person and confirmed by another.
    extensions_by_two: bool = False
    # Whether applicants read which person of the bureau acted; else they read 审核人员 or 审定人员.
    staff_named_to_applicants: bool = False
    # How many working days the bureau has for a case, time with the applicant, experts and the public not counted; 0: no limit is shown.
    handling_working_days: int = Field(default=0, ge=0, le=365)
    # Working days of years that are not published yet (`shared.workdays`).
    workdays_file: str = ""

    # Forms of the office's own beside those that come with the product: `<fund type>/<version>.yaml` in this folder.
    forms_folder: str = ""

    # What all attachments of one application may weigh together.
    attachments_total_mb: int = Field(default=500, ge=1)
    # What all attachments of one enterprise may weigh together, and how many drafts it may have in one round.
    enterprise_total_mb: int = Field(default=5000, ge=1)
    drafts_per_round: int = Field(default=50, ge=1)
    # How long looking into one file may take.
    inspection_seconds: float = Field(default=10.0, gt=0)
    # Processes of one server that look into files; no enterprise has all of them.
    inspectors: int = Field(default=2, ge=1, le=16)
    # ClamAV: tcp://host:port or unix:///path. Without it no file is scanned.
    clamd_url: str | None = None
    clamd_seconds: float = Field(default=20.0, gt=0)
    # How often contents that nothing keeps are looked for, and how old they are at least.
    orphan_sweep_minutes: float = Field(default=30.0, gt=0)
    orphan_grace_minutes: float = Field(default=60.0, ge=0)

    # Where `python -m deploy.backup create` puts backups, for `preflight` to know the age of the last.
    backup_folder: str = ""
    # Whom they are encrypted to: public keys of age, separated by commas. The secret key is kept elsewhere.
    backup_key: str = ""

    @field_validator("clamd_url")
    @classmethod
    def _clamd(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not re.fullmatch(r"tcp://[^/?#]+|unix:///[^?#]+", value):
            raise ValueError("应为 tcp://主机:端口 或 unix:///套接字路径")
        return value

    @field_validator("receipt_retired_keys", "master_retired_keys", mode="before")
    @classmethod
    def _retired(cls, value: object) -> object:
        return tuple(key.strip() for key in value.split(",") if key.strip()) if isinstance(value, str) else value

    @property
    def master_keys(self) -> tuple[bytes, ...]:
        """The master keys, the newest first."""
        return (self.master_key, *(self.master_retired_keys or ()))

    @field_validator("store_url")
    @classmethod
    def _store(cls, value: str) -> str:
        if not value.startswith(("file:///", "s3://")):
            raise ValueError("应为 file:///目录 或 s3://桶/前缀")
        return value

    @field_validator("broker_url")
    @classmethod
    def _broker(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value().partition("://")[0] not in {"redis", "rediss", "amqp", "amqps"}:
            raise ValueError("应为 redis:// 或 amqp:// 地址")
        return value
