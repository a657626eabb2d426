"""Serve the applicant's pages: the form page of a material, the page before 提交申请, 查看申请."""

from aiohttp import web

from services.applications.core.context import CODEC, ENGINE, PEERS, transaction
from services.applications.core.naming import persons_named
from services.applications.core.params import number_of
from services.applications.core.profiles import profile_of
from services.applications.filling import autosave
from services.applications.pages import form_page, reading_page
from services.applications.submission.expected import PACES
from services.applications.submission.timeline import notices
from shared.contract.pages import ApplicationRead, SectionPage, SectionTaken
from shared.contract.sections import SectionValues
from shared.contract.submission import Timeline
from shared.errors import Invalid
from shared.http.app import actor, answer, body, if_match, uuid_in_path
from shared.messages import Profile


async def show_section(request: web.Request) -> web.Response:
    """Return all that the form page of one material shows; its ETag is the section's."""
    page = await _section_page(request, await profile_of(request))
    return answer(page, ETag=f'"{page.section.etag}"')


async def _section_page(request: web.Request, known: Profile) -> SectionPage:
    who, codec = actor(request), request.app[CODEC]
    async with transaction(request) as session:
        case = await form_page.load(session, codec, who, uuid_in_path(request), known)
        return await form_page.section_page(
            session, codec, who, case, request.match_info["key"], persons=persons_named(request)
        )


async def take_section(request: web.Request) -> web.Response:
    """保存表单, and the page after it. Values that do not all hold are kept as 暂存, and `saved` is false; the page's `problems` say
    what is wrong."""
    who, codec, id, key = actor(request), request.app[CODEC], uuid_in_path(request), request.match_info["key"]
    tag, given = if_match(request), body(request, SectionValues)
    known = await profile_of(request)
    saved = True
    try:
        async with transaction(request) as session:
            case = await form_page.save(session, codec, who, id, key, tag, given, known)
            page = await form_page.section_page(session, codec, who, case, key, persons=persons_named(request))
    except Invalid:
        saved = False
        await autosave.keep_draft(request.app[ENGINE], codec, who, id, key, tag, given)
        page = await _section_page(request, known)
    return answer(SectionTaken(saved=saved, page=page), ETag=f'"{page.section.etag}"')


async def show_submission(request: web.Request) -> web.Response:
    """Return all that the page before 提交申请 shows; its ETag is the application's version."""
    who, codec = actor(request), request.app[CODEC]
    known = await profile_of(request)
    async with transaction(request) as session:
        case = await form_page.load(session, codec, who, uuid_in_path(request), known)
        page = await form_page.submission_page(session, codec, who, case, persons=persons_named(request))
    return answer(page, ETag=f'"{page.application.version}"')


async def show_application(request: web.Request) -> web.Response:
    """Return all that 查看申请 shows, of the newest revision or of `revision`. ID numbers, mobiles and accounts are masked."""
    return await _read(request, whole=False)


async def reveal_application(request: web.Request) -> web.Response:
    """Return the same with nothing masked. Whoever asks is recorded."""
    return await _read(request, whole=True)


async def _read(request: web.Request, *, whole: bool) -> web.Response:
    who, id = actor(request), uuid_in_path(request)
    wanted = request.query.get("revision")
    number = number_of(wanted) if wanted else None
    async with transaction(request) as session:
        persons = persons_named(request)
        read = await reading_page.read(
            session, request.app[CODEC], request.app[PACES], who, id, number, whole=whole, persons=persons
        )
    told = await notices(request.app[PEERS], id, who)
    page = ApplicationRead(
        application=read.application,
        number=read.number,
        materials=read.materials,
        changes=read.changes,
        revisions=read.revisions,
        letters=read.letters,
        timeline=Timeline(entries=read.entries, notifications=told),
        next=read.next,
        may_rate=read.may_rate,
        rating=read.rating,
    )
    return answer(page, ETag=f'"{page.application.version}"')
