"""Issue the stub's ID tokens (ES256) and publish the key that checks them. The key is derived from `GM_SIGNING_KEY`."""

import base64
import hashlib
import hmac
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from services.gateway.stub_idp.grants import TOKEN_LASTS
from services.gateway.stub_idp.models import StubGrant
from services.gateway.stub_idp.people import extended
from services.gateway.stub_idp.settings import StubSettings
from shared import clock

ALGORITHM = "ES256"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def key(settings: StubSettings) -> ECKey:
    """The private key: P-256, from the gateway's own signing key, so that there is nothing more to keep."""
    secret = int.from_bytes(hmac.digest(settings.signing_key, b"stub id token", "sha256"), "big")
    private = ec.derive_private_key(secret % (_ORDER - 1) + 1, ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    found = ECKey.import_key(pem)
    found.ensure_kid()
    return found


def key_set(settings: StubSettings) -> dict[str, Any]:
    """The public half, as `jwks_uri` gives it."""
    return dict(KeySet([key(settings)]).as_dict(private=False, use="sig", alg=ALGORITHM))


def issuer(settings: StubSettings) -> str:
    return settings.public("/stub-idp")


def claims(attributes: dict[str, Any]) -> dict[str, Any]:
    """What the platform says of somebody, in the words of OpenID Connect."""
    found = extended(attributes)
    named = {
        "sub": attributes["uid"],
        "name": found.get("BLR_NAME") or attributes.get("cn"),
        "phone_number": found.get("BLR_MOBILE"),
        "email": found.get("BLR_EMAIL"),
        "uscc": found.get("UNION_CODE"),
        "org_name": found.get("ORG_NAME"),
        "credence_class": attributes.get("credenceClass"),
        "extProperties": attributes.get("extProperties"),
    }
    return {name: value for name, value in named.items() if value}


def id_token(settings: StubSettings, grant: StubGrant, access: str) -> str:
    """Signed claims of who signed in, for the client and the nonce of the grant."""
    signing = key(settings)
    now = int(clock.now().timestamp())
    half = hashlib.sha256(access.encode()).digest()[:16]
    payload = {
        "iss": issuer(settings),
        "aud": grant.client_id,
        "sub": grant.attributes["uid"],
        "iat": now,
        "exp": now + int(TOKEN_LASTS.total_seconds()),
        "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
        **({"nonce": grant.nonce} if grant.nonce else {}),
    }
    return jwt.encode({"alg": ALGORITHM, "kid": signing.kid}, payload, signing)
