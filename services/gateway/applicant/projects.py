"""Show 我的项目 and 新增项目; withdraw or delete a project."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from services.gateway.applicant import starting
from services.gateway.applicant.ceilings import RoundCard
from services.gateway.web.calls import application, ask, filters, new_key, unsent
from services.gateway.web.form_data import one, read_form
from services.gateway.web.labels import STATES
from services.gateway.web.rendering import page
from shared import codes
from shared.contract.applications import ApplicationPage, ApplicationSummary
from shared.contract.rounds import RoundView
from shared.errors import Conflict, Invalid, Stale
from shared.http.app import see_other, uuid_in_path

DONE = {"withdrawn": "已撤销申请，项目回到提交前的状态，可以修改后重新提交。", "deleted": "已删除申请。"}


async def my_projects(request: web.Request) -> web.Response:
    """我的项目: the list of the manual's figures 5 and 11."""
    shown, query = filters(request, "state", "q", "cursor")
    from_ = request.query.get("from", "")
    first = int(from_) if from_.isascii() and from_.isdecimal() and len(from_) < 7 else 1
    found = (await ask(request, "GET", "/applications", ApplicationPage, query=query)).body
    context = {
        "found": found,
        "query": shown,
        "states": STATES,
        "first": first,
        "filtered": bool(query),
        "done": DONE.get(request.query.get("done", "")),
    }
    return page(request, "applicant/projects.html", context)


async def choose_type(request: web.Request) -> web.Response:
    """新增项目: choose the fund type (figure 6)."""
    return await _choose(request)


async def _choose(request: web.Request, error: str | None = None, status: int = 200) -> web.Response:
    rounds, drafts, begun = await asyncio.gather(
        ask(request, "GET", "/rounds", list[RoundView]), _drafts(request), unsent(request)
    )
    earlier = await _earlier(request, {r.fund_type for r in rounds.body})
    listed = [RoundCard.of(r, drafts, earlier=r.fund_type in earlier) for r in rounds.body]
    context = {"rounds": listed, "unsent": begun, "key": new_key(), "error": error}
    return page(request, "applicant/choose_type.html", context, status=status)


async def _drafts(request: web.Request) -> list[ApplicationSummary]:
    query = {"state": "draft", "limit": "100"}
    return (await ask(request, "GET", "/applications", ApplicationPage, query=query)).body.items


async def _earlier(request: web.Request, fund_types: set[str]) -> set[str]:
    """The fund types of which there is something to begin with."""
    wanted = sorted(fund_types)
    asked = (
        ask(request, "GET", "/applications", ApplicationPage, query={"fund_type": t, "limit": "1"}) for t in wanted
    )
    found = await asyncio.gather(*asked)
    return {t for t, answer in zip(wanted, found, strict=True) if answer.body.items}


async def create(request: web.Request) -> web.Response:
    """Start the application and open its first material; a draft of the same round is offered first."""
    form = await read_form(request)
    round_id = one(form, "round_id")
    if not one(form, "anyway"):
        mine = [a for a in await _drafts(request) if str(a.round_id) == round_id]
        if mine:
            context = {"drafts": mine, "round_id": round_id, "key": one(form, "key")}
            return page(request, "applicant/existing_draft.html", context)
    source = one(form, "copy_from")
    try:
        return see_other(await starting.start(request, round_id, source, one(form, "key")))
    except (Conflict, Invalid) as error:
        if error.code == codes.ELIGIBILITY_MISSING:
            return see_other(starting.questions(round_id, source))
        return await _choose(request, error.detail, 409)


async def open_project(request: web.Request) -> web.Response:
    """继续申报 or 材料补正 where it may be edited, 查看申请 elsewhere."""
    found = await application(request)
    if not {"edit", "correct", "read"} & set(found.actions):
        return see_other(f"/applications/{found.id}/view")
    waiting = next((s for s in found.sections if s.editable and s.visible and s.status != "saved"), None)
    editable = next((s for s in found.sections if s.editable), found.sections[0])
    return see_other(f"/applications/{found.id}/sections/{(waiting or editable).key}")


@dataclass(frozen=True)
class Question:
    """What a person confirms before it is done."""

    title: str
    text: str
    button: str
    method: str
    path: str
    done: str


QUESTIONS = {
    "withdraw": Question(
        "撤销申请",
        "撤销后，项目回到提交前的状态，您可以修改后重新提交；申报编号不变，申报时间以再次提交为准。",
        "确认撤销",
        "POST",
        "/withdraw",
        "withdrawn",
    ),
    "delete": Question(
        "删除申请", "删除后，此项目不再显示在“我的项目”中，且不能恢复。", "确认删除", "DELETE", "", "deleted"
    ),
}


async def _ask_first(request: web.Request, action: str, error: str | None, status: int = 200) -> web.Response:
    found = await application(request)
    context = {"application": found, "question": QUESTIONS[action], "action": action, "error": error}
    return page(request, "applicant/confirm.html", context, status=status)


async def confirm_withdraw(request: web.Request) -> web.Response:
    """撤销申请: are you sure?"""
    return await _ask_first(request, "withdraw", None)


async def confirm_delete(request: web.Request) -> web.Response:
    """删除申请: are you sure?"""
    return await _ask_first(request, "delete", None)


async def _do(request: web.Request, action: str) -> web.Response:
    form = await read_form(request)
    question = QUESTIONS[action]
    path = f"/applications/{uuid_in_path(request)}{question.path}"
    try:
        await ask(request, question.method, path, etag=one(form, "etag"))
    except (Conflict, Stale) as error:
        return await _ask_first(request, action, error.detail, 409)
    return see_other(f"/projects?done={question.done}")


async def withdraw(request: web.Request) -> web.Response:
    """撤销申请."""
    return await _do(request, "withdraw")


async def delete(request: web.Request) -> web.Response:
    """删除申请."""
    return await _do(request, "delete")
