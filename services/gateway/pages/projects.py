"""我的项目, 新增项目, and what is done to a project as a whole."""

from dataclasses import dataclass

from aiohttp import web

from services.gateway.forms import one, read_form
from services.gateway.pages.asking import Json, application, ask, filters, new_key, see_other
from services.gateway.pages.rendering import page
from shared.errors import Conflict, DomainError, Invalid, Stale
from shared.web import uuid_in_path


async def my_projects(request: web.Request) -> web.Response:
    """我的项目: the list of the manual's figures 5 and 11."""
    shown, query = filters(request, "state", "q", "cursor")
    found = (await ask(request, "GET", "/applications", query=query)).body
    context = {"found": found, "query": shown, "filtered": bool(query), "done": request.query.get("done")}
    return page(request, "projects.html", context)


async def choose_type(request: web.Request) -> web.Response:
    """新增项目: choose the fund type (figure 6)."""
    rounds = (await ask(request, "GET", "/rounds")).body
    return page(request, "choose_type.html", {"rounds": rounds, "key": new_key(), "error": None})


async def create(request: web.Request) -> web.Response:
    """Start the application and open its first material."""
    form = await read_form(request)
    try:
        made = await ask(
            request, "POST", "/applications", json={"round_id": one(form, "round_id")}, key=one(form, "key")
        )
    except (Conflict, Invalid) as error:
        rounds = (await ask(request, "GET", "/rounds")).body
        context = {"rounds": rounds, "key": new_key(), "error": error.detail}
        return page(request, "choose_type.html", context, status=409)
    return see_other(_first_section(made.body))


def _first_section(application: Json) -> str:
    return f"/applications/{application['id']}/sections/{application['sections'][0]['key']}"


async def open_project(request: web.Request) -> web.Response:
    """继续申报 or 材料补正 where it may be edited, 查看申请 elsewhere."""
    found = await application(request)
    if "edit" not in found["actions"] and "correct" not in found["actions"]:
        return see_other(f"/applications/{found['id']}/view")
    waiting = next(
        (s for s in found["sections"] if s["editable"] and s["visible"] and s["status"] != "saved"), None
    )
    editable = next((s for s in found["sections"] if s["editable"]), found["sections"][0])
    return see_other(f"/applications/{found['id']}/sections/{(waiting or editable)['key']}")


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
        "撤销后，项目回到提交前的状态，您可以修改后重新提交。",
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
    return page(request, "confirm.html", context, status=status)


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


async def _submit_page(request: web.Request, error: DomainError | None, status: int = 200) -> web.Response:
    found = await application(request)
    checks = (await ask(request, "GET", f"/applications/{found['id']}/checks")).body
    context = {
        "application": found,
        "checks": checks,
        "labels": {s["key"]: s["label"] for s in found["sections"]},
        "key": new_key(),
        "error": error,
        "errors": error.extra.get("errors", []) if error else [],
    }
    return page(request, "submit.html", context, status=status)


async def confirm_submit(request: web.Request) -> web.Response:
    """提交申请: everything that counts, and what is still missing, before the button."""
    return await _submit_page(request, None)


async def submit(request: web.Request) -> web.Response:
    """提交申请; the receipt is shown when it has been accepted."""
    form = await read_form(request)
    id = uuid_in_path(request)
    try:
        made = await ask(
            request,
            "POST",
            f"/applications/{id}/submit",
            json={"discard_drafts": form.get("discard", [])},
            etag=one(form, "etag"),
            key=one(form, "key"),
        )
    except (Conflict, Invalid, Stale) as error:
        return await _submit_page(request, error, 422 if isinstance(error, Invalid) else 409)
    return see_other(f"/applications/{id}/receipt/{made.body['receipt']['revision']}")


async def receipt(request: web.Request) -> web.Response:
    """The receipt of one submission."""
    found = await application(request)
    revisions = (await ask(request, "GET", f"/applications/{found['id']}/revisions")).body
    number = request.match_info["n"]
    revision = next((r for r in revisions if str(r["number"]) == number), None)
    if revision is None:
        return see_other(f"/applications/{found['id']}/view")
    return page(request, "receipt.html", {"application": found, "revision": revision})
