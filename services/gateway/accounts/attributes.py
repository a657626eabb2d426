"""Seal and open the attributes that a provider gave of a person; they are kept in the account's row."""

import json
from typing import Any
from uuid import UUID

from services.gateway.accounts.models import Account
from shared.sealing import CannotOpen, Keyring


def _context(account: UUID) -> bytes:
    return b"attributes:" + account.bytes


def seal(keys: Keyring, account: UUID, attributes: dict[str, Any]) -> bytes:
    """Encrypt a provider's attributes for the account's row."""
    return keys.seal(json.dumps(attributes, ensure_ascii=False).encode(), _context(account))


def attributes(keys: Keyring, account: Account) -> dict[str, Any]:
    """Decrypt the attributes of the last sign-in; empty when nothing is kept or no key opens it."""
    if account.sealed_attributes is None:
        return {}
    try:
        found: dict[str, Any] = json.loads(keys.open(account.sealed_attributes, _context(account.id)))
    except CannotOpen:
        return {}
    return found
