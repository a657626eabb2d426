"""Define the settings of the stub: its own, and those that it shares with its one client, the portal."""

from functools import cached_property

from pydantic import AnyHttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.http.addresses import Network, networks
from shared.settings import DatabaseSettings


class StubSettings(DatabaseSettings):
    # An empty captcha says something.
    model_config = SettingsConfigDict(env_ignore_empty=False)

    # The portal's address: the client's, and below `/stub-idp` the stub's own.
    public_url: AnyHttpUrl
    idp_client_id: str
    idp_client_secret: SecretStr
    registry_key: SecretStr = SecretStr("")
    trusted_proxies: str = ""
    allowed_addresses: str = ""
    workdays_file: str = ""

    # A fixed captcha; empty draws a new one for each form.
    stub_captcha: str = "8888"
    # Where the stub's mails go, and the CA whose 一证通 certificates may sign in.
    stub_smtp_url: SecretStr | None = None
    stub_ca_file: str = ""

    @property
    def https(self) -> bool:
        return self.public_url.scheme == "https"

    def public(self, path: str) -> str:
        """An absolute address of the portal."""
        return str(self.public_url).rstrip("/") + path

    @cached_property
    def proxy_networks(self) -> list[Network]:
        return networks(self.trusted_proxies)

    @cached_property
    def allowed_networks(self) -> list[Network]:
        return networks(self.allowed_addresses)
