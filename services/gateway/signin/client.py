"""The OAuth 2 authorization-code client, with PKCE (RFC 7636) and `state`."""

import base64
import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
from aiohttp import ClientError, ClientSession

from services.gateway.settings import GatewaySettings
from services.gateway.signin.attributes import Person, person
from shared import clock
from shared.errors import Malformed, Unavailable

log = logging.getLogger(__name__)

SCOPE = "uid cn idCardNumber extProperties credenceClass"
LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class Attempt:
    """One sign-in on its way, kept in a cookie of the browser that began it."""

    state: str
    verifier: str
    next: str


def challenge(verifier: str) -> str:
    """The S256 code challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


class SignInClient:
    """Sends people to the platform and reads what they come back with."""

    def __init__(self, settings: GatewaySettings, http: ClientSession) -> None:
        self._settings = settings
        self._http = http
        # A key of its own, so that no other token of ours can pass as an attempt.
        self._key = hmac.digest(settings.signing_key, b"sign-in attempt", "sha256")

    @property
    def _redirect_uri(self) -> str:
        return self._settings.public("/login/callback")

    def begin(self, next: str) -> tuple[str, str]:
        """Where to send the browser, and the sealed attempt for its cookie."""
        attempt = Attempt(secrets.token_urlsafe(24), secrets.token_urlsafe(48), next)
        query = {
            "response_type": "code",
            "client_id": self._settings.idp_client_id,
            "scope": SCOPE,
            "redirect_uri": self._redirect_uri,
            "state": attempt.state,
            "code_challenge": challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        claims = {**attempt.__dict__, "exp": clock.now() + LASTS}
        return f"{self._settings.idp('authorize')}?{urlencode(query)}", jwt.encode(claims, self._key, "HS256")

    def resume(self, sealed: str, state: str) -> Attempt:
        """The attempt this answer belongs to; `Malformed` when it is not this browser's or took too long."""
        try:
            claims = jwt.decode(sealed, self._key, algorithms=["HS256"])
        except jwt.InvalidTokenError as error:
            raise Malformed("登录已超时，请重新登录。", code="signin_expired") from error
        if not hmac.compare_digest(str(claims["state"]), state):
            raise Malformed("登录请求无法核对，请重新登录。", code="signin_state")
        return Attempt(claims["state"], claims["verifier"], claims["next"])

    async def person(self, code: str, attempt: Attempt) -> Person:
        """Change a code for a token and ask whose it is."""
        token = await self._ask(
            "POST",
            self._settings.idp("access_token"),
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._redirect_uri,
                "client_id": self._settings.idp_client_id,
                "client_secret": self._settings.idp_client_secret.get_secret_value(),
                "code_verifier": attempt.verifier,
            },
        )
        access = token.get("access_token")
        if not isinstance(access, str):
            raise Unavailable("统一身份认证平台的应答无法识别，请稍后再试。", code="idp_answer")
        return person(await self._ask("GET", self._settings.idp("tokeninfo"), params={"access_token": access}))

    async def _ask(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        try:
            async with self._http.request(method, url, allow_redirects=False, **options) as answer:
                if 400 <= answer.status < 500:
                    raise Malformed("登录未能完成，请重新登录。", code="signin_refused")
                answer.raise_for_status()
                found = await answer.json(content_type=None)
        except (ClientError, TimeoutError, ValueError) as error:
            log.warning("identity platform does not answer", extra={"reason": repr(error)})
            raise Unavailable("统一身份认证平台暂时没有响应，请稍后再试。", code="idp_unavailable") from error
        if not isinstance(found, dict):
            raise Unavailable("统一身份认证平台的应答无法识别，请稍后再试。", code="idp_answer")
        return found
