"""Encrypt at rest: AES-256-GCM under the newest of several keys, opened by whichever made it.

A sealed value says which key it needs, so that keys can be changed one by one: put the new key first, seal again
what `is_current` denies, then drop the old key.
"""

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_ID = 4
_NONCE = 12


class CannotOpen(Exception):
    """No key we have opens this, or it was changed, or it belongs elsewhere."""


def _id(key: bytes) -> bytes:
    return hashlib.sha256(b"key id:" + key).digest()[:_ID]


class Keyring:
    """Keys of 32 bytes, the newest first."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("至少需要一个密钥")
        self._newest = _id(keys[0])
        self._ciphers = {_id(key): AESGCM(key) for key in keys}

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """`plain` under the newest key, bound to `context` (what it is and whose): it opens nowhere else."""
        nonce = os.urandom(_NONCE)
        return self._newest + nonce + self._ciphers[self._newest].encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return what was sealed; `CannotOpen` when it cannot be trusted."""
        nonce, rest = sealed[_ID : _ID + _NONCE], sealed[_ID + _NONCE :]
        try:
            return self._ciphers[sealed[:_ID]].decrypt(nonce, rest, context)
        except (KeyError, InvalidTag, ValueError) as error:
            raise CannotOpen from error

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether the newest key made it."""
        return sealed[:_ID] == self._newest
