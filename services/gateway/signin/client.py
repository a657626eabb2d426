"""Choose the client of the identity provider that the settings name."""

from pathlib import Path
from typing import Protocol

from aiohttp import web

from services.gateway.accounts.person import Person
from services.gateway.settings import GatewaySettings
from services.gateway.signin import claims
from services.gateway.signin.attempt import Attempt, Seal
from services.gateway.signin.logout_token import SignedOut
from services.gateway.signin.oidc import Oidc
from services.gateway.signin.tokeninfo import TokenInfo
from services.gateway.signin.wire import Wire
from services.gateway.web.outgoing import Outgoing


class Provider(Protocol):
    """What both dialects do."""

    async def authorize_url(self, attempt: Attempt) -> str: ...

    async def person(self, code: str, attempt: Attempt) -> Person: ...

    async def logout_url(self, id_token: str | None) -> str | None: ...

    async def signed_out(self, token: str) -> SignedOut: ...


class SignInClient:
    """Sends people to the provider and reads what they come back with."""

    def __init__(self, settings: GatewaySettings, outgoing: Outgoing) -> None:
        file = Path(settings.idp_claims_file) if settings.idp_claims_file else None
        wire = Wire(outgoing)
        self.provider: Provider = (
            Oidc(settings, wire, claims.load("oidc", file))
            if settings.idp_issuer
            else TokenInfo(settings, wire, claims.load("tokeninfo", file))
        )
        self.seal = Seal(settings.signing_key)

    async def begin(self, next: str) -> tuple[str, str]:
        """Where to send the browser, and the sealed attempt for its cookie."""
        attempt = Attempt.begin(next)
        return await self.provider.authorize_url(attempt), self.seal.close(attempt)


SIGN_IN = web.AppKey("sign_in", SignInClient)
