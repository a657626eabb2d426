"""Define the settings of the gateway."""

from functools import cached_property
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from shared.http.addresses import Network, networks
from shared.settings import Key, ListeningSettings
from shared.text import identifiers

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


class GatewaySettings(ListeningSettings):
    # How many files are on their way at once; how many people may be in follows from what requests wait.
    gateway_transfers_at_once: int = Field(default=128, ge=1)

    gateway_host: str = "127.0.0.1"
    gateway_port: int = 8080
    # What only the other services and operators reach: profiles, metrics.
    gateway_internal_host: str = "127.0.0.1"
    gateway_internal_port: int = 8090
    # How people reach the gateway; cookies are Secure and named __Host-… when it is https.
    public_url: AnyHttpUrl
    redis_url: SecretStr
    applications_url: AnyHttpUrl
    notify_url: AnyHttpUrl

    # The identity provider. With `idp_issuer` it is an OpenID provider found by discovery; else `idp_url` is the
    # address below which `/am/oauth2/…` of Beijing's platform stands.
    idp_issuer: AnyHttpUrl | None = None
    idp_url: AnyHttpUrl | None = None
    idp_client_id: str
    idp_client_secret: SecretStr
    # Other scopes than the dialect's own; the platform's `service`; another file of claims; clocks' difference.
    idp_scope: str = ""
    idp_service: str = ""
    idp_claims_file: str = ""
    idp_leeway_seconds: int = Field(default=30, ge=0, le=300)
    # The legal-person registry (法人库), asked below this address (`registry.py`); its key; how long an answer may take.
    # Whoever asks the gateway for a profile waits two seconds, and the registry is only a part of it.
    registry_url: AnyHttpUrl | None = None
    registry_key: SecretStr = SecretStr("")
    registry_seconds: float = Field(default=1.2, gt=0, le=1.8)
    # Serves the stub of the platform and of the legal-person registry (`stub_idp/settings.py`); for development and
    # demonstration only.
    stub_idp: bool = False
    # Working days of years that are not published yet (`shared.workdays`).
    workdays_file: str = ""

    # Seals the audit into its chain; kept away from the database's own administrators.
    audit_key: Key
    # Seal what is kept of people; the newest first, old ones until `rotate` has been run.
    personal_keys: Annotated[list[Key], NoDecode] = Field(min_length=1)
    # A second factor (TOTP) for everybody but enterprises; production refuses to have it off.
    # Whether applicants are offered short messages: where notify has a provider (`GM_SMS_URL`).
    sms_offered: bool = False
    second_factor: bool = False
    # Consent to the notice about personal data comes before everything else; production refuses to have it off.
    consent_required: bool = False
    # What is known of a person is forgotten so long after the last sign-in.
    retention_account_days: int = Field(default=1095, ge=180)

    # The synthetic applicant (`synthetic/`): where its mails go, which nobody reads; where it reaches the gateway, the public address
    # unless told otherwise; from the beginning of one walk to that of the next.
    synthetic_email: str | None = None
    synthetic_url: AnyHttpUrl | None = None
    synthetic_seconds: int = Field(default=60, ge=5)

    session_idle_minutes: int = Field(default=30, ge=1)
    session_hours: int = Field(default=8, ge=1)
    # How many calls in a minute (`limits.py`): of one account, of one address (an office behind one), of one account
    # for what costs much, of one address for each page of signing in and for checking documents.
    calls_per_minute: int = Field(default=1200, ge=1)
    address_calls_per_minute: int = Field(default=6000, ge=1)
    heavy_per_minute: int = Field(default=120, ge=1)
    signins_per_minute: int = Field(default=60, ge=1)
    verifications_per_minute: int = Field(default=60, ge=1)
    # Proxies before the gateway, whose X-Forwarded-For is believed; addresses that no limit applies to.
    trusted_proxies: str = ""
    allowed_addresses: str = ""
    # Names the gateway answers to besides that of the public address, separated by commas.
    allowed_hosts: str = ""
    # One file; a form with all its files.
    max_upload_mb: int = Field(default=50, ge=1)
    max_form_mb: int = Field(default=200, ge=1)

    @field_validator("trusted_proxies", "allowed_addresses")
    @classmethod
    def _networks(cls, value: str) -> str:
        networks(value)
        return value

    @field_validator("synthetic_email")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        return identifiers.email(value) if value else None

    @cached_property
    def proxy_networks(self) -> list[Network]:
        return networks(self.trusted_proxies)

    @cached_property
    def allowed_networks(self) -> list[Network]:
        return networks(self.allowed_addresses)

    @property
    def https(self) -> bool:
        return self.public_url.scheme == "https"

    @property
    def public_host(self) -> str:
        """`host[:port]` as a browser writes it in `Host` and `Origin`."""
        return urlsplit(str(self.public_url)).netloc

    @cached_property
    def known_hosts(self) -> frozenset[str]:
        """What may stand in `Host`. A portal on this machine has several names for it."""
        known = {self.public_host.lower()} | {
            h.strip().lower() for h in self.allowed_hosts.split(",") if h.strip()
        }
        if self.public_url.host in LOOPBACK:
            port = self.public_host.removeprefix(self.public_url.host or "")
            known |= {name + port for name in LOOPBACK}
        return frozenset(known)

    @cached_property
    def known_origins(self) -> frozenset[str]:
        """What may stand in `Origin`."""
        return frozenset(f"{self.public_url.scheme}://{host}" for host in self.known_hosts)

    @property
    def rates(self) -> dict[str, int]:
        """The numbers that limits name."""
        return {name: value for name, value in self if name.endswith("_per_minute")}

    def public(self, path: str) -> str:
        """An absolute address of the portal."""
        return str(self.public_url).rstrip("/") + path

    @field_validator("personal_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_provider(self) -> Self:
        if not self.idp_issuer and not self.idp_url:
            raise ValueError("GM_IDP_ISSUER 或 GM_IDP_URL：应设置其一")
        return self

    @model_validator(mode="after")
    def _production(self) -> Self:
        if self.environment == "production":
            if self.stub_idp:
                raise ValueError("GM_STUB_IDP：生产环境不得启用演示身份平台")
            if not self.https:
                raise ValueError("GM_PUBLIC_URL：生产环境应为 https 地址")
            if not self.second_factor:
                raise ValueError("GM_SECOND_FACTOR：生产环境不得关闭工作人员的双因素认证")
            if not self.consent_required:
                raise ValueError("GM_CONSENT_REQUIRED：生产环境应在收集个人信息前取得同意")
            provider = self.idp_issuer or self.idp_url
            if provider and provider.scheme != "https":
                raise ValueError("GM_IDP_ISSUER、GM_IDP_URL：生产环境应为 https 地址")
            if self.registry_url and self.registry_url.scheme != "https":
                raise ValueError("GM_REGISTRY_URL：生产环境应为 https 地址")
        return self
