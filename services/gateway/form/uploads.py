"""Stream the files of a form to the applications service."""

from collections.abc import AsyncIterator
from typing import TypeVar

from aiohttp import web

from services.gateway.form.form_parts import Typed
from services.gateway.web.calls import ask
from services.gateway.web.sent_files import file_form
from shared.contract.sections import AttachmentView
from shared.errors import Conflict, FieldError, Invalid, Malformed, TooLarge, UnsupportedMedia
from shared.http.app import uuid_in_path

T = TypeVar("T")


async def sent_on(
    request: web.Request,
    path: str,
    model: type[T],
    name: str,
    chunks: AsyncIterator[bytes],
    query: dict[str, str] | None = None,
) -> T:
    """Send one file on to a service while it arrives, and return what the service says of it."""
    return (await ask(request, "POST", path, model, query=query, data=file_form(name, chunks))).body


class Uploads:
    """Takes the files of a form while it is read; what was refused is told beside its slot, once all are in."""

    def __init__(self, request: web.Request, section: str) -> None:
        self._request = request
        self._section = section
        self._taken: dict[tuple[str, str], list[str]] = {}
        self.faults: list[FieldError] = []

    async def take(self, name: str, file_name: str, chunks: AsyncIterator[bytes]) -> None:
        """One file, streamed on as it arrives."""
        slot, _, row = name.removeprefix("file.").partition(".")
        if not slot.isidentifier():
            raise Malformed
        path = f"/applications/{uuid_in_path(self._request)}/attachments"
        try:
            made = await sent_on(
                self._request, path, AttachmentView, file_name, chunks, {"section": self._section, "slot": slot}
            )
        except (Invalid, TooLarge, UnsupportedMedia, Malformed, Conflict) as error:
            async for _ in chunks:
                pass
            self.faults.append(
                FieldError(
                    section=self._section,
                    field=slot,
                    row=row[:64] or None,
                    code=error.code,
                    message=f"{file_name}：{error.detail}",
                )
            )
            return
        self._taken.setdefault((slot, row), []).append(str(made.id))

    def into(self, values: Typed) -> None:
        """Put what was taken into the slots' values; where a row has one file, a new one takes the place of the former."""
        for (slot, row), ids in self._taken.items():
            there = values.get(slot, [])
            if isinstance(there, dict):
                others = {file: of for file, of in there.items() if of != row}
                values[slot] = others | {ids[-1]: row}
            else:
                values[slot] = [*there, *ids]
