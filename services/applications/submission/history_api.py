"""Serve revisions, what changed between them, and the timeline."""

from aiohttp import web

from services.applications.core import repository
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import SectionCodec
from services.applications.core.context import CODEC, PEERS, transaction
from services.applications.core.disclosure import shown_to
from services.applications.core.naming import persons_named
from services.applications.core.params import revision_number
from services.applications.filling.filled_form import load
from services.applications.submission import queries
from services.applications.submission.asked_changes import asked_between
from services.applications.submission.changes import as_may_be_shown, changes
from services.applications.submission.pending_changes import pending_changes
from services.applications.submission.timeline import happened, notices
from services.applications.submission.views import revision_view
from shared import codes
from shared.contract.submission import Change, RevisionSnapshot, Timeline
from shared.errors import Malformed
from shared.http.app import actor, answer, uuid_in_path
from shared.http.query_params import number
from shared.identity import Role


async def list_revisions(request: web.Request) -> web.Response:
    """Return every submitted revision, oldest first."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        return answer(await queries.listed(session, application.id))


async def _snapshot(request: web.Request, *, whole: bool) -> RevisionSnapshot:
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        found = await repository.revision(session, application.id, revision_number(request))
        form = form_of(application)
        codec = request.app[CODEC].of(application, form)
        sections = {key: codec.open(key, values) for key, values in found.content["sections"].items()}
        content = {**found.content, "sections": sections}
        if whole and request.method == "POST":
            record(session, actor(request), "reveal", application_id=application.id, submitted=found.number)
        content = shown_to(actor(request), codec, form, content, whole=whole)
        return RevisionSnapshot(**revision_view(found).model_dump(), content=content)


async def get_revision(request: web.Request) -> web.Response:
    """Return one snapshot: the content its digests are over. ID numbers, mobiles and accounts are masked for the bureau's
    people, and for its enterprise with `masked=1`."""
    return answer(await _snapshot(request, whole=_whole(request)))


async def reveal(request: web.Request) -> web.Response:
    """Return the snapshot with nothing masked. Whoever asks is recorded."""
    return answer(await _snapshot(request, whole=True))


async def get_changes(request: web.Request) -> web.Response:
    """Return what changed since an earlier revision (the one before, unless `since` names it)."""
    last = revision_number(request)
    try:
        first = number(request.query.get("since", str(last - 1)), last - 1)
    except Malformed as error:
        raise Malformed("since 应为更早的版次。", code=codes.BAD_SINCE) from error
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        form = form_of(application)
        codec = request.app[CODEC].of(application, form)
        both = []
        for n in (first, last):
            revision = await repository.revision(session, application.id, n)
            both.append({k: codec.open(k, v) for k, v in revision.content["sections"].items()})
        asked = await asked_between(session, application.id, first, last)
    return answer(_shown(request, codec, changes(form, both[0], both[1], asked)))


def _whole(request: web.Request) -> bool:
    """Tell whether personal data is shown: to its enterprise, unless it asks otherwise."""
    return actor(request).is_a(Role.APPLICANT) and request.query.get("masked") != "1"


def _shown(request: web.Request, codec: SectionCodec, found: list[Change]) -> list[Change]:
    return found if _whole(request) else as_may_be_shown(codec, found)


async def get_pending_changes(request: web.Request) -> web.Response:
    """Return what is saved now against the latest submission; empty before the first."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        form = form_of(application)
        codec = request.app[CODEC].of(application, form)
        filled = await load(session, application, form, codec)
        found = await pending_changes(session, application, codec, filled)
    return answer(_shown(request, codec, found))


async def timeline(request: web.Request) -> web.Response:
    """Return what happened, who, when; notifications with their delivery while notify answers. An applicant reads what
    concerns its application, not how the bureau shares its work."""
    who = actor(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
        entries = await happened(session, application, who, persons=persons_named(request))
    return answer(Timeline(entries=entries, notifications=await notices(request.app[PEERS], application.id, who)))
