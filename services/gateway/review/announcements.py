"""Show 公示与批复: what waits for a list, drafts, and what was published; draft, change and publish them."""

import re
from collections import defaultdict
from uuid import UUID

from aiohttp import web

from services.gateway.web.calls import ask, filters
from services.gateway.web.form_data import Values, one, read_form
from services.gateway.web.rendering import page
from services.gateway.web.waiting import waiting
from shared import codes
from shared.contract.announcements import AnnouncementList, AnnouncementView
from shared.errors import Conflict, DomainError, FieldError, Invalid, Malformed, NotFound, Stale
from shared.http.app import see_other, uuid_in_path

REFUSALS = (Conflict, Invalid, Malformed, Stale)
# What the contract refuses, in words for the person.
LINES = {
    "title": "请填写标题，100 字以内。",
    "text": "请填写正文，5000 字以内。",
    "working_days": "公示期应为 1 至 60 个工作日。",
    "cases": "名单中有不能识别的项目，请刷新后重试。",
}


async def _overview(request: web.Request, error: DomainError | None = None, status: int = 200) -> web.Response:
    shown, query = filters(request, "year")
    if not re.fullmatch(r"\d{4}", shown["year"]):
        shown["year"], query = "", {}
    found = (await ask(request, "GET", "/review/announcements", AnnouncementList, query=query)).body
    context = {"found": found, "asked": shown, "error": error, "done": request.query.get("done")}
    return page(request, "review/announcements.html", context, status=status)


async def overview(request: web.Request) -> web.Response:
    """What waits for a list, by round; drafts; what was published, by year."""
    return await _overview(request)


async def draft(request: web.Request) -> web.Response:
    """拟定公示 or 批复 of a round; where there is a draft, that."""
    form = await read_form(request)
    body = {"round": one(form, "round"), "kind": one(form, "kind")}
    try:
        made = await ask(request, "POST", "/review/announcements", AnnouncementView, json=body)
    except Malformed:
        return await _overview(request, Malformed("请选择申报批次。"), 400)
    except (Conflict, NotFound) as error:
        return await _overview(request, error, 409)
    return see_other(f"/review/announcements/{made.body.id}")


async def show(request: web.Request) -> web.Response:
    """One list with its whole."""
    return await _show(request)


async def _show(
    request: web.Request, error: DomainError | None = None, typed: Values | None = None, status: int = 200
) -> web.Response:
    path = f"/review/announcements/{uuid_in_path(request)}"
    found = (await ask(request, "GET", path, AnnouncementView)).body
    wrong: dict[str, str] = defaultdict(str)
    for mistake in error.errors if isinstance(error, Invalid) else []:
        wrong.setdefault(mistake.field or "", mistake.message)
    values = {"title": found.title, "text": found.text, "working_days": str(found.working_days or "")}
    listed = {str(case.id) for case in found.items}
    if typed is not None and "title" in typed:
        # What was typed stands there again, beside the list as it is now.
        values = {name: one(typed, name) for name in values}
        listed = set(typed.get("case", []))
    context = {
        "found": found,
        "paragraphs": [line for line in found.text.splitlines() if line.strip()],
        "values": values,
        "listed": listed,
        "error": error,
        "wrong": wrong,
        "done": request.query.get("done"),
    }
    return page(request, "review/announcement.html", context, status=status)


async def act(request: web.Request) -> web.Response:
    """保存草稿, 发布 or 删除草稿, as the button says. What was typed comes back when it is refused."""
    form = await read_form(request)
    id, action, etag = uuid_in_path(request), one(form, "action"), one(form, "etag")
    path = f"/review/announcements/{id}"
    if action not in {"save", "publish", "discard"}:
        raise NotFound
    try:
        if action == "publish":
            await ask(request, "POST", f"{path}/publish", AnnouncementView, json={}, etag=etag)
        elif action == "discard":
            await ask(request, "DELETE", path, etag=etag)
            return see_other("/review/announcements?done=discarded")
        else:
            await ask(request, "PUT", path, AnnouncementView, json=_body(form), etag=etag)
    except REFUSALS as error:
        if error.code == codes.ALREADY_PUBLISHED and action == "publish":
            # The second of two presses, or somebody else's: the page says who published it.
            return see_other(f"{path}?done=before")
        if isinstance(error, Malformed):
            return await _show(request, _malformed(error), form, 422)
        return await _show(request, error, form, 422 if isinstance(error, Invalid) else 409)
    return see_other(f"{path}?done={action}")


def _malformed(error: Malformed) -> DomainError:
    fields = [str(e.get("field", "")).partition(".")[0] for e in error.extra.get("errors", [])]
    known = [FieldError(field=f, code=codes.MALFORMED, message=LINES[f]) for f in fields if f in LINES]
    return Invalid(known) if known else error


def _body(form: Values) -> dict[str, object]:
    """Return what the draft shall be. A number of days that is none is refused at its place."""
    days = one(form, "working_days").strip()
    if days and not re.fullmatch(r"[0-9]{1,3}", days):
        raise Invalid([FieldError(field="working_days", code=codes.MALFORMED, message=LINES["working_days"])])
    cases = form.get("case", [])
    for id in cases:
        try:
            UUID(id)
        except ValueError:
            raise Invalid([FieldError(field="cases", code=codes.MALFORMED, message=LINES["cases"])]) from None
    return {
        "title": one(form, "title").strip(),
        "text": one(form, "text").strip(),
        "working_days": int(days) if days else None,
        "cases": cases,
    }


async def pdf(request: web.Request) -> web.Response:
    """The paper of a published list, or its place in line."""
    path = f"/review/announcements/{uuid_in_path(request)}"
    return await waiting(request, f"{path}/pdf", "生成公文", path)
