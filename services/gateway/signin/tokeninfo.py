"""Speak the dialect of Beijing's 统一身份认证平台: OAuth 2 without ID tokens; `tokeninfo` names the person."""

from urllib.parse import urlencode

from authlib.oauth2.client import OAuth2Client

from services.gateway.accounts.person import Person
from services.gateway.settings import GatewaySettings
from services.gateway.signin.attempt import Attempt
from services.gateway.signin.claims import Claims
from services.gateway.signin.logout_token import SignedOut
from services.gateway.signin.oidc import Oidc
from services.gateway.signin.wire import Wire

SCOPE = "uid cn idCardNumber extProperties credenceClass"


class TokenInfo:
    """`…/am/oauth2/authorize`, `access_token` and `tokeninfo`, and `…/am/UI/Logout`, below one address."""

    def __init__(self, settings: GatewaySettings, wire: Wire, claims: Claims) -> None:
        self._settings = settings
        self._wire = wire
        self._claims = claims
        self._base = f"{str(settings.idp_url).rstrip('/')}/am"
        # Sign-in needs no OpenID Connect of it; that a session is over it can only say in those words.
        self._oidc = Oidc(settings, wire, claims, issuer=str(settings.idp_url))

    async def authorize_url(self, attempt: Attempt) -> str:
        """Where the browser goes. Observed links carry no `state`; ours always do."""
        settings = self._settings
        client = OAuth2Client(
            None,
            client_id=settings.idp_client_id,
            redirect_uri=settings.public("/login/callback"),
            scope=settings.idp_scope or SCOPE,
            code_challenge_method="S256",
        )
        url, _ = client.create_authorization_url(
            f"{self._base}/oauth2/authorize",
            state=attempt.state,
            code_verifier=attempt.verifier,
            service=settings.idp_service or None,
        )
        return str(url)

    async def person(self, code: str, attempt: Attempt) -> Person:
        """Exchange a code for a token, and ask `tokeninfo` whose it is."""
        token = await self._wire.token(
            f"{self._base}/oauth2/access_token", self._settings, code, attempt, auth_method="client_secret_post"
        )
        query = urlencode({"access_token": token["access_token"]})
        return self._claims.person(await self._wire.ask("GET", f"{self._base}/oauth2/tokeninfo?{query}"))

    async def signed_out(self, token: str) -> SignedOut:
        """Whose session a logout token ends, by the platform's published keys."""
        return await self._oidc.signed_out(token)

    async def logout_url(self, id_token: str | None) -> str:
        """Where a browser goes to end the platform's own session, and come back."""
        return f"{self._base}/UI/Logout?{urlencode({'goto': self._settings.public('/')})}"
