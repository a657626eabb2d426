"""Carry who is asking from one service to another: the actor, in a short-lived token.

A token is a JWT signed with the calling service's Ed25519 key (`iss` = that service, `aud` = the one called, `req` = the one
request that it opens, 60 s at most). The callee holds public keys only, and its routes say which callers they open to.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_decode
from pydantic import AwareDatetime, BaseModel

from shared import clock
from shared.errors import NotSignedIn
from shared.overload.priority import Priority, carried

LIFETIME = timedelta(seconds=60)
# The header of what a service knows besides and lets travel with a call; the call's token holds its digest.
BESIDE = "GM-Beside"
# How far two machines' clocks may differ before a fresh token is refused.
LEEWAY = timedelta(seconds=5)


class Role(StrEnum):
    """What a person may be. `system` is the product itself, acting when something falls due."""

    APPLICANT = "applicant"
    REVIEWER = "reviewer"
    EXPERT = "expert"
    DIRECTOR = "director"
    OFFICER = "officer"
    FORM_EDITOR = "form_editor"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    SYSTEM = "system"


class Duty(StrEnum):
    """What a member of an enterprise may do for it: 填报 (change materials), 审核 (confirm them), 签署 (submit, withdraw, delete)."""

    FILL = "fill"
    CHECK = "check"
    SIGN = "sign"


class Agent(BaseModel, frozen=True):
    """The company of a person who was invited to one application of another enterprise, and that application."""

    enterprise: str
    enterprise_name: str
    application: UUID


class Actor(BaseModel, frozen=True):
    """The person behind a request. `enterprise` is the 统一社会信用代码 every applicant's query is scoped to;
    `received_at` is the instant the gateway received the request, by which deadlines are judged.

    `duties`: what a member of an enterprise may do for it; None is everything. With `agent` the person comes from another company
    and acts for `enterprise` in one application only. With `phone` a file comes through that telephone link of the person's: such an
    actor opens no route but those that say so."""

    account: str
    name: str
    roles: frozenset[Role]
    enterprise: str | None = None
    enterprise_name: str | None = None
    request_id: str = "-"
    # Where the request came from, for the audit.
    address: str = "-"
    received_at: AwareDatetime
    duties: frozenset[Duty] | None = None
    agent: Agent | None = None
    phone: UUID | None = None

    def is_a(self, role: Role) -> bool:
        return role in self.roles

    def may(self, duty: Duty) -> bool:
        """Tell whether nothing keeps the person from a duty. Only members of enterprises have duties."""
        return self.duties is None or duty in self.duties


@dataclass(frozen=True)
class Caller:
    """The service that called, and the person it calls for (none when it acts for itself). `priority`: that of the request that the
    call is part of, as the first door decided it; none when nobody waits for it."""

    service: str
    actor: Actor | None
    # What the caller knows besides and signed with the call (`BESIDE`), empty for most calls.
    beside: str = ""
    priority: Priority | None = None


class Signer:
    """Signs this service's calls to the others."""

    def __init__(self, service: str, key: bytes) -> None:
        self._service = service
        self._key = Ed25519PrivateKey.from_private_bytes(key)

    def token(
        self,
        audience: str,
        method: str,
        target: str,
        actor: Actor | None = None,
        *,
        beside: str = "",
        at: datetime | None = None,
    ) -> str:
        """Return a token that opens `method` and `target` (path and query) of `audience` for 60 s, on behalf of `actor` or of
        the service itself, with what travels `beside`."""
        issued = at or clock.now()
        claims: dict[str, Any] = {
            "iss": self._service,
            "aud": audience,
            "req": _request(method, target),
            "iat": issued,
            "exp": issued + LIFETIME,
            "sub": actor.account if actor else self._service,
        }
        if actor:
            # A token is as long as it was for everybody who may do everything.
            claims["actor"] = actor.model_dump(mode="json", exclude_none=True)
        if beside:
            claims["beside"] = _digest(beside)
        if (priority := carried()) is not None:
            claims["pri"] = int(priority)
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self._service})

    def statement(self, subject: str, lifetime: timedelta, claims: Mapping[str, Any]) -> str:
        """Something this service states to whoever trusts its key; no token that opens anything."""
        now = clock.now()
        said = {**claims, "iss": self._service, "aud": subject, "iat": now, "exp": now + lifetime}
        return jwt.encode(said, self._key, algorithm="EdDSA", headers={"kid": self._service})

    def headers(
        self, audience: str, method: str, target: str, actor: Actor | None = None, beside: str = ""
    ) -> dict[str, str]:
        """Return the `Authorization` header of one call, and `BESIDE` where something travels with it."""
        token = self.token(audience, method, target, actor, beside=beside)
        return {"Authorization": f"Bearer {token}", **({BESIDE: beside} if beside else {})}


class Verifier:
    """Reads the tokens of trusted services. A service that changes its key has two for a while.

    `unbound` takes tokens that name no request as well, which the release before made: for the time of an upgrade.
    """

    def __init__(self, service: str, trusted: Mapping[str, Sequence[bytes]], *, unbound: bool = False) -> None:
        self._service = service
        self._required = ["exp", "iat", "iss", "aud", "sub", *([] if unbound else ["req"])]
        self._keys = {
            name: [Ed25519PublicKey.from_public_bytes(key) for key in keys] for name, keys in trusted.items()
        }

    def caller(self, authorization: str | None, method: str, target: str, beside: str = "") -> Caller:
        """Return who signed an `Authorization` header; `NotSignedIn` unless it is fresh, from a trusted key, and was made for
        this service, this very request and what came `beside` it."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotSignedIn
        try:
            service = _said_to_be(token)
            claims = self._claims(token, service, self._service, self._required)
            lifetime = timedelta(seconds=claims["exp"] - claims["iat"])
            actor = Actor.model_validate(claims["actor"]) if "actor" in claims else None
            priority = Priority(claims["pri"]) if "pri" in claims else None
        except (jwt.InvalidTokenError, KeyError, ValueError) as error:
            raise NotSignedIn from error
        asked = _request(method, target)
        # Whatever names a request opens this one or none.
        if lifetime > LIFETIME or claims.get("req", asked) != asked:
            raise NotSignedIn
        if claims.get("beside", "") != (_digest(beside) if beside else ""):
            raise NotSignedIn
        return Caller(service, actor, beside, priority)

    def statement(self, text: str, subject: str, service: str) -> dict[str, Any] | None:
        """Return what `service` stated about `subject`; None unless it is signed by a trusted key and still valid."""
        try:
            return self._claims(text, service, subject, ["exp", "iat", "iss", "aud"])
        except (jwt.InvalidTokenError, KeyError):
            return None

    def _claims(self, token: str, service: str, audience: str, required: list[str]) -> dict[str, Any]:
        *retired, newest = self._keys[service]
        for key in retired:
            try:
                return self._decode(token, service, audience, required, key)
            except jwt.InvalidSignatureError:
                continue
        return self._decode(token, service, audience, required, newest)

    def _decode(
        self, token: str, service: str, audience: str, required: list[str], key: Ed25519PublicKey
    ) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            audience=audience,
            issuer=service,
            leeway=LEEWAY,
            options={"require": required},
        )
        return claims


def _request(method: str, target: str) -> str:
    return f"{method.upper()} {target}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _said_to_be(token: str) -> str:
    """Whose key is to be tried. PyJWT's own look at the header reads the whole token for it, once more than needed."""
    try:
        return str(json.loads(base64url_decode(token.partition(".")[0]))["kid"])
    except (ValueError, TypeError, RecursionError) as error:
        raise jwt.DecodeError("no header") from error


def public_key(private: bytes) -> bytes:
    """Return the 32 bytes of the public key that belongs to an Ed25519 private key."""
    key = Ed25519PrivateKey.from_private_bytes(private).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
