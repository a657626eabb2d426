"""Speak OpenID Connect with a provider: discovery finds everything but the issuer's address."""

import asyncio
import hmac
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.oauth2.client import OAuth2Client
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, HttpUrl, ValidationError

from services.gateway.accounts.person import Person
from services.gateway.settings import GatewaySettings
from services.gateway.signin import id_token, logout_token
from services.gateway.signin.attempt import Attempt
from services.gateway.signin.claims import Claims
from services.gateway.signin.id_token import TokenRefused, UnknownKey
from services.gateway.signin.logout_token import SignedOut
from services.gateway.signin.wire import Wire, unreadable
from shared import clock

SCOPE = "openid profile email phone"
# What discovery and keys say is believed this long.
KEPT_SECONDS = 3600.0
# An unknown key is a reason to look again, but nobody makes us ask more often than this.
REST_SECONDS = 0.2
# Anybody at all can bring a token to sign somebody out.
STRANGERS_REST_SECONDS = 30.0


class Metadata(BaseModel):
    """What the client needs of a provider's configuration (OIDC Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: HttpUrl
    token_endpoint: HttpUrl
    jwks_uri: HttpUrl
    userinfo_endpoint: HttpUrl | None = None
    end_session_endpoint: HttpUrl | None = None
    id_token_signing_alg_values_supported: list[str] = ["RS256"]
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]


class Oidc:
    """A provider that was named by its issuer alone."""

    def __init__(
        self, settings: GatewaySettings, wire: Wire, claims: Claims, *, issuer: str | None = None
    ) -> None:
        self._settings = settings
        self._wire = wire
        self._claims = claims
        self._issuer = (issuer or str(settings.idp_issuer)).rstrip("/")
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._lock = asyncio.Lock()

    async def authorize_url(self, attempt: Attempt) -> str:
        """Where the browser goes, with `state`, `nonce` and the code challenge."""
        found = await self._discover()
        client = OAuth2Client(
            None,
            client_id=self._settings.idp_client_id,
            redirect_uri=self._settings.public("/login/callback"),
            scope=self._settings.idp_scope or SCOPE,
            code_challenge_method="S256",
        )
        url, _ = client.create_authorization_url(
            str(found.authorization_endpoint),
            state=attempt.state,
            code_verifier=attempt.verifier,
            nonce=attempt.nonce,
        )
        return str(url)

    async def person(self, code: str, attempt: Attempt) -> Person:
        """Exchange a code for tokens, verify the ID token, and add the claims of userinfo for the same subject."""
        found = await self._discover()
        methods = found.token_endpoint_auth_methods_supported
        method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        answer = await self._wire.token(
            str(found.token_endpoint), self._settings, code, attempt, auth_method=method
        )
        token, access = answer.get("id_token"), answer["access_token"]
        if not isinstance(token, str):
            raise unreadable()
        claims = await self._believed(token, access, attempt, found)
        if found.userinfo_endpoint:
            more = await self._wire.ask(
                "GET", str(found.userinfo_endpoint), headers={"Authorization": f"Bearer {access}"}
            )
            # Another's userinfo must not be mixed with this token (OIDC Core 5.3.2).
            if not hmac.compare_digest(str(more.get("sub")).encode(), claims["sub"].encode()):
                raise TokenRefused("userinfo_sub")
            claims = {**more, **claims}
        return self._claims.person(claims, token)

    async def logout_url(self, id_token: str | None) -> str | None:
        """Where a browser goes to end the provider's session (OIDC RP-Initiated Logout), if it has such a place."""
        found = await self._discover()
        if found.end_session_endpoint is None:
            return None
        query = {
            "client_id": self._settings.idp_client_id,
            "post_logout_redirect_uri": self._settings.public("/"),
            **({"id_token_hint": id_token} if id_token else {}),
        }
        url = str(found.end_session_endpoint)
        return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(query)}"

    async def signed_out(self, token: str) -> SignedOut:
        """Whose session a logout token ends; `TokenRefused` for one that is not this provider's, for us, and of now."""
        found = await self._discover()
        for last in (False, True):
            try:
                return logout_token.read(
                    token,
                    await self._key_set(found, STRANGERS_REST_SECONDS if last else KEPT_SECONDS),
                    issuer=found.issuer,
                    client_id=self._settings.idp_client_id,
                    now=int(clock.now().timestamp()),
                    algorithms=found.id_token_signing_alg_values_supported,
                    leeway=self._settings.idp_leeway_seconds,
                )
            except UnknownKey:
                if last:
                    raise TokenRefused("unknown_key") from None
        raise AssertionError  # the second round returns or raises

    async def _believed(self, token: str, access: str, attempt: Attempt, found: Metadata) -> dict[str, Any]:
        for last in (False, True):
            try:
                return id_token.read(
                    token,
                    await self._key_set(found, REST_SECONDS if last else KEPT_SECONDS),
                    issuer=found.issuer,
                    client_id=self._settings.idp_client_id,
                    nonce=attempt.nonce,
                    access_token=access,
                    algorithms=found.id_token_signing_alg_values_supported,
                    leeway=self._settings.idp_leeway_seconds,
                )
            except UnknownKey:
                if last:
                    raise TokenRefused("unknown_key") from None
        raise AssertionError  # the second round returns or raises

    async def _discover(self) -> Metadata:
        async with self._lock:
            if self._metadata and time.monotonic() - self._metadata[0] < KEPT_SECONDS:
                return self._metadata[1]
            said = await self._wire.ask("GET", f"{self._issuer}/.well-known/openid-configuration")
            try:
                found = Metadata.model_validate(said)
            except ValidationError as error:
                raise unreadable() from error
            # A document that speaks for another issuer is not this one's (OIDC Discovery 4.3).
            if found.issuer.rstrip("/") != self._issuer:
                raise unreadable()
            self._metadata = (time.monotonic(), found)
            return found

    async def _key_set(self, found: Metadata, believed: float) -> KeySet:
        """The provider's keys, asked for anew when what is known of them is older than so many seconds."""
        async with self._lock:
            if self._keys and time.monotonic() - self._keys[0] < believed:
                return self._keys[1]
            said = await self._wire.ask("GET", str(found.jwks_uri))
            try:
                keys = KeySet.import_key_set(said)  # type: ignore[arg-type]
            except (JoseError, KeyError, TypeError, ValueError, AttributeError) as error:
                raise unreadable() from error
            self._keys = (time.monotonic(), keys)
            return keys
