"""Tell the portal that somebody's sessions are over, as a provider does (OIDC Back-Channel Logout 1.0)."""

import logging
from uuid import uuid4

from aiohttp import ClientError, ClientTimeout, web
from joserfc import jwt

from services.gateway.stub_idp import tokens
from services.gateway.stub_idp.context import HTTP, SETTINGS
from services.gateway.stub_idp.settings import StubSettings
from shared import clock

log = logging.getLogger(__name__)

# The event that a logout token tells of, and the portal's address for it.
EVENT = "http://schemas.openid.net/event/backchannel-logout"
PATH = "/login/backchannel-logout"
LASTS_SECONDS = 120
TRIES = 3


def logout_token(settings: StubSettings, subject: str) -> str:
    """A signed statement that everything somebody signed in to by this platform is over."""
    signing = tokens.key(settings)
    now = int(clock.now().timestamp())
    claims = {
        "iss": tokens.issuer(settings),
        "aud": settings.idp_client_id,
        "sub": subject,
        "iat": now,
        "exp": now + LASTS_SECONDS,
        "jti": uuid4().hex,
        "events": {EVENT: {}},
    }
    return jwt.encode({"alg": tokens.ALGORITHM, "kid": signing.kid, "typ": "logout+jwt"}, claims, signing)


async def tell(request: web.Request, subject: str) -> None:
    """Tell the portal, which is the stub's only client. After the commit of what ended the sessions."""
    settings = request.app[SETTINGS]
    form = {"logout_token": logout_token(settings, subject)}
    for _ in range(TRIES):
        try:
            async with request.app[HTTP].post(
                settings.public(PATH), data=form, timeout=ClientTimeout(total=3), allow_redirects=False
            ) as answer:
                if answer.status == 200:
                    return
                log.warning("the portal refuses to sign somebody out", extra={"status": answer.status})
        except (ClientError, TimeoutError) as error:
            log.warning("the portal does not answer", extra={"reason": repr(error)})
