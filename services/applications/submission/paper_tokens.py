"""Sign the token on a document: a revision's name and our signature over what it says.

`GM2026000007-2-<86 letters>`: number, revision, Ed25519 over the canonical JSON of number, revision and SHA-256. The
digest itself stands on the paper and in the record, so a token tells nothing that its holder does not see, and
whoever has the public key can check a paper without asking us. It is made once, when the revision is, and kept
with it: keys may rotate, documents stay the same bytes.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.identity import public_key

_FORM = re.compile(r"([A-Z]{2}\d{5,12})-([1-9]\d{0,5})-([A-Za-z0-9_-]{86})")


@dataclass(frozen=True)
class Claim:
    """What a token says of itself; nothing is believed before `holds`."""

    number: str
    revision: int
    signature: bytes


def _signed(number: str, revision: int, sha256: str) -> bytes:
    # A purpose of its own: a receipt's signature is none of a token, nor the other way round.
    return rfc8785.dumps({"purpose": "verify", "number": number, "revision": revision, "sha256": sha256})


def make(key: bytes, *, number: str, revision: int, sha256: str) -> str:
    """Return the token of a revision."""
    signature = Ed25519PrivateKey.from_private_bytes(key).sign(_signed(number, revision, sha256))
    return f"{number}-{revision}-{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def read(token: str) -> Claim | None:
    """Return the parts of a token, or None for anything that we could not have written."""
    parts = _FORM.fullmatch(token)
    if parts is None:
        return None
    number, revision, written = parts.groups()
    try:
        signature = base64.urlsafe_b64decode(f"{written}==")
    except binascii.Error:
        return None
    # The last letter has bits to spare: only the spelling that we write is ours.
    if base64.urlsafe_b64encode(signature).decode().rstrip("=") != written:
        return None
    return Claim(number, int(revision), signature)


def holds(claim: Claim, sha256: str, keys: Sequence[bytes]) -> bool:
    """Tell whether one of our public keys, the present or a retired one, signed this of a revision with that digest."""
    signed = _signed(claim.number, claim.revision, sha256)
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(claim.signature, signed)
        except InvalidSignature:
            continue
        return True
    return False


def key_set(current: bytes, retired: Sequence[bytes]) -> dict[str, list[dict[str, str]]]:
    """Our public keys as a JSON Web Key Set (RFC 7517, RFC 8037), the one in use first. `current` is private."""
    return {"keys": [_jwk(key) for key in (public_key(current), *retired)]}


def _jwk(key: bytes) -> dict[str, str]:
    x = base64.urlsafe_b64encode(key).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key_id(key), "x": x}


def key_id(key: bytes) -> str:
    """Return a public key's name: its thumbprint by RFC 7638."""
    x = base64.urlsafe_b64encode(key).decode().rstrip("=")
    digest = hashlib.sha256(rfc8785.dumps({"crv": "Ed25519", "kty": "OKP", "x": x})).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
