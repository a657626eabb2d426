"""Make keys and passwords of the embedded default once, kept in the data folder, readable by its owner only."""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shared.identity import public_key

SERVICES = ("gateway", "applications", "documents", "notify")


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True)
class Secrets:
    """Everything secret, as text (base64url for keys)."""

    database_password: str
    # Of the role that services work as; the other one owns the tables.
    service_database_password: str
    idp_client_secret: str
    registry_key: str
    master_key: str
    receipt_key: str
    personal_key: str
    audit_key: str
    signing_keys: dict[str, str]

    @property
    def trusted_keys(self) -> str:
        """`GM_TRUSTED_KEYS` for every service."""
        return ",".join(f"{name}={b64(public_key(_raw(key)))}" for name, key in self.signing_keys.items())


def _made() -> dict[str, Any]:
    return asdict(
        Secrets(
            database_password=secrets.token_urlsafe(24),
            service_database_password=secrets.token_urlsafe(24),
            idp_client_secret=secrets.token_urlsafe(24),
            registry_key=secrets.token_urlsafe(24),
            master_key=b64(secrets.token_bytes(32)),
            receipt_key=b64(secrets.token_bytes(32)),
            audit_key=b64(secrets.token_bytes(32)),
            personal_key=b64(secrets.token_bytes(32)),
            signing_keys={name: b64(secrets.token_bytes(32)) for name in SERVICES},
        )
    )


def load(folder: Path) -> Secrets:
    """Return the folder's secrets; what is missing (all of it at the first call, a new one after an upgrade) is made."""
    file = folder / "secrets.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    complete = _made() | known
    if complete != known:
        part = file.with_suffix(".part")
        part.unlink(missing_ok=True)
        # Never readable by others, not even between creation and a chmod.
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(complete, out, indent=1)
        part.replace(file)
    return Secrets(**complete)
