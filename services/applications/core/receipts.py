"""Write a revision's canonical form, its digests, and the receipt that is signed before any queue is touched."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SM3, Hash, HashAlgorithm

from shared.contract.submission import Receipt


def canonical(content: Mapping[str, Any]) -> bytes:
    """Canonical JSON by RFC 8785."""
    return rfc8785.dumps(dict(content))


def digest(algorithm: HashAlgorithm, content: bytes) -> str:
    hasher = Hash(algorithm)
    hasher.update(content)
    return hasher.finalize().hex()


def digests(content: bytes) -> tuple[str, str]:
    """SHA-256 and SM3 (GB/T 32905) in hexadecimal."""
    return digest(SHA256(), content), digest(SM3(), content)


def sign(key: bytes, *, number: str, revision: int, received_at: datetime, sha256: str, sm3: str) -> Receipt:
    """Return a signed receipt."""
    unsigned = Receipt(
        number=number, revision=revision, received_at=received_at, sha256=sha256, sm3=sm3, signature=""
    )
    # What is signed is what is sent: the very strings of the JSON answer.
    signed = rfc8785.dumps(unsigned.model_dump(mode="json", exclude={"signature"}))
    signature = Ed25519PrivateKey.from_private_bytes(key).sign(signed)
    return unsigned.model_copy(update={"signature": base64.urlsafe_b64encode(signature).decode().rstrip("=")})
