"""Open one slot of a material to a telephone, and add what came from there to what is kept."""

from uuid import UUID

from aiohttp import web

from services.gateway.accounts import phone_links
from services.gateway.accounts.accounts import note
from services.gateway.accounts.models import PhoneLink
from services.gateway.form import section_view
from services.gateway.form.form_parts import Typed
from services.gateway.web.addresses import client_address
from services.gateway.web.calls import application, ask, form_of, section_of
from services.gateway.web.context import DATABASE, SESSION
from shared.contract.forms import SectionDefinition
from shared.contract.sections import SectionNow, SectionView, SectionWritten
from shared.errors import NotFound, Stale
from shared.http.app import uuid_in_path

# How often a save of somebody else may come between reading and adding.
_TRIES = 5


async def make(
    request: web.Request, section: SectionDefinition, place: str, values: Typed, now: SectionNow
) -> PhoneLink:
    """Make a link to a slot, `slot` or `slot.row`, whose values are kept already; `NotFound` for what is no slot of the section."""
    key, _, row = place.partition(".")
    slot = next((s for s in section.slots if s.key == key), None)
    title = now.file_rows.get(key, {}).get(row, "")
    if slot is None or key in now.hidden or bool(slot.each_row) is not bool(title):
        raise NotFound("没有这个附件位置。")
    filed = values.get(key) or []
    person, id = request[SESSION], uuid_in_path(request)
    async with request.app[DATABASE].begin() as session:
        made = await phone_links.make(
            session, person.account, id, section.key, key, row=row, label=title or slot.label,
            help=slot.help or "", room=1 if slot.each_row else slot.max_files - len(filed),
        )  # fmt: skip
        note(
            session, "phone_link_made", person.subject, client_address(request), application=str(id),
            section=section.key, slot=key, link=str(made.id),
        )  # fmt: skip
    return made


async def made_anew(request: web.Request, before: PhoneLink) -> PhoneLink:
    """Make another link to the slot of one that is over."""
    section, opened = await _opened(request, before.section)
    place = f"{before.slot}.{before.row}" if before.row else before.slot
    return await make(request, section, place, section_view.current(section, opened), opened.now)


async def add(request: web.Request, link: PhoneLink) -> None:
    """Add what came by a link to the section's 暂存, whatever else was kept meanwhile. What stands there already, or was taken away, is
    left as it is."""
    for tries in range(_TRIES):
        section, opened = await _opened(request, link.section)
        values = section_view.current(section, opened)
        there = {str(file.id) for file in opened.attachments if file.infected is None}
        came = [file["id"] for file in link.files if file["id"] in there]
        if not put(values, link, came):
            return
        path = f"/applications/{uuid_in_path(request)}/sections/{section.key}/draft"
        found = await application(request)
        body = {"values": values, "form_version": found.form_version}
        try:
            await ask(request, "PUT", path, SectionWritten, json=body, etag=opened.etag)
        except Stale:
            if tries == _TRIES - 1:
                raise
            continue
        return


def put(values: Typed, link: PhoneLink, came: list[str]) -> bool:
    """Put files into their slot's values; tell whether anything changed. A row has one file: the last that came."""
    filed = values.get(link.slot)
    if link.row:
        others = {id: row for id, row in (filed or {}).items() if row != link.row}
        values[link.slot] = others | dict.fromkeys(came[-1:], link.row)
        return bool(came) and values[link.slot] != filed
    listed = list(filed or [])
    values[link.slot] = [*listed, *(id for id in came if id not in listed)]
    return bool(values[link.slot] != listed)


async def _opened(request: web.Request, key: str) -> tuple[SectionDefinition, SectionView]:
    found = await application(request)
    section = section_of(await form_of(request, found.fund_type, found.form_version), key)
    path = f"/applications/{found.id}/sections/{key}"
    return section, (await ask(request, "GET", path, SectionView)).body


async def end(request: web.Request, link: UUID) -> None:
    """End a link of this account's: nothing is sent by it any more."""
    person = request[SESSION]
    async with request.app[DATABASE].begin() as session:
        if await phone_links.end(session, person.account, link):
            note(session, "phone_link_ended", person.subject, client_address(request), link=str(link))
