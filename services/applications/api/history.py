"""Revisions, what changed between them, and the timeline."""

from typing import Any

from aiohttp import web

from services.applications import peers, repository, views
from services.applications.api.documents import revision_number
from services.applications.changes import changes
from services.applications.codec import SectionCodec
from services.applications.context import CODEC, PEERS, transaction
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.schemas import Change, NoticeView, RevisionSnapshot, Timeline, TimelineEntry
from services.applications.use_cases.asking import asked_between
from services.applications.use_cases.filled import load
from services.applications.use_cases.recording import record
from services.applications.wording import ACTIONS
from services.applications.workflow import EDITABLE, LABELS, State
from shared.errors import Malformed
from shared.identity import Role
from shared.web import actor, answer, uuid_in_path


async def list_revisions(request: web.Request) -> web.Response:
    """Every submitted revision, oldest first."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        return answer([views.revision_view(r) for r in await repository.revisions(session, application.id)])


async def _snapshot(request: web.Request, *, whole: bool) -> RevisionSnapshot:
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        found = await repository.revision(session, application.id, revision_number(request))
        form = catalogue_form(application.fund_type, application.form_version)
        codec = request.app[CODEC].of(application.id, application.wrapped_key, form)
        sections = {key: codec.open(key, values) for key, values in found.content["sections"].items()}
        if not whole:
            sections = {key: codec.mask(key, values) for key, values in sections.items()}
        elif request.method == "POST":
            record(session, actor(request), "reveal", application_id=application.id, submitted=found.number)
        return RevisionSnapshot(
            **views.revision_view(found).model_dump(), content={**found.content, "sections": sections}
        )


async def get_revision(request: web.Request) -> web.Response:
    """One snapshot: the content its digests are over. ID numbers, mobiles and accounts are masked for the bureau's
    people, and for its enterprise with `masked=1`."""
    return answer(await _snapshot(request, whole=_whole(request)))


async def reveal(request: web.Request) -> web.Response:
    """The snapshot with nothing masked. Whoever asks is recorded."""
    return answer(await _snapshot(request, whole=True))


async def get_changes(request: web.Request) -> web.Response:
    """What changed since an earlier revision (the one before, unless `since` names it)."""
    number = revision_number(request)
    since = request.query.get("since", str(number - 1))
    if not since.isdecimal() or not 0 < int(since[:6]) < number:
        raise Malformed("since 应为更早的版次。", code="bad_since")
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        form = catalogue_form(application.fund_type, application.form_version)
        codec = request.app[CODEC].of(application.id, application.wrapped_key, form)
        both = []
        for n in (int(since), number):
            revision = await repository.revision(session, application.id, n)
            both.append({k: codec.open(k, v) for k, v in revision.content["sections"].items()})
        asked = await asked_between(session, application.id, int(since), number)
    return answer(_as_may_be_shown(request, codec, changes(form, both[0], both[1], asked)))


def _whole(request: web.Request) -> bool:
    """Whether personal data is shown: to its enterprise, unless it asks otherwise."""
    return actor(request).is_a(Role.APPLICANT) and request.query.get("masked") != "1"


def _as_may_be_shown(request: web.Request, codec: SectionCodec, found: list[Change]) -> list[Change]:
    """Compared as they are, shown as they may be."""
    return found if _whole(request) else [c.model_copy(update=_masked(codec, c)) for c in found]


def _masked(codec: SectionCodec, change: Change) -> dict[str, Any]:
    def hide(value: Any) -> Any:
        if change.column is None:
            return codec.mask(change.section, {change.field: value})[change.field]
        return codec.mask(change.section, {change.field: [{change.column: value}]})[change.field][0][change.column]

    return {"before": hide(change.before), "after": hide(change.after)}


async def get_pending_changes(request: web.Request) -> web.Response:
    """What is saved now against the latest submission; empty before the first."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        if not application.revision or application.state not in EDITABLE:
            return answer([])
        form = catalogue_form(application.fund_type, application.form_version)
        codec = request.app[CODEC].of(application.id, application.wrapped_key, form)
        last = await repository.revision(session, application.id, application.revision)
        before = {k: codec.open(k, v) for k, v in last.content["sections"].items()}
        # As a submission would freeze it: nothing hidden, computed values included.
        after = (await load(session, application, form, codec)).effective()
        asked = await asked_between(session, application.id, application.revision, application.revision + 1)
    return answer(_as_may_be_shown(request, codec, changes(form, before, after, asked)))


async def timeline(request: web.Request) -> web.Response:
    """What happened, who, when; notifications with their delivery while notify answers."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        rows = await repository.audit(session, application.id)
    sent = await peers.deliveries(request.app[PEERS], application.id)
    entries = [
        TimelineEntry(
            at=row.at,
            action=row.action,
            label=ACTIONS.get(row.action, row.action),
            actor=row.actor_name,
            from_state=LABELS[State(row.from_state)] if row.from_state else None,
            to_state=LABELS[State(row.to_state)] if row.to_state else None,
            details=row.details,
        )
        for row in rows
    ]
    notices = None
    if sent is not None:
        notices = [NoticeView(kind=d.kind, state=d.state, attempts=d.attempts, sent_at=d.sent_at) for d in sent]
    return answer(Timeline(entries=entries, notifications=notices))
