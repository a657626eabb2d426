"""Define the settings of notify: its API, its worker and its migrations."""

from email.utils import parseaddr
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator

from shared.settings import ServerSettings


class NotifySettings(ServerSettings):
    notify_host: str = "127.0.0.1"
    notify_port: int = 8082
    broker_url: SecretStr
    # Where live pages are told that a notice came; without it they only look again by themselves.
    redis_url: SecretStr | None = None
    applications_url: AnyHttpUrl
    # Where people find the portal: the links in mails begin with it.
    public_url: AnyHttpUrl
    # `smtp://[user:password@]host:port`, `smtp+starttls://…` or `smtps://…`.
    smtp_url: SecretStr
    mail_from: str
    smtp_timeout_seconds: float = Field(default=20, gt=0)
    # The provider of short messages, and its key: `POST` of JSON as `services/notify/short_messages.py` says. Without it none are sent.
    sms_url: AnyHttpUrl | None = None
    sms_key: SecretStr = SecretStr("")
    sms_timeout_seconds: float = Field(default=10, gt=0, le=30)

    notify_concurrency: int = Field(default=4, ge=1, le=64)
    # How many mails a sending thread takes at once, and how many threads one domain may keep busy.
    notify_batch: int = Field(default=20, ge=1, le=1000)
    notify_per_domain: int = Field(default=2, ge=1)
    # The pause after a first failed delivery; it doubles up to half an hour, a quarter more or less by chance.
    notify_retry_seconds: float = Field(default=10, gt=0)
    # After so many hours without success a mail is given up and shown to operators.
    notify_give_up_hours: float = Field(default=48, gt=0)
    # Of mails that applicants bring about by submitting again and again: so many an hour to one address, and for one
    # enterprise; the others go later.
    notify_per_address: int = Field(default=20, ge=1)
    notify_per_enterprise: int = Field(default=60, ge=1)
    # Whether a notice goes to an address that is not on record only once a second person agrees.
    resends_by_two: bool = True
    notify_lease_seconds: int = Field(default=90, ge=1)
    notify_sweep_seconds: float = Field(default=1, gt=0)

    @field_validator("smtp_url")
    @classmethod
    def _smtp(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in {"smtp", "smtp+starttls", "smtps"} or not parts.hostname:
            raise ValueError("应为 smtp://主机:端口、smtp+starttls://… 或 smtps://…")
        return value

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        address = parseaddr(value)[1]
        if "@" not in address or not address.isascii():
            raise ValueError("应为邮箱地址，如 工美资金管理系统 <noreply@example.com>")
        return value
