"""Build the page of one case as the bureau reads it."""

from dataclasses import dataclass

from aiohttp import web

from services.gateway.accounts import people
from services.gateway.review import opinion_places
from services.gateway.review.written import Draft, Until, Written, choices_of_days
from services.gateway.web.calls import ask, new_key
from services.gateway.web.context import DATABASE, SESSION
from services.gateway.web.rendering import page
from shared import clock
from shared.contract.bureau import CaseMaterial, CasePage
from shared.contract.decision import ExpertChoice
from shared.errors import DomainError
from shared.http.app import uuid_in_path
from shared.identity import Role
from shared.messages import StaffMember
from shared.roles import DIRECTOR, REVIEWER
from shared.text import amounts


@dataclass(frozen=True)
class FileChoice:
    """An attachment that can be looked at, and where it stands."""

    id: str
    name: str
    place: str


def files(materials: list[CaseMaterial]) -> list[FileChoice]:
    """Every attachment that can be looked at; one that is withheld is named among the materials alone."""
    return [
        FileChoice(f.id, f.name, f"{m.label} · {s.label}")
        for m in materials
        for s in m.slots
        for f in s.files
        if not f.withheld
    ]


# Kinds of files of the desk, in the office's words.
FILE_KINDS = {"site_visit": "现场核查记录", "minutes": "会议纪要", "other": "其他"}


@dataclass(frozen=True)
class Gist:
    """What a reviewer decides by at a glance: checks that are broken or not known yet, other applications that were approved, lines of
    the checklist that are ticked, and the most (万元) that may be applied for by the checks that compare the applied amount."""

    broken: int
    unknown: int
    approved: int
    ticked: int
    ceiling: str | None

    @classmethod
    def of(cls, case: CasePage) -> "Gist":
        applied = case.application.applied_wan
        most = [
            c.right for c in case.checks if applied and c.known and c.right and c.op == "<=" and c.left == applied
        ]
        return cls(
            broken=sum(c.known and not c.holds for c in case.checks),
            unknown=sum(not c.known for c in case.checks),
            approved=sum(other.state == "approved" for other in case.others),
            ticked=sum(line.met is not None for line in case.checklist.lines),
            ceiling=min(most, key=amounts.read) if most else None,
        )


async def _choices(request: web.Request, case: CasePage) -> list[ExpertChoice]:
    """To whom the case can be given, for whoever may give it."""
    if case.application.state != "expert_review" or not request[SESSION].roles & (REVIEWER | DIRECTOR):
        return []
    async with request.app[DATABASE].begin() as session:
        known = await people.with_role(session, Role.EXPERT)
    waiting, recused = case.experts.waiting, case.experts.recused
    return [
        ExpertChoice(
            account=m.account, name=m.name, waiting=waiting.get(m.account, 0), recused=recused.get(m.account)
        )
        for m in known
    ]


async def _colleagues(request: web.Request) -> list[StaffMember]:
    """Whom one can mention and ask, for whoever writes: reviewers and directors but oneself."""
    me = request[SESSION]
    if not me.roles & (REVIEWER | DIRECTOR):
        return []
    async with request.app[DATABASE].begin() as session:
        known = await people.with_role(session, Role.REVIEWER, Role.DIRECTOR)
    return [member for member in known if member.account != str(me.account)]


async def desk(
    request: web.Request,
    error: DomainError | None = None,
    status: int = 200,
    typed: dict[str, str] | None = None,
    *,
    opine: str | None = None,
    stage_fault: str = "",
    at: str = "",
    whole: bool = False,
    draft: Draft | None = None,
) -> web.Response:
    """The page of a case, with what went wrong and what was typed; `opine` is the place one writes an opinion on,
    `stage_fault` the form of the stages that was refused, `at` the part of the page whose form was. `whole`: nothing masked, which is recorded.
    `draft`: the return that is written beside the case."""
    wanted = opine if opine is not None else request.query.get("opine")
    query = {"file": request.query.get("file", ""), "opinion": "" if wanted is None else "1"}
    query = {name: value for name, value in query.items() if value}
    path = f"/review/applications/{uuid_in_path(request)}/case"
    if whole:
        case = (await ask(request, "POST", f"{path}/reveal", CasePage, json={}, query=query)).body
    else:
        case = (await ask(request, "GET", path, CasePage, query=query)).body
    lease, assignee, actions = case.application.lease, case.application.assignee, case.application.actions
    # One's own case that nobody has taken is worked on without being taken first.
    working = bool(REVIEWER & request[SESSION].roles and (lease.mine if lease else assignee and assignee.mine))
    mine = working and "return" in actions
    context = {
        "case": case,
        "application": case.application,
        "gist": Gist.of(case),
        "files": files(case.materials),
        "choices": await _choices(request, case),
        "colleagues": await _colleagues(request),
        "file_kinds": FILE_KINDS,
        # What is written on this page, and sent twice, is one.
        "key": new_key(),
        "anchor": opinion_places.anchor,
        "whole": whole,
        "working": working,
        "may_opine": mine,
        "opine": wanted if mine else None,
        "error": error,
        "typed": typed or {},
        "done": request.query.get("done"),
        "stage_fault": stage_fault,
        "refused": at,
        "draft": draft or Draft(Written([], Until(working_days=str(case.working_days or "")))),
        "draft_open": mine and (draft is not None or any(not o.sent for o in case.opinions)),
        "working_days": choices_of_days(case.working_days),
        "today": clock.today().isoformat(),
    }
    return page(request, "review/case.html", context, status=status)
