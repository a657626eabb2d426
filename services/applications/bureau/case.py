"""Read a case as its page shows it: one transaction; what other services know is asked for once the transaction has ended."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.attachments import attachments
from services.applications.attachments import queries as attachment_queries
from services.applications.attachments.resources import PICTURES, SCANNER
from services.applications.bureau.materials import materials
from services.applications.bureau.places import writing
from services.applications.colleagues import views as colleagues
from services.applications.core import notice_queries, peers, proposals, repository, round_queries, views
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import SectionCodec
from services.applications.core.context import CODEC, PEERS, SETTINGS, STORE, WORKDAYS, transaction
from services.applications.core.disclosure import shown_to
from services.applications.core.labels import WRITING
from services.applications.core.moves import round_facts
from services.applications.core.peers import PROFILES
from services.applications.core.views import wan
from services.applications.decision import batches, experts
from services.applications.decision.views import of_case, stage
from services.applications.documents import letters
from services.applications.filling.filled_form import handed_in
from services.applications.filling.judgement import with_reasons
from services.applications.filling.provenance import origins
from services.applications.forms.definition import Form
from services.applications.forms.kinds import Choices
from services.applications.messages import reading as messages
from services.applications.review import case_list, checklist, looks, unlock_requests
from services.applications.review.handling_clock import handling
from services.applications.review.views import opinion_view
from services.applications.rounds.parameters import working_days
from services.applications.submission import queries as submissions
from services.applications.submission.asked_changes import asked_in
from services.applications.submission.changes import as_may_be_shown, changes
from services.applications.submission.timeline import in_order, notices, told
from services.applications.tables.applications import Application, Attachment, Audit, Opinion, Section
from services.applications.tables.desk import UnlockRequest
from services.applications.workflow import LABELS, Action, State
from shared import clock
from shared.contract.applications import TimelineEntry
from shared.contract.bureau import (
    CaseApplication,
    CaseEvent,
    CaseExperts,
    CaseMaterial,
    CasePage,
    CaseRequest,
    HandlingView,
    OtherCase,
    ShownFile,
)
from shared.contract.decision import LetterView, TakenOff
from shared.contract.four_eyes import WaitingExtension
from shared.contract.notices import Answered
from shared.contract.review import Choice
from shared.contract.submission import Change
from shared.errors import Conflict, NotFound, TooMany
from shared.http.app import actor, uuid_in_path
from shared.identity import Actor
from shared.messages import Profile
from shared.text import amounts

Json = Mapping[str, Any]


@dataclass
class HandedIn:
    """The latest submission beside the one before: opened for comparing, shown as the actor may see them."""

    form: Form
    codec: SectionCodec
    opened: dict[str, dict[str, Any]]
    shown: Json
    earlier: Json | None
    changes: list[Change]


@dataclass
class Known:
    """What one transaction knows of a case. In `view` everything stands but what others are asked for: materials with the sources
    of their values, pages of a file, notifications."""

    view: CasePage
    created_by: str
    handed_in: HandedIn
    rows: Mapping[str, Section]
    choices: Choices
    file: Attachment | None
    file_fault: str | None


async def case(request: web.Request, *, whole: bool = False) -> CasePage:
    """Return the case in the path. `whole`: nothing of the submission is masked, which is recorded. A `file` in the query is the
    attachment that is looked at, the first unless one is named."""
    who = actor(request)
    async with transaction(request) as session:
        known = await _known(request, session, who, whole=whole)
    view = known.view
    profile, view.notifications, view.file = await asyncio.gather(
        _profile(request, who, known),
        notices(request.app[PEERS], view.application.id, who),
        _pages(request, known),
    )
    view.materials = _materials(known, profile)
    return view


async def _known(request: web.Request, session: AsyncSession, who: Actor, *, whole: bool) -> Known:
    application = await repository.application(session, who, uuid_in_path(request))
    form = form_of(application)
    summary = await views.summary(session, application, who)
    round_ = await round_queries.round_(session, application.round_id)
    choices = form.choices(round_facts(round_))
    rows = await repository.sections(session, application.id)
    said = await repository.opinions(session, application.id)
    audit = await submissions.audit(session, application.id)
    extended = await submissions.extended(session, application)
    looked_at = await looks.look(session, who, application)
    await messages.see(session, who, application)
    handed = await _handed_in(request, session, who, application, audit, said, whole=whole)
    file, fault = await _file(request, session, who, application, handed)
    writes = request.query.get("opinion") == "1"
    view = CasePage(
        application=CaseApplication(**summary.model_dump(), form_title=form.title),
        materials=[],
        file=None,
        checks=with_reasons(
            (await handed_in(session, application, form, handed.codec, rows, handed.opened)).checks(), handed.shown
        ),
        checklist=await checklist.of_case(session, application),
        eligibility=[
            Answered(label=label, answer=answer)
            for label, answer in await notice_queries.answered(session, application.id)
        ],
        changed=len(handed.changes),
        unasked=sum(not change.asked for change in handed.changes),
        opinions=[opinion_view(application, opinion, persons=True) for opinion in said],
        writing=await writing(session, form, handed.shown, choices) if writes else None,
        working_days=working_days(round_.parameters),
        stage=await stage(session, application, round_, by_list=request.app[SETTINGS].publicity_by_list),
        experts=await _experts(session, application),
        letters=[
            LetterView.model_validate(letter, from_attributes=True)
            for letter in await letters.of_application(session, who, application)
        ],
        batches=await _batches(session, application) if Action.ACCEPT in summary.actions else [],
        requests=_requests(application, await unlock_requests.listed(session, application), said),
        extension=await _extension(session, who, application),
        others=await _others(session, who, application),
        agents=sorted({row.actor_name for row in audit if "agent" in row.details}),
        handling=_handling(request, who, audit),
        colleagues=await colleagues.of_case(session, who, application, scanning=request.app[SCANNER] is not None),
        events=[_event(entry, who, looked_at) for entry in told(in_order(audit, extended), who, persons=True)],
        looked_at=looked_at,
        notifications=None,
    )
    return Known(view, application.created_by, handed, rows, choices, file, fault)


async def _extension(session: AsyncSession, who: Actor, application: Application) -> WaitingExtension | None:
    if application.state not in (State.RETURNED, State.LAPSED):
        return None
    found = await proposals.waiting_for(session, "correction", application.id)
    return proposals.as_waiting(found, who) if found else None


def _handling(request: web.Request, who: Actor, audit: Sequence[Audit]) -> HandlingView | None:
    limit = request.app[SETTINGS].handling_working_days
    moves = [(row.at, row.to_state) for row in audit if row.to_state]
    found = handling(moves, who.received_at, request.app[WORKDAYS].is_working, limit)
    return HandlingView(**asdict(found), limit=limit or None) if found else None


async def _batches(session: AsyncSession, application: Application) -> list[Choice]:
    found = await batches.open_in(session, application.round_id)
    return [Choice(key=str(batch.id), label=batch.name) for batch in found]


async def _others(session: AsyncSession, who: Actor, application: Application) -> list[OtherCase]:
    found = await case_list.others_of(session, who, application.enterprise, application.id)
    return [
        OtherCase(
            id=other.id,
            number=other.number,
            project_name=other.project_name,
            round_title=title,
            applied_wan=wan(other.applied_wan),
            state=other.state,
            state_label=LABELS[State(other.state)],
        )
        for other, title in found
    ]


async def _handed_in(
    request: web.Request,
    session: AsyncSession,
    who: Actor,
    application: Application,
    audit: Sequence[Audit],
    said: Sequence[Opinion],
    *,
    whole: bool,
) -> HandedIn:
    form, number = form_of(application), application.revision
    codec = request.app[CODEC].of(application, form)
    found = await submissions.numbered(session, application.id, {number, number - 1})
    if number not in found:
        raise NotFound("没有这一版。")
    if whole:
        record(session, who, "reveal", application_id=application.id, submitted=number)

    def opened(n: int) -> dict[str, dict[str, Any]]:
        return {key: codec.open(key, values) for key, values in found[n].content["sections"].items()}

    def shown(n: int, sections: Mapping[str, Json], *, whole: bool) -> Json:
        return shown_to(who, codec, form, {**found[n].content, "sections": sections}, whole=whole)

    now = opened(number)
    if number - 1 not in found:
        return HandedIn(form, codec, now, shown(number, now, whole=whole), None, [])
    before = opened(number - 1)
    asked = asked_in(audit, said, since=number - 1, until=number)
    changed = as_may_be_shown(codec, changes(form, before, now, asked))
    earlier = shown(number - 1, before, whole=False)
    return HandedIn(form, codec, now, shown(number, now, whole=whole), earlier, changed)


async def _experts(session: AsyncSession, application: Application) -> CaseExperts:
    found = of_case(application, await experts.assessments(session, application.id), None)
    choosing = application.state == State.EXPERT_REVIEW
    return CaseExperts(
        **found.model_dump(exclude={"choices"}),
        waiting=await experts.loads(session) if choosing else {},
        recused=await experts.recused_from(session, application.enterprise) if choosing else {},
        taken_off=[
            TakenOff(name=one.name, begun=one.saved_at is not None, by=one.taken_off_by_name, at=one.taken_off_at)
            for one in await experts.taken_off(session, application.id)
        ],
    )


def _requests(
    application: Application, requests: Sequence[UnlockRequest], said: Sequence[Opinion]
) -> list[CaseRequest]:
    # Every return has an opinion; those being noted for the next are not sent.
    trip = max((o.round_trip for o in said if o.round_trip <= application.round_trips), default=0)
    form = form_of(application)

    def late(request: UnlockRequest) -> bool:
        return application.state != State.RETURNED or request.round_trip != trip

    return [
        CaseRequest(
            id=r.id,
            section_label=section.label if (section := form.section(r.section)) else r.section,
            reason=r.reason,
            status="late" if r.status == "open" and late(r) else r.status,
            note=r.note,
            asked_by=r.asked_by,
            asked_at=r.asked_at,
            decided_by=r.decided_by,
            decided_at=r.decided_at,
        )
        for r in requests
    ]


def _event(entry: TimelineEntry, who: Actor, looked_at: datetime | None) -> CaseEvent:
    return CaseEvent(
        at=entry.at,
        label=entry.label,
        actor=entry.actor,
        from_state=entry.from_state,
        to_state=entry.to_state,
        detail=detail(entry.action, entry.details),
        writing=entry.action in WRITING,
        fresh=looked_at is not None and entry.at > looked_at and entry.actor != who.name,
    )


def detail(action: str, details: Mapping[str, Any]) -> str:
    """Return what a line of the timeline adds to its label."""
    parts = []
    if details.get("round_trip"):
        parts.append(f"第 {details['round_trip']} 次退回")
    if details.get("submitted"):
        parts.append(f"第 {details['submitted']} 版")
    if details.get("colleagues") or details.get("mentions"):
        parts.append("、".join(details.get("colleagues") or details["mentions"]))
    if details.get("from_holder"):
        parts.append(f"原办理人{details['from_holder']}")
    if action == "save_checklist":
        parts.append(f"{details['of']} 条中符合 {details['met']} 条，不符合 {details['not_met']} 条")
    if action == "assign":
        parts.append(f"{details.get('before') or '未分配'} → {details.get('after') or '未分配'}")
    if action == "extend_round":
        parts.append(f"延至 {clock.show(datetime.fromisoformat(details['until']))}")
    if details.get("amount_wan"):
        parts.append(f"{amounts.show(details['amount_wan'])} 万元")
    if details.get("reason"):
        parts.append(f"理由：{details['reason']}")
    return "；".join(parts)


# ---- the attachment that is looked at ---------------------------------------------------------------------


async def _file(
    request: web.Request, session: AsyncSession, who: Actor, application: Application, handed: HandedIn
) -> tuple[Attachment | None, str | None]:
    """Return the attachment to look at, or why it cannot be; reading it is recorded. What one may not see is named among the
    materials, and there is nothing of it to look at."""
    wanted = request.query.get("file")
    files, sections = handed.shown["attachments"], handed.shown["sections"]
    listed = (
        id
        for section in handed.form.sections
        for slot in section.slots
        for id in (sections.get(section.key) or {}).get(slot.key) or []
        if id in files and not files[id].get("withheld")
    )
    id = next((id for id in listed if wanted in (None, "", id)), None)
    if id is None:
        return None, None
    scanning = request.app[SCANNER] is not None
    found = await attachment_queries.attachment(session, application.id, UUID(id))
    try:
        await attachments.read(session, who, application, found, scanning=scanning, page=True)
    except (Conflict, NotFound, TooMany) as error:
        return found, error.detail
    return found, None


async def _pages(request: web.Request, known: Known) -> ShownFile | None:
    file, fault, pages = known.file, known.file_fault, 0
    if file is None:
        return None
    if fault is None:
        who = actor(request)
        try:
            pages = await request.app[PICTURES].pages(
                request.app[STORE], file.sha256, file.media_type, who.enterprise or who.account
            )
        except (Conflict, NotFound, TooMany) as error:
            fault = error.detail
    name = known.handed_in.shown["attachments"][str(file.id)]["name"]
    return ShownFile(id=str(file.id), name=name, size=file.size, pages=pages, fault=fault)


# ---- where values came from -------------------------------------------------------------------------------


async def _profile(request: web.Request, who: Actor, known: Known) -> Profile:
    """Return what the sources say now; nobody is asked where nothing was brought along."""
    if not any(row.prefill for row in known.rows.values()):
        return peers.NOTHING_KNOWN
    return await request.app[PROFILES].of(request.app[PEERS], who, known.created_by)


def _materials(known: Known, profile: Profile) -> list[CaseMaterial]:
    handed = known.handed_in
    return materials(
        handed.form,
        handed.shown,
        known.choices,
        earlier=handed.earlier,
        changes=handed.changes,
        opinions=known.view.opinions,
        origins=origins(handed.form, handed.codec, known.rows, handed.opened, known.choices, profile),
    )
