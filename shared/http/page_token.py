"""Write a session's CSRF token anew into every answer.

Pages are compressed, and some repeat what an address says. A text that stays the same could be guessed from the lengths of many
answers (BREACH); one that is masked with fresh bytes each time cannot.
"""

import base64
import binascii
import secrets


def masked(secret: str) -> str:
    """The secret behind random bytes of its length."""
    raw = secret.encode()
    pad = secrets.token_bytes(len(raw))
    return base64.urlsafe_b64encode(pad + _xor(pad, raw)).decode().rstrip("=")


def unmasked(text: str) -> str:
    """The secret; empty for what `masked` did not write."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return ""
    half = len(raw) // 2
    return _xor(raw[:half], raw[half:]).decode(errors="replace") if len(raw) == 2 * half else ""


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
