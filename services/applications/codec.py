"""The one place where sensitive values are sealed and opened.

Each application has a key of its own, wrapped by the master key, so that rotation touches the wrapping only
and forgetting one key deletes one application's secrets. A sealed value stands as `{"sealed": "…"}` where the
value stood; which fields are sensitive is said by the form.
"""

import base64
import json
import os
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.applications.forms.definition import Form, Section

_NONCE = 12
Json = dict[str, Any]


class Unreadable(Exception):
    """No master key at hand opens the key of this application."""


class SectionCodec:
    """Seals and opens the values of one application."""

    def __init__(self, key: bytes, application: UUID, form: Form) -> None:
        self._cipher = AESGCM(key)
        self._application = application.bytes
        self._form = form

    def seal(self, section: str, values: Mapping[str, Any]) -> Json:
        """The values with every sensitive one sealed."""
        return self._walk(section, values, self._seal)

    def open(self, section: str, values: Mapping[str, Any]) -> Json:
        """The values as they were typed."""
        return self._walk(section, values, self._open)

    def open_or_none(self, section: str, values: Mapping[str, Any] | None) -> Json | None:
        return None if values is None else self.open(section, values)

    def _walk(self, key: str, values: Mapping[str, Any], change: Callable[[str, Any], Any]) -> Json:
        section = self._form.section(key)
        if section is None:
            return dict(values)
        changed = dict(values)
        for name in _sensitive_fields(section) & changed.keys():
            changed[name] = change(f"{key}.{name}", changed[name])
        for table in section.tables:
            columns = {c.key for c in table.columns if c.sensitive}
            rows = changed.get(table.key)
            if columns and isinstance(rows, list):
                changed[table.key] = [
                    {k: change(f"{key}.{table.key}.{k}", v) if k in columns else v for k, v in row.items()}
                    if isinstance(row, dict)
                    else row
                    for row in rows
                ]
        return changed

    def _seal(self, path: str, value: Any) -> Any:
        if value is None:
            return None
        nonce = os.urandom(_NONCE)
        text = json.dumps(value, ensure_ascii=False).encode()
        sealed = nonce + self._cipher.encrypt(nonce, text, self._application + path.encode())
        return {"sealed": base64.urlsafe_b64encode(sealed).decode()}

    def _open(self, path: str, value: Any) -> Any:
        if not (isinstance(value, dict) and value.keys() == {"sealed"}):
            return value
        raw = base64.urlsafe_b64decode(value["sealed"])
        return json.loads(self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], self._application + path.encode()))


class Codec:
    """Holds the master key; makes and unwraps the key of each application. `other` is a second master key that
    opens, and never wraps: the one before, or the one to come."""

    def __init__(self, master_key: bytes, other: bytes | None = None) -> None:
        self._master = AESGCM(master_key)
        self._other = AESGCM(other) if other else None

    def new_key(self, application: UUID) -> bytes:
        """A fresh key for an application, wrapped."""
        return self._wrap(AESGCM.generate_key(256), application)

    def rewrap(self, application: UUID, wrapped: bytes) -> bytes | None:
        """The same key under the present master key; None when it is under it already. `Unreadable` when neither
        master key opens it."""
        if _unwrap(self._master, application, wrapped) is not None:
            return None
        return self._wrap(self._key(application, wrapped), application)

    def _wrap(self, key: bytes, application: UUID) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._master.encrypt(nonce, key, application.bytes)

    def _key(self, application: UUID, wrapped: bytes) -> bytes:
        for master in (self._master, self._other):
            key = _unwrap(master, application, wrapped) if master else None
            if key is not None:
                return key
        raise Unreadable(str(application))

    def of(self, application: UUID, wrapped: bytes, form: Form) -> SectionCodec:
        """The codec of one application's values."""
        return SectionCodec(self._key(application, wrapped), application, form)


def _unwrap(master: AESGCM, application: UUID, wrapped: bytes) -> bytes | None:
    try:
        return master.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], application.bytes)
    except (InvalidTag, ValueError):
        return None


def _sensitive_fields(section: Section) -> set[str]:
    return {f.key for f in section.fields if f.sensitive}
