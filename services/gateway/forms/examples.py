"""Show the examples of a draft: applications that must pass, or must be refused; each is judged whenever it is looked at."""

from typing import Any

from aiohttp import web

from services.gateway.forms import places
from services.gateway.web.calls import ask
from services.gateway.web.form_data import Values, one, read_form
from services.gateway.web.rendering import page
from shared.contract.workbench import FormDraftView
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotAllowed, NotFound, Stale
from shared.http.app import see_other

NOTICES = {"saved": "已保存样例。", "removed": "已删除样例。"}
STATUS: dict[type[DomainError], int] = {
    Stale: 412,
    Conflict: 409,
    NotAllowed: 403,
    NotFound: 404,
    Invalid: 422,
    Malformed: 422,
}


async def show(request: web.Request) -> web.Response:
    """Every example, with what the form says to it, and how to make one more."""
    return await _show(request, {}, None)


async def _show(request: web.Request, typed: Values, error: DomainError | None) -> web.Response:
    draft = (await ask(request, "GET", places.draft(request), FormDraftView)).body
    context = {
        "draft": draft,
        "typed": {**_given(typed), "number": one(typed, "number")},
        "fault": _said(error),
        "notice": NOTICES.get(request.query.get("done", "")),
    }
    return page(request, "forms/examples.html", context, status=STATUS[type(error)] if error else 200)


async def add(request: web.Request) -> web.Response:
    """添加样例: filled in by example, or as an application was handed in."""
    form = await read_form(request)
    body = {**_given(form), "number": one(form, "number").strip()}
    try:
        made = await ask(
            request, "POST", f"{places.draft(request)}/examples", FormDraftView, json=body, etag=one(form, "etag")
        )
    except tuple(STATUS) as error:
        return await _show(request, form, error)
    return see_other(f"{places.editor(request)}/examples/{len(made.body.examples) - 1}?done=saved")


async def show_one(request: web.Request) -> web.Response:
    """One example with its values."""
    return await _one(request, {}, None)


async def _one(request: web.Request, typed: Values, error: DomainError | None) -> web.Response:
    draft = (await ask(request, "GET", places.draft(request), FormDraftView)).body
    number = _number(request)
    if number >= len(draft.examples):
        raise NotFound("这个样例已被删除。")
    example = draft.examples[number]
    shown = {**_given(typed), "text": one(typed, "text")} if typed else example.model_dump()
    context = {
        "draft": draft,
        "number": number,
        "example": example,
        "typed": shown,
        "fault": _said(error),
        "notice": NOTICES.get(request.query.get("done", "")),
    }
    return page(request, "forms/example.html", context, status=STATUS[type(error)] if error else 200)


async def change(request: web.Request) -> web.Response:
    """保存样例, or 删除样例."""
    form = await read_form(request)
    path, etag = f"{places.draft(request)}/examples/{_number(request)}", one(form, "etag")
    here = f"{places.editor(request)}/examples"
    try:
        if one(form, "action") == "remove":
            await ask(request, "DELETE", path, FormDraftView, etag=etag)
            return see_other(f"{here}?done=removed")
        body = {**_given(form), "text": one(form, "text")}
        await ask(request, "PUT", path, FormDraftView, json=body, etag=etag)
    except NotFound:
        raise
    except tuple(STATUS) as error:
        return await _one(request, form, error)
    return see_other(f"{here}/{_number(request)}?done=saved")


def _given(form: Values) -> dict[str, Any]:
    refused = one(form, "must") == "refused"
    return {"name": one(form, "name"), "refused": refused, "by": one(form, "by").strip() if refused else ""}


def _number(request: web.Request) -> int:
    text = request.match_info["n"]
    if not text.isascii() or not text.isdecimal() or len(text) > 3:
        raise NotFound
    return int(text)


def _said(error: DomainError | None) -> str | None:
    if isinstance(error, Invalid) and error.errors:
        return error.errors[0].message
    if isinstance(error, Malformed):
        return "名称最多 100 字，内容不能为空，也不能太长；没有保存，请改后重试。"
    return error.detail if error else None
