"""Serve revisions, what changed between them, and the timeline."""

from typing import Any

from aiohttp import web

from services.applications.core import peers, repository
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import SectionCodec
from services.applications.core.context import CODEC, PEERS, transaction
from services.applications.core.disclosure import masked, reads_whole, withheld
from services.applications.core.labels import ACTIONS, INTERNAL, TOLD
from services.applications.core.params import revision_number
from services.applications.core.readings import READINGS
from services.applications.filling.filled_form import load
from services.applications.submission import queries
from services.applications.submission.asked_changes import asked_between
from services.applications.submission.changes import changes
from services.applications.submission.views import revision_view
from services.applications.workflow import EDITABLE, LABELS, State
from shared import clock, codes
from shared.contract.applications import TimelineEntry
from shared.contract.submission import Change, NoticeView, RevisionSnapshot, Timeline, TriedView
from shared.errors import Malformed
from shared.http.app import actor, answer, uuid_in_path
from shared.http.query_params import number
from shared.identity import Role
from shared.messages import Delivery
from shared.roles import STAFF


async def list_revisions(request: web.Request) -> web.Response:
    """Return every submitted revision, oldest first."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        return answer([revision_view(r) for r in await queries.revisions(session, application.id)])


async def _snapshot(request: web.Request, *, whole: bool) -> RevisionSnapshot:
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        found = await repository.revision(session, application.id, revision_number(request))
        form = form_of(application)
        codec = request.app[CODEC].of(application, form)
        sections = {key: codec.open(key, values) for key, values in found.content["sections"].items()}
        content = {**found.content, "sections": sections}
        if not whole:
            content = masked(codec, content)
        elif request.method == "POST":
            record(session, actor(request), "reveal", application_id=application.id, submitted=found.number)
        if not reads_whole(actor(request)):
            content = withheld(form, content)
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
    return answer(_as_may_be_shown(request, codec, changes(form, both[0], both[1], asked)))


def _whole(request: web.Request) -> bool:
    """Tell whether personal data is shown: to its enterprise, unless it asks otherwise."""
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
    """Return what is saved now against the latest submission; empty before the first."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        if not application.revision or application.state not in EDITABLE:
            return answer([])
        form = form_of(application)
        codec = request.app[CODEC].of(application, form)
        last = await repository.revision(session, application.id, application.revision)
        before = {k: codec.open(k, v) for k, v in last.content["sections"].items()}
        # As a submission would freeze it: nothing hidden, computed values included.
        after = (await load(session, application, form, codec)).effective()
        asked = await asked_between(session, application.id, application.revision, application.revision + 1)
    return answer(_as_may_be_shown(request, codec, changes(form, before, after, asked)))


async def timeline(request: web.Request) -> web.Response:
    """Return what happened, who, when; notifications with their delivery while notify answers. An applicant reads what
    concerns its application, not how the bureau shares its work."""
    who = actor(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
        rows = await queries.audit(session, application.id)
    outside = not who.roles & STAFF
    if outside:
        rows = [row for row in rows if row.action not in INTERNAL]
    if not who.is_a(Role.AUDITOR):
        # Who has read what is for those who look into it; among what was done it would only be in the way.
        rows = [row for row in rows if row.action not in READINGS]
    sent = await peers.deliveries(request.app[PEERS], application.id)
    entries = [
        TimelineEntry(
            at=row.at,
            action=row.action,
            label=ACTIONS.get(row.action, row.action),
            actor=row.actor_name,
            from_state=LABELS[State(row.from_state)] if row.from_state else None,
            to_state=LABELS[State(row.to_state)] if row.to_state else None,
            details={k: v for k, v in row.details.items() if k in TOLD} if outside else row.details,
        )
        for row in rows
    ]
    notices = None
    if sent is not None:
        notices = [
            _notice(d, outside=outside)
            for d in sorted(sent, key=lambda d: (d.next_at or d.sent_at or clock.now(), d.channel))
        ]
    return answer(Timeline(entries=entries, notifications=notices))


def _notice(d: Delivery, *, outside: bool) -> NoticeView:
    return NoticeView(
        event_id=d.event_id,
        channel=d.channel,
        kind=d.kind,
        state=d.state,
        attempts=d.attempts,
        address=d.address,
        answer=d.answer,
        error=d.last_error,
        next_at=d.next_at if d.state == "pending" else None,
        sent_at=d.sent_at,
        read_at=d.read_at,
        tried=[TriedView(**t.model_dump()) for t in d.tried],
        proposal=None if outside else d.proposal,
    )
