"""Seal and open sensitive values; nothing else does.

Each application has a key of its own, wrapped by the master key, so that rotation touches the wrapping only
and forgetting one key deletes one application's secrets: an empty wrapping opens nothing, and what it sealed reads
as if it had never been filled in. A sealed value stands as `{"sealed": "…"}` where the
value stood; which fields are sensitive is said by the form.
"""

import base64
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.applications.forms.definition import Form
from services.applications.tables.applications import Application
from shared import codes
from shared.errors import Conflict
from shared.sealing import CannotOpen, Keyring
from shared.text.masking import mask

_NONCE = 12
Json = dict[str, Any]


class SectionCodec:
    """Seals and opens the values of one application. Its key is unwrapped when the first sensitive value comes, which most
    sections have none of: `CannotOpen` there when no master key fits."""

    def __init__(self, key: Callable[[], bytes] | None, application: UUID, form: Form) -> None:
        self._key = key
        self._application = application.bytes
        self._form = form

    @cached_property
    def _cipher(self) -> AESGCM | None:
        return AESGCM(self._key()) if self._key else None

    def seal(self, section: str, values: Mapping[str, Any]) -> Json:
        """Return the values with every sensitive one sealed."""
        return self._walk(section, values, self._seal)

    def open(self, section: str, values: Mapping[str, Any]) -> Json:
        """Return the values as they were typed."""
        return self._walk(section, values, self._open)

    def open_or_none(self, section: str, values: Mapping[str, Any] | None) -> Json | None:
        return None if values is None else self.open(section, values)

    def seal_one(self, place: str, value: Any) -> Json | None:
        """Return a value that stands in no section, sealed for a place of its own."""
        found: Json | None = self._seal(place, value)
        return found

    def open_one(self, place: str, value: Any) -> Any:
        return self._open(place, value)

    def mask(self, section: str, values: Mapping[str, Any]) -> Json:
        """Opened values as somebody may see them who has no need of the whole number."""
        return self._walk(section, values, lambda _, value: mask(value) if isinstance(value, str) else value)

    def _walk(self, key: str, values: Mapping[str, Any], change: Callable[[str, Any], Any]) -> Json:
        section = self._form.section(key)
        if section is None:
            return dict(values)
        changed = dict(values)
        for name in section.sensitive & changed.keys():
            changed[name] = change(f"{key}.{name}", changed[name])
        for table in section.tables:
            columns = table.sensitive
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
        if self._cipher is None:
            raise Conflict("该申请的保存期限已满，资料已删除。", code=codes.FORGOTTEN)
        nonce = os.urandom(_NONCE)
        text = json.dumps(value, ensure_ascii=False).encode()
        sealed = nonce + self._cipher.encrypt(nonce, text, self._application + path.encode())
        return {"sealed": base64.urlsafe_b64encode(sealed).decode()}

    def _open(self, path: str, value: Any) -> Any:
        if not (isinstance(value, dict) and value.keys() == {"sealed"}):
            return value
        if self._cipher is None:
            return None
        raw = base64.urlsafe_b64decode(value["sealed"])
        return json.loads(self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], self._application + path.encode()))


class Codec:
    """Holds the master keys, the newest first; makes and unwraps the key of each application."""

    def __init__(self, *master_keys: bytes) -> None:
        self._ring = Keyring(master_keys)
        self._masters = [AESGCM(key) for key in master_keys]

    def new_key(self, application: UUID) -> bytes:
        """Return a fresh key for an application, wrapped."""
        return self._ring.seal(AESGCM.generate_key(256), application.bytes)

    def of(self, application: Application, form: Form) -> SectionCodec:
        """Return the codec of one application's values."""
        id, wrapped = application.id, application.wrapped_key
        return SectionCodec(partial(self._unwrap, id, wrapped) if wrapped else None, id, form)

    def rewrap(self, application: UUID, wrapped: bytes) -> bytes | None:
        """Return the key under the newest master key; None when it is already, or forgotten."""
        if not wrapped or self._ring.is_current(wrapped):
            return None
        return self._ring.seal(self._unwrap(application, wrapped), application.bytes)

    def _unwrap(self, application: UUID, wrapped: bytes) -> bytes:
        try:
            return self._ring.open(wrapped, application.bytes)
        except CannotOpen:
            # Wrappings from before keys had names.
            for master in self._masters:
                with suppress(InvalidTag):
                    return master.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], application.bytes)
            raise
