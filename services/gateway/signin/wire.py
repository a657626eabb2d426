"""Ask a provider over HTTP, and turn its refusals and failures into our errors."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientError, ClientTimeout
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from yarl import URL

from services.gateway.settings import GatewaySettings
from services.gateway.signin.attempt import Attempt
from services.gateway.web.outgoing import Outgoing, WrongAnswer, whole
from shared import codes
from shared.errors import Malformed, Unavailable

log = logging.getLogger(__name__)

TIMEOUT = ClientTimeout(total=10, connect=3)
MAX_ANSWER = 512 * 1024


def unreadable() -> Unavailable:
    return Unavailable("统一身份认证平台的应答无法识别，请稍后再试。", code=codes.IDP_ANSWER)


def refused() -> Malformed:
    return Malformed("登录未能完成，请重新登录。", code=codes.SIGNIN_REFUSED)


class Wire:
    """Asks for JSON objects."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    async def ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> dict[str, Any]:
        """A JSON object; `Malformed` when the provider refuses, `Unavailable` when it is silent or unreadable."""
        try:
            async with self._outgoing.call(
                method,
                URL(url, encoded=True),
                headers={"Accept": "application/json", **(headers or {})},
                body=body,
                timeout=TIMEOUT,
            ) as answer:
                if 400 <= answer.status < 500:
                    log.warning(
                        "identity platform refuses", extra={"status": answer.status, "path": URL(url).path}
                    )
                    raise refused()
                answer.raise_for_status()
                found = json.loads(await whole(answer, MAX_ANSWER))
        except WrongAnswer as error:
            raise unreadable() from error
        except (ClientError, TimeoutError) as error:
            log.warning("identity platform does not answer", extra={"reason": repr(error)})
            raise Unavailable("统一身份认证平台暂时没有响应，请稍后再试。", code=codes.IDP_UNAVAILABLE) from error
        except (ValueError, RecursionError) as error:
            raise unreadable() from error
        if not isinstance(found, dict):
            raise unreadable()
        return found

    async def token(
        self, url: str, settings: GatewaySettings, code: str, attempt: Attempt, *, auth_method: str
    ) -> dict[str, Any]:
        """A code changed for the token endpoint's answer, which has an `access_token`."""
        if not code or len(code) > 2000:
            raise refused()
        body = prepare_token_request(
            "authorization_code",
            code=code,
            redirect_uri=settings.public("/login/callback"),
            code_verifier=attempt.verifier,
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        secret = settings.idp_client_secret.get_secret_value()
        url, headers, body = ClientAuth(settings.idp_client_id, secret, auth_method).prepare(
            "POST", url, headers, body
        )
        found = await self.ask("POST", url, headers=headers, body=body.encode())
        if not isinstance(found.get("access_token"), str):
            raise unreadable()
        return found
