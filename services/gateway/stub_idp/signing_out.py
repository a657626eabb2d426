"""Tells the portal that somebody's sessions are over, as a provider does (OIDC Back-Channel Logout 1.0)."""

import logging
from urllib.parse import urlencode
from uuid import uuid4

from aiohttp import ClientError, ClientTimeout, web
from joserfc import jwt
from yarl import URL

from services.gateway.settings import GatewaySettings
from services.gateway.signin.logout_token import EVENT
from services.gateway.stub_idp import tokens
from services.gateway.web.context import OUTGOING, SETTINGS
from shared import clock

log = logging.getLogger(__name__)

PATH = "/login/backchannel-logout"
LASTS_SECONDS = 120
TRIES = 3


def logout_token(settings: GatewaySettings, subject: str) -> str:
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
    form = urlencode({"logout_token": logout_token(settings, subject)})
    for _ in range(TRIES):
        try:
            async with request.app[OUTGOING].call(
                "POST",
                URL(settings.public(PATH)),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                body=form.encode(),
                timeout=ClientTimeout(total=3),
            ) as answer:
                if answer.status == 200:
                    return
                log.warning("the portal refuses to sign somebody out", extra={"status": answer.status})
        except (ClientError, TimeoutError) as error:
            log.warning("the portal does not answer", extra={"reason": repr(error)})
