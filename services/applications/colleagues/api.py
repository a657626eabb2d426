"""Serve what colleagues tell each other about a case."""

from typing import get_args

from aiohttp import web

from services.applications.attachments.intake import announced, take
from services.applications.attachments.resources import SCANNER
from services.applications.attachments.sending import send_file
from services.applications.colleagues import files, inquiries, notes, people, views
from services.applications.core import peers, repository
from services.applications.core.context import PEERS, SETTINGS, STORE, WORKDAYS, transaction
from shared import codes
from shared.contract.colleagues import AnswerInput, FileKind, InquiryInput, NoteInput
from shared.errors import Malformed
from shared.http.app import actor, answer, body, uuid_in_path
from shared.identity import Role
from shared.messages import StaffMember
from shared.store import attachment_key


async def _colleagues(request: web.Request) -> list[StaffMember]:
    """Who may be asked or mentioned: reviewers and directors."""
    known = request.app[PEERS]
    found = [*await peers.staff(known, Role.REVIEWER), *await peers.staff(known, Role.DIRECTOR)]
    return list({member.account: member for member in found}.values())


async def show_colleagues(request: web.Request) -> web.Response:
    """Return the notes, files of the desk and questions about a case."""
    who = actor(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
        scanning = request.app[SCANNER] is not None
        return answer(await views.of_case(session, who, application, scanning=scanning))


async def write_note(request: web.Request) -> web.Response:
    """Keep a note for colleagues under an id that whoever writes it chose, so that sent twice it is one."""
    who, given = actor(request), body(request, NoteInput)
    asks = given.mentions or "@" in given.text or "＠" in given.text
    known = await _colleagues(request) if asks else []
    mentions = people.chosen(given.mentions, known, "mentions") + people.named(given.text, known)
    once = list({member.account: member for member in mentions}.values())
    async with transaction(request) as session:
        id, note = uuid_in_path(request), uuid_in_path(request, "note")
        return answer(views.note_view(await notes.write(session, who, id, note, given.text, once), who))


async def withdraw_note(request: web.Request) -> web.Response:
    """Take the words of one's own note away."""
    async with transaction(request) as session:
        await notes.withdraw(session, actor(request), uuid_in_path(request), uuid_in_path(request, "note"))
    return web.Response(status=204)


async def add_file(request: web.Request) -> web.Response:
    """Add a file of the desk, of a `kind`; with `limited` (1) it is not for every colleague."""
    who, id = actor(request), uuid_in_path(request)
    kind, limited = request.query.get("kind", ""), request.query.get("limited", "") == "1"
    if kind not in get_args(FileKind):
        raise Malformed("请选择文件类别。", code=codes.NOT_AN_OPTION)
    total_mb, scanning = request.app[SETTINGS].attachments_total_mb, request.app[SCANNER] is not None

    # The transaction ends before the first byte is read: a slow line must not hold a connection.
    async with transaction(request) as session:
        await files.may_add(session, who, id, announced(request), total_mb=total_mb)
    async with take(request, files.PLACE) as (file, examined), transaction(request) as session:
        kept = await files.keep(
            session, request.app[STORE], who, id, file, examined, kind=kind, limited=limited, total_mb=total_mb
        )
        application = await repository.application(session, who, id)
        view = views.file_view(kept, who, application, asked=False, scanning=scanning)
    return answer(view, 201)


async def download(request: web.Request) -> web.StreamResponse:
    """Return a file of the desk, which is recorded; 403 for a colleague whom it is not for."""
    async with transaction(request) as session:
        found = await files.to_read(
            session,
            actor(request),
            uuid_in_path(request),
            uuid_in_path(request, "file"),
            scanning=request.app[SCANNER] is not None,
        )
    return await send_file(
        request, attachment_key(found.sha256), found.name, media_type=found.media_type, size=found.size
    )


async def remove_file(request: web.Request) -> web.Response:
    """Take a file of the desk away."""
    async with transaction(request) as session:
        await files.remove(session, actor(request), uuid_in_path(request), uuid_in_path(request, "file"))
    return web.Response(status=204)


async def ask(request: web.Request) -> web.Response:
    """Ask colleagues about a case, several at once, under an id that whoever asks chose."""
    who, given = actor(request), body(request, InquiryInput)
    asked = people.chosen(given.colleagues, await _colleagues(request), "colleagues")
    until = request.app[WORKDAYS].closing(who.received_at, given.working_days)
    async with transaction(request) as session:
        id, inquiry = uuid_in_path(request), uuid_in_path(request, "inquiry")
        await inquiries.ask(session, who, id, inquiry, given.question, asked, until)
        found, answers = await inquiries.of_case(session, id)
        made = next(one for one in found if one.id == inquiry)
        return answer(views.inquiry_view(made, answers[inquiry], who))


async def give_answer(request: web.Request) -> web.Response:
    """Answer as one of those who were asked."""
    async with transaction(request) as session:
        given = body(request, AnswerInput)
        id, inquiry = uuid_in_path(request), uuid_in_path(request, "inquiry")
        await inquiries.answer(session, actor(request), id, inquiry, given.answer)
    return web.Response(status=204)


async def close(request: web.Request) -> web.Response:
    """Wait for no more answers."""
    async with transaction(request) as session:
        id, inquiry = uuid_in_path(request), uuid_in_path(request, "inquiry")
        await inquiries.close(session, actor(request), id, inquiry)
    return web.Response(status=204)
