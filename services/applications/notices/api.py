"""Serve 申报通知: read by everybody once its round is published, written by officers."""

from uuid import uuid4

from aiohttp import web

from services.applications.attachments.intake import take
from services.applications.attachments.resources import SCANNER
from services.applications.attachments.sending import send_file
from services.applications.attachments.uploads import Place
from services.applications.core import notice_queries, round_queries, stored_contents
from services.applications.core.audit import record
from services.applications.core.context import SETTINGS, STORE, transaction
from services.applications.core.moves import round_facts
from services.applications.filling import eligibility as asking
from services.applications.forms.authoring import eligibility
from services.applications.forms.definition import Slot
from services.applications.notices.trying import tried
from services.applications.rounds import notices
from services.applications.rounds.views import detail, round_view
from services.applications.tables.applications import Round
from services.applications.tables.notices import NoticeFile
from services.applications.workbench.judge import JUDGE
from shared import clock, codes
from shared.contract.notices import (
    EligibilityAnswers,
    EligibilityTrial,
    EligibilityView,
    RoundNotice,
    RoundNoticeFile,
    RoundNoticeInput,
)
from shared.errors import Conflict, NotFound
from shared.http.app import CALLER, actor, answer, body, if_match, uuid_in_path
from shared.http.query_params import number
from shared.identity import Actor
from shared.roles import ROUND_READERS
from shared.store import attachment_key

# A file of a notice is taken as one of an application is.
SLOT = Slot(key="files", label="附件", max_mb=20, max_files=notices.MOST_FILES)
# Of one round, those that no notice names any more among them.
MOST_UPLOADS = 100


def _reads_rounds(who: Actor | None) -> bool:
    return who is not None and bool(who.roles & ROUND_READERS)


def _must_be_shown(round_: Round, who: Actor | None) -> None:
    if round_.published_at is None and not _reads_rounds(who):
        raise NotFound("没有这个申报批次。")


async def get_notice(request: web.Request) -> web.Response:
    """Return the notice in force, for everybody once the round is published; those who read rounds may ask for another version (`number`)."""
    who = request[CALLER].actor
    asked = request.query.get("number")
    scanning = request.app[SCANNER] is not None
    async with transaction(request) as session:
        round_ = await round_queries.round_(session, uuid_in_path(request))
        _must_be_shown(round_, who)
        reader = _reads_rounds(who)
        wanted = number(asked, 1_000_000) if reader and asked else round_.notice
        known = await notice_queries.notice(session, round_.id, wanted)
        if known is None and wanted:
            raise NotFound("没有这一稿申报通知。")
        files = await notice_queries.files(session, round_.id, known.files if known else ())
        form = eligibility.form_of(known.questions) if known else None
        view = RoundNotice(
            round=round_view(round_, who.received_at if who else clock.now(), reader=reader),
            number=wanted,
            latest=await notice_queries.latest(session, round_.id) if reader else wanted,
            text=known.text if known else "",
            asked=[field.label for field in form.sections[0].fields if field.asked] if form else [],
            conditions=[check.message for check in form.checks] if form else [],
            questions=known.questions if known and reader else "",
            files=[_file(file, scanning=scanning) for file in files],
            changed_at=known.created_at if known else None,
        )
    return answer(view, ETag=f'"{round_.version}"')


def _file(file: NoticeFile, *, scanning: bool) -> RoundNoticeFile:
    readable = not file.infected and (file.scanned_at is not None or not scanning)
    return RoundNoticeFile(
        id=file.id,
        name=file.name,
        size=file.size,
        media_type=file.media_type,
        readable=readable,
        infected=file.infected,
    )


async def write_notice(request: web.Request) -> web.Response:
    """Write a new version of the notice. Where publishing takes two people, that of a published round becomes its `proposal`. Once applications are taken
    the questions stay, and what must hold is at most left out (409 `eligibility_fixed`)."""
    given = body(request, RoundNoticeInput)
    by_two = request.app[SETTINGS].rounds_by_two
    if given.questions.strip():
        # What takes too long to judge is refused before anything is locked.
        await request.app[JUDGE].ask(eligibility.read, given.questions)
    async with transaction(request) as session:
        round_ = await notices.save(
            session, actor(request), uuid_in_path(request), if_match(request), given, by_two=by_two
        )
        view = await detail(session, round_, actor(request), by_two=by_two)
    return answer(view, ETag=f'"{round_.version}"')


async def try_questions(request: web.Request) -> web.Response:
    """Return questions that are being written as they would be asked, with the faults of their text, and what comes of answers. Nothing is kept."""
    given = body(request, EligibilityTrial)
    at = actor(request).received_at
    async with transaction(request) as session:
        facts = round_facts(await round_queries.round_(session, uuid_in_path(request)))
    return answer(await request.app[JUDGE].ask(tried, given.questions, facts, given.values, at))


async def ask(request: web.Request) -> web.Response:
    """Return the questions that the round asks before an application is begun, and what comes of answers. Nothing is kept."""
    who, given = actor(request), body(request, EligibilityAnswers)
    async with transaction(request) as session:
        round_ = await round_queries.round_(session, uuid_in_path(request))
        _must_be_shown(round_, None)
        form = await asking.questions(session, round_)
        facts = round_facts(round_)
    if form is None:
        return answer(EligibilityView(faults=[], definition=None, page=None, errors=[], refusals=[]))
    return answer(asking.asked(form, facts, given.values, who.received_at))


async def download(request: web.Request) -> web.StreamResponse:
    """Return a file of the notice in force; any file of the round to those who read rounds."""
    who, file = request[CALLER].actor, str(uuid_in_path(request, "file"))
    async with transaction(request) as session:
        round_ = await round_queries.round_(session, uuid_in_path(request))
        _must_be_shown(round_, who)
        known = await notice_queries.notice(session, round_.id, round_.notice)
        named = _reads_rounds(who) or (known is not None and file in known.files)
        found = await notice_queries.files(session, round_.id, [file]) if named else []
    if not found:
        raise NotFound("没有这个文件。")
    view = _file(found[0], scanning=request.app[SCANNER] is not None)
    if view.infected:
        raise Conflict(f"该文件被查出病毒（{view.infected}），不能下载。", code=codes.FILE_INFECTED)
    if not view.readable:
        raise Conflict("该文件正在等待病毒查验，请稍后再试。", code=codes.SCAN_PENDING, retry_after=30)
    return await send_file(
        request, attachment_key(found[0].sha256), view.name, media_type=view.media_type, size=view.size
    )


async def upload(request: web.Request) -> web.Response:
    """Add a file for the round's notice. It is shown once a notice names it; what none names within a week is removed."""
    who, id, app = actor(request), uuid_in_path(request), request.app
    place = Place("notice", SLOT)
    async with transaction(request) as session:
        await round_queries.round_(session, id)
        if await notice_queries.count_files(session, id) >= MOST_UPLOADS:
            raise Conflict("本批次上传的文件过多，请一周后再试。", code=codes.TOO_MANY_FILES)
    async with take(request, place) as (file, examined), transaction(request) as session:
        # From here to the commit no sweep removes this content.
        await stored_contents.hold(session, file.sha256)
        await app[STORE].put_file(attachment_key(file.sha256), file.path)
        kept = NoticeFile(
            id=uuid4(),
            round_id=id,
            name=file.name,
            size=file.size,
            media_type=examined.media_type,
            sha256=file.sha256,
            created_by=who.account,
            scanned_at=examined.scanned_at,
        )
        session.add(kept)
        record(session, who, "attach_to_notice", round=str(id), file=str(kept.id), sha256=file.sha256)
        await session.flush()
        view = _file(kept, scanning=app[SCANNER] is not None)
    return answer(view, 201)
