"""Serve the experts: what one was given, one's own score sheet, 回避."""

from aiohttp import web

from services.applications.core.case import form_of
from services.applications.core.context import transaction
from services.applications.core.views import wan
from services.applications.decision import experts
from services.applications.decision.views import my_sheet
from services.applications.tables.applications import Application
from services.applications.tables.decision import Assessment
from services.applications.workflow import LABELS, State, as_applicants_read
from shared import codes
from shared.contract.decision import (
    DeclareRecusal,
    MyCase,
    RecusalView,
    Recuse,
    SheetValues,
)
from shared.errors import FieldError, Invalid
from shared.http.app import actor, answer, body, uuid_in_path
from shared.text.identifiers import uscc


def _line(assessment: Assessment, application: Application) -> MyCase:
    state = as_applicants_read(State(application.state))
    return MyCase(
        id=application.id,
        number=application.number,
        project_name=application.project_name,
        enterprise_name=application.enterprise_name,
        fund_type_label=form_of(application).label,
        state=state,
        state_label=LABELS[state],
        applied_wan=wan(application.applied_wan),
        assigned_at=assessment.assigned_at,
        saved_at=assessment.saved_at,
        submitted_at=assessment.submitted_at,
        due_at=assessment.due_at,
        late=experts.is_late(assessment),
        total=wan(assessment.total),
    )


async def list_mine(request: web.Request) -> web.Response:
    """Return what one was given to score: what waits first."""
    async with transaction(request) as session:
        return answer([_line(a, c) for a, c in await experts.mine(session, actor(request))])


async def show_sheet(request: web.Request) -> web.Response:
    """Return one's own assessment of a case; never another's."""
    async with transaction(request) as session:
        assessment, _ = await experts.my_assessment(session, actor(request), uuid_in_path(request))
        return answer(my_sheet(assessment))


async def keep_sheet(request: web.Request) -> web.Response:
    """暂存: kept as typed, not judged."""
    given = body(request, SheetValues)
    async with transaction(request) as session:
        return answer(
            my_sheet(await experts.keep(session, actor(request), uuid_in_path(request), given.model_dump()))
        )


async def submit_sheet(request: web.Request) -> web.Response:
    """提交评分, once; 422 with every mistake at its criterion. The last expert's concludes the case."""
    given = body(request, SheetValues)
    async with transaction(request) as session:
        return answer(
            my_sheet(
                await experts.score(
                    session,
                    actor(request),
                    uuid_in_path(request),
                    dict(given.scores),
                    given.comments,
                    given.opinion,
                )
            )
        )


async def recuse(request: web.Request) -> web.Response:
    """回避 from a case one was given."""
    async with transaction(request) as session:
        await experts.recuse(session, actor(request), uuid_in_path(request), body(request, Recuse).reason)
    return web.Response(status=204)


async def list_recusals(request: web.Request) -> web.Response:
    """Return the enterprises one has declared to have to do with."""
    async with transaction(request) as session:
        found = await experts.my_recusals(session, actor(request))
        return answer([RecusalView.model_validate(r, from_attributes=True) for r in found])


async def declare_recusal(request: web.Request) -> web.Response:
    """Declare beforehand to have to do with an enterprise, by its 统一社会信用代码."""
    given = body(request, DeclareRecusal)
    try:
        enterprise = uscc(given.enterprise)
    except ValueError as error:
        raise Invalid([FieldError(field="enterprise", code=codes.NOT_USCC, message=str(error))]) from None
    async with transaction(request) as session:
        await experts.declare(session, actor(request), enterprise, given.enterprise_name, given.reason)
    return web.Response(status=204)
