"""Verify an ID token: signature, issuer, audience, nonce, time (OIDC Core 3.1.3.7)."""

import binascii
from collections.abc import Collection
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from shared import codes
from shared.errors import Malformed

# Never `none`, and none that a client's shared secret could sign.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"}
)


class UnknownKey(Exception):
    """No key of the set made this signature: the provider may have changed its keys."""


class TokenRefused(Malformed):
    """身份凭证无法核实，请重新登录。"""

    code = codes.SIGNIN_TOKEN

    def __init__(self, reason: str) -> None:
        super().__init__()
        # For the audit; the person can do nothing with it, and an attacker could.
        self.reason = reason


def read(
    token: str,
    keys: KeySet,
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str | None = None,
    algorithms: Collection[str] = ALGORITHMS,
    leeway: int = 0,
    now: int | None = None,
) -> dict[str, Any]:
    """The claims of a token. `UnknownKey` when no key made its signature; `TokenRefused` for everything
    else that is wrong. `leeway`: seconds that clocks may differ; `now`: seconds since 1970."""
    try:
        parsed = jwt.decode(token, keys, algorithms=sorted(ALGORITHMS & set(algorithms)))
        claims = CodeIDToken(
            parsed.claims,
            parsed.header,
            options={"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
            params={"nonce": nonce, "client_id": client_id, "access_token": access_token},
        )
        claims.validate(now=now, leeway=leeway)
    except (InvalidKeyIdError, BadSignatureError) as error:
        # Keys without a `kid` are told apart by trying them.
        raise UnknownKey from error
    except (JoseError, ValueError, TypeError, binascii.Error) as error:
        raise TokenRefused(getattr(error, "error", "unreadable")) from error
    if not isinstance(claims["sub"], str):
        raise TokenRefused("sub")
    return dict(claims)
