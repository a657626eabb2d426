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

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.applications.forms.definition import Form, Section

_NONCE = 12
Json = dict[str, Any]


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

    def seal_one(self, place: str, value: Any) -> Json | None:
        """A value that stands in no section, sealed for a place of its own."""
        found: Json | None = self._seal(place, value)
        return found

    def open_one(self, place: str, value: Any) -> Any:
        return self._open(place, value)

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
    """Holds the master key; makes and unwraps the key of each application."""

    def __init__(self, master_key: bytes) -> None:
        self._master = AESGCM(master_key)

    def new_key(self, application: UUID) -> bytes:
        """A fresh key for an application, wrapped."""
        nonce = os.urandom(_NONCE)
        return nonce + self._master.encrypt(nonce, AESGCM.generate_key(256), application.bytes)

    def of(self, application: UUID, wrapped: bytes, form: Form) -> SectionCodec:
        """The codec of one application's values."""
        key = self._master.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], application.bytes)
        return SectionCodec(key, application, form)


def _sensitive_fields(section: Section) -> set[str]:
    return {f.key for f in section.fields if f.sensitive}
