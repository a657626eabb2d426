"""Verify a logout token, by which a provider says that a session is over (OIDC Back-Channel Logout 1.0, section 2.6)."""

import binascii
from collections.abc import Collection
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from services.gateway.signin.id_token import ALGORITHMS, TokenRefused, UnknownKey

EVENT = "http://schemas.openid.net/event/backchannel-logout"
# A token is made for the moment: an older one has been used or lost.
OLDEST_SECONDS = 300
LONGEST = 8000


@dataclass(frozen=True)
class SignedOut:
    """Whose session is over. `session`: one of the provider's own (`sid`), else all of the person's. `id`: of the token."""

    id: str
    subject: str | None
    session: str | None


def read(
    token: str,
    keys: KeySet,
    *,
    issuer: str,
    client_id: str,
    now: int,
    algorithms: Collection[str] = ALGORITHMS,
    leeway: int = 0,
) -> SignedOut:
    """Who is signed out. `UnknownKey` when no key made the signature; `TokenRefused` for everything else that is wrong: an ID
    token is none, for it names no event, and one that was made for a sign-in has a nonce."""
    try:
        parsed = jwt.decode(token, keys, algorithms=sorted(ALGORITHMS & set(algorithms)))
        claims = parsed.claims
        jwt.JWTClaimsRegistry(
            now=now,
            leeway=leeway,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": client_id},
            iat={"essential": True},
            exp={"essential": True},
            jti={"essential": True},
            events={"essential": True},
        ).validate(claims)
    except (InvalidKeyIdError, BadSignatureError) as error:
        raise UnknownKey from error
    except (JoseError, ValueError, TypeError, binascii.Error) as error:
        raise TokenRefused(getattr(error, "error", "unreadable")) from error
    id, subject, session = (claims.get(name) for name in ("jti", "sub", "sid"))
    events = claims["events"]
    texts = all(
        value is None or (isinstance(value, str) and 0 < len(value) <= 500) for value in (id, subject, session)
    )
    if (
        parsed.header.get("typ", "logout+jwt").lower() not in {"logout+jwt", "jwt"}
        or not isinstance(events, dict)
        or not isinstance(events.get(EVENT), dict)
        or "nonce" in claims
        or not texts
        or id is None
        or (subject is None and session is None)
        or claims["iat"] < now - OLDEST_SECONDS - leeway
    ):
        raise TokenRefused("no_logout")
    return SignedOut(id, subject, session)
