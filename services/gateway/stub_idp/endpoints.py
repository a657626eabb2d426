"""Answer clients: tokens and whose they are, in the dialect of the city's platform and in that of OpenID Connect."""

import binascii
import hmac
from base64 import b64decode
from urllib.parse import unquote, urlsplit

from aiohttp import web

from services.gateway.stub_idp import grants, tokens
from services.gateway.stub_idp.context import DATABASE, SETTINGS
from services.gateway.stub_idp.forms import fields
from services.gateway.stub_idp.settings import StubSettings
from shared import codes
from shared.errors import Malformed
from shared.http.app import answer, see_other

BASE = "/stub-idp/am/oauth2"


def _client(request: web.Request, form: dict[str, str]) -> tuple[str, str]:
    """Client id and secret: of HTTP Basic, or of the form."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        id, _, secret = b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise Malformed(code=codes.INVALID_CLIENT) from error
    return unquote(id), unquote(secret)


async def token(request: web.Request) -> web.Response:
    """A code for a token, for the client that proves itself by its secret and the verifier."""
    settings = request.app[SETTINGS]
    form = await fields(request)
    client_id, secret = _client(request, form)
    known = settings.idp_client_secret.get_secret_value()
    if client_id != settings.idp_client_id or not hmac.compare_digest(
        secret.encode(errors="replace"), known.encode()
    ):
        raise Malformed(code=codes.INVALID_CLIENT)
    async with request.app[DATABASE].begin() as session:
        found = await grants.redeem(
            session,
            form.get("code", ""),
            client_id=client_id,
            redirect_uri=form.get("redirect_uri", ""),
            verifier=form.get("code_verifier", ""),
        )
    if found is None:
        # After the commit: that a used code came back also ended the token it was changed for.
        raise Malformed(code=codes.INVALID_GRANT)
    access, grant = found
    body = {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": int(grants.TOKEN_LASTS.total_seconds()),
        "scope": grant.scope,
    }
    if "openid" in grant.scope.split():
        body["id_token"] = tokens.id_token(settings, grant, access)
    return answer(body)


async def tokeninfo(request: web.Request) -> web.Response:
    """Whose token it is, as the platform says it."""
    async with request.app[DATABASE].begin() as session:
        return answer(await grants.said(session, request.query.get("access_token", "")))


async def userinfo(request: web.Request) -> web.Response:
    """Whose token it is, in the words of OpenID Connect."""
    scheme, _, access = request.headers.get("Authorization", "").partition(" ")
    async with request.app[DATABASE].begin() as session:
        said = await grants.said(session, access if scheme.lower() == "bearer" else "")
    return answer(tokens.claims(said))


async def configuration(request: web.Request) -> web.Response:
    """OpenID Connect Discovery."""
    settings = request.app[SETTINGS]
    return answer(
        {
            "issuer": tokens.issuer(settings),
            "authorization_endpoint": settings.public(f"{BASE}/authorize"),
            "token_endpoint": settings.public(f"{BASE}/access_token"),
            "userinfo_endpoint": settings.public(f"{BASE}/userinfo"),
            "jwks_uri": settings.public(f"{BASE}/connect/jwk_uri"),
            "end_session_endpoint": settings.public("/stub-idp/am/UI/Logout"),
            "backchannel_logout_supported": True,
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid", "profile", "email", "phone"],
            "id_token_signing_alg_values_supported": [tokens.ALGORITHM],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }
    )


async def jwks(request: web.Request) -> web.Response:
    """The keys that check the stub's ID tokens."""
    return answer(tokens.key_set(request.app[SETTINGS]))


async def logout(request: web.Request) -> web.Response:
    """The platform keeps no session of its own here; whoever comes is sent back to the client, and nowhere else."""
    settings = request.app[SETTINGS]
    wanted = request.query.get("goto") or request.query.get("post_logout_redirect_uri", "")
    return see_other(wanted if _is_ours(settings, wanted) else settings.public("/"))


def _is_ours(settings: StubSettings, url: str) -> bool:
    try:
        ours, theirs = urlsplit(str(settings.public_url)), urlsplit(url)
    except ValueError:
        return False
    return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc) and url.isascii() and url.isprintable()
