"""Serve the bureau's side of the stages: batches, who scores a case, ranking and budget, objections, letters, 公示."""

from uuid import UUID

from aiohttp import web

from services.applications.core import peers, repository, round_queries
from services.applications.core.context import PEERS, SETTINGS, WORKDAYS, transaction
from services.applications.decision import batches, experts, objections
from services.applications.decision.views import batch_view, of_case, ranking_view, stage
from services.applications.documents import letters
from services.applications.documents.answers import ask_for, file_or_status
from shared import codes
from shared.contract.decision import (
    ExpertChoice,
    GiveToExperts,
    LetterView,
    NewBatch,
    NoteObjection,
    ObjectionView,
    OpenSheet,
    SettleObjection,
)
from shared.errors import Malformed, Unavailable
from shared.http.app import actor, answer, body, if_match, uuid_in_path
from shared.identity import Role
from shared.messages import StaffMember


def _round(request: web.Request) -> UUID | None:
    text = request.query.get("round", "")
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Malformed("没有这个申报批次。", code=codes.BAD_ROUND) from None


async def list_batches(request: web.Request) -> web.Response:
    """审核批, the newest first; `round` narrows to one round's."""
    async with transaction(request) as session:
        return answer([batch_view(b, n) for b, n in await batches.listed(session, _round(request))])


async def make_batch(request: web.Request) -> web.Response:
    """Return a new batch in a round; 409 when it has one of this name."""
    given = body(request, NewBatch)
    async with transaction(request) as session:
        return answer(batch_view(await batches.make(session, actor(request), given.round, given.name), 0), 201)


async def close_batch(request: web.Request) -> web.Response:
    """封批: nothing more is taken into it."""
    async with transaction(request) as session:
        await batches.close(session, actor(request), uuid_in_path(request))
    return web.Response(status=204)


async def show_experts(request: web.Request) -> web.Response:
    """Return who scores a case; what they gave once all have; and to whom it can be given."""
    who, id = actor(request), uuid_in_path(request)
    known: list[StaffMember] | None
    try:
        known = await peers.staff(request.app[PEERS], Role.EXPERT)
    except Unavailable:
        known = None
    async with transaction(request) as session:
        application = await repository.application(session, who, id)
        found = await experts.assessments(session, id)
        recused = await experts.recused_from(session, application.enterprise)
        waiting = await experts.loads(session)
    choices = None
    if known is not None:
        choices = [
            ExpertChoice(
                account=m.account, name=m.name, waiting=waiting.get(m.account, 0), recused=recused.get(m.account)
            )
            for m in known
        ]
    return answer(of_case(application, found, choices))


async def give_to_experts(request: web.Request) -> web.Response:
    """分配专家: exactly these; 422 names one who has to stay out of it."""
    who, id, given = actor(request), uuid_in_path(request), body(request, GiveToExperts)
    known, calendar = await peers.staff(request.app[PEERS], Role.EXPERT), request.app[WORKDAYS]
    async with transaction(request) as session:
        application = await experts.give(
            session, who, id, if_match(request), given.experts, known,
            due_at=calendar.closing(who.received_at, given.working_days) if given.working_days else None,
            newly_due_at=calendar.closing(who.received_at, experts.WORKING_DAYS),
        )  # fmt: skip
        found = await experts.assessments(session, id)
    return answer(of_case(application, found, None), ETag=f'"{application.version}"')


async def list_waited_for(request: web.Request) -> web.Response:
    """Return the score sheets that are waited for, at most 500, those that are due first."""
    async with transaction(request) as session:
        found = await experts.waited_for(session, actor(request))
    return answer(
        [
            OpenSheet(
                application_id=case.id,
                number=case.number,
                project_name=case.project_name,
                expert=sheet.name,
                assigned_at=sheet.assigned_at,
                due_at=sheet.due_at,
                begun=sheet.saved_at is not None,
                late=experts.is_late(sheet),
            )
            for sheet, case in found
        ]
    )


async def show_ranking(request: web.Request) -> web.Response:
    """Return a round's scored cases, the best first, beside what its budget has left."""
    wanted = _round(request)
    if wanted is None:
        raise Malformed("请指定申报批次。", code=codes.BAD_ROUND)
    async with transaction(request) as session:
        return answer(await ranking_view(session, actor(request), wanted))


async def show_stage(request: web.Request) -> web.Response:
    """Return what the stages know of one case: batch, amount, budget, 公示, objections."""
    who, id = actor(request), uuid_in_path(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, id)
        round_ = await round_queries.round_(session, application.round_id)
        return answer(await stage(session, application, round_, by_list=request.app[SETTINGS].publicity_by_list))


async def note_objection(request: web.Request) -> web.Response:
    """登记异议 against a project in 公示."""
    given = body(request, NoteObjection)
    async with transaction(request) as session:
        made = await objections.note(session, actor(request), uuid_in_path(request), **given.model_dump())
        return answer(ObjectionView.model_validate(made, from_attributes=True), 201)


async def settle_objection(request: web.Request) -> web.Response:
    """Answer an objection: upheld or not, and why; 409 when it was answered before."""
    given = body(request, SettleObjection)
    async with transaction(request) as session:
        found = await objections.settle(
            session,
            actor(request),
            uuid_in_path(request),
            uuid_in_path(request, "objection"),
            upheld=given.upheld,
            outcome=given.outcome,
        )
        return answer(ObjectionView.model_validate(found, from_attributes=True))


async def list_letters(request: web.Request) -> web.Response:
    """Return the official letters of an application, oldest first."""
    async with transaction(request) as session:
        found = await letters.listed(session, actor(request), uuid_in_path(request))
        return answer([LetterView.model_validate(letter, from_attributes=True) for letter in found])


async def get_letter(request: web.Request) -> web.StreamResponse:
    """Return a letter as PDF, or 202 with its place in line."""
    async with transaction(request) as session:
        letter, document = await letters.document_of(
            session, actor(request), uuid_in_path(request), uuid_in_path(request, "letter")
        )
        await ask_for(request, session, document)
        if document.sha256 and request.method == "GET" and "look" not in request.query:
            await letters.note_opened(session, actor(request), letter)
    return await file_or_status(request, document, f"{letter.name}-{letter.reference}.pdf")
