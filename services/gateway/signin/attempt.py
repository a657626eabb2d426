"""Keep a sign-in that has begun: signed in a cookie of the browser, valid once and for ten minutes."""

import hmac
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta

import jwt

from shared import clock, codes
from shared.errors import Malformed

LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class Attempt:
    """`state` ties the answer to the browser, `nonce` the ID token to this attempt, `verifier` the code to us."""

    state: str
    nonce: str
    verifier: str
    next: str

    @classmethod
    def begin(cls, next: str) -> "Attempt":
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), next)


class Seal:
    """Signs attempts with a key of their own, so that no other token of ours can pass as one."""

    def __init__(self, signing_key: bytes) -> None:
        self._key = hmac.digest(signing_key, b"sign-in attempt", "sha256")

    def close(self, attempt: Attempt) -> str:
        return jwt.encode({**asdict(attempt), "exp": clock.now() + LASTS}, self._key, "HS256")

    def open(self, sealed: str, state: str) -> Attempt:
        """Read the attempt that an answer belongs to; `Malformed` when it is another browser's or too old."""
        try:
            claims = jwt.decode(sealed, self._key, algorithms=["HS256"], options={"require": ["exp"]})
            attempt = Attempt(**{name: str(claims[name]) for name in Attempt.__dataclass_fields__})
        except (jwt.InvalidTokenError, KeyError) as error:
            raise Malformed("登录已超时，请重新登录。", code=codes.SIGNIN_EXPIRED) from error
        if not hmac.compare_digest(attempt.state.encode(), state.encode(errors="replace")):
            raise Malformed("登录请求无法核对，请重新登录。", code=codes.SIGNIN_STATE)
        return attempt
