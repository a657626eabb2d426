"""Read a client's authorization request, and carry it signed through the stub's pages."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from urllib.parse import urlencode

import jwt
from aiohttp import web

from services.gateway.stub_idp.settings import StubSettings
from shared import clock, codes
from shared.errors import Malformed
from shared.http.app import see_other

FORM_LASTS = timedelta(minutes=30)


@dataclass(frozen=True)
class AuthorizationRequest:
    """A complete authorization request of the one client there is."""

    client_id: str
    redirect_uri: str
    state: str
    code_challenge: str
    scope: str
    nonce: str


def read(settings: StubSettings, query: Mapping[str, str]) -> AuthorizationRequest:
    """Read the request; `Malformed` unless it is complete and of the registered client. A refusal is a page, never a redirect to
    an address that nobody has checked."""
    if query.get("client_id") != settings.idp_client_id or query.get("redirect_uri") != settings.public(
        "/login/callback"
    ):
        raise Malformed("应用未在统一身份认证平台登记。", code=codes.UNKNOWN_CLIENT)
    asked = AuthorizationRequest(
        **{name: query.get(name, "") for name in ("client_id", "redirect_uri", "state", "code_challenge")},
        scope=query.get("scope", ""),
        nonce=query.get("nonce", ""),
    )
    complete = (
        query.get("response_type") == "code"
        and query.get("code_challenge_method") == "S256"
        and re.fullmatch(r"[A-Za-z0-9_-]{43}", asked.code_challenge)
        and 8 <= len(asked.state) <= 200
        and len(asked.nonce) <= 200
        and len(asked.scope) <= 200
    )
    if not complete:
        raise Malformed("登录请求不完整，请重新登录。", code=codes.BAD_AUTHORIZE_REQUEST)
    return asked


def _key(settings: StubSettings) -> bytes:
    return hmac.digest(settings.signing_key, b"stub form", "sha256")


def seal(settings: StubSettings, asked: AuthorizationRequest) -> str:
    return jwt.encode({**asdict(asked), "exp": clock.now() + FORM_LASTS}, _key(settings), "HS256")


def unseal(settings: StubSettings, sealed: str) -> AuthorizationRequest:
    """`Malformed` when it is not ours or too old."""
    try:
        claims = jwt.decode(sealed, _key(settings), algorithms=["HS256"], options={"require": ["exp"]})
        return AuthorizationRequest(
            **{name: str(claims[name]) for name in AuthorizationRequest.__dataclass_fields__}
        )
    except (jwt.InvalidTokenError, KeyError) as error:
        raise Malformed("登录页面已失效，请重新登录。", code=codes.SIGNIN_EXPIRED) from error


def back(wanted: AuthorizationRequest, code: str) -> web.Response:
    """Redirect to the client with a code and the client's own `state`."""
    return see_other(f"{wanted.redirect_uri}?{urlencode({'code': code, 'state': wanted.state})}")
