"""Show the types and versions of forms: begin a draft, read a version, compare two, retire one."""

from collections import defaultdict

from aiohttp import web

from services.gateway.web.calls import ask
from services.gateway.web.form_data import Values, one, read_form
from services.gateway.web.rendering import page
from shared.contract.workbench import FormDraftView, FormTypeView, FormVersionText
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotFound
from shared.http.app import see_other

NOTICES = {
    "published": "已发布。各处几秒内即可使用，新建批次时可以选择这一版。",
    "discarded": "已放弃草稿。",
    "retired": "已停用，新建批次时不再列出；已在使用的批次和申请不受影响。",
    "resumed": "已恢复使用。",
    "gone": "草稿已不在，可能已由他人发布或放弃。",
}


async def overview(request: web.Request) -> web.Response:
    """Every type with its versions, which rounds use them, and drafts."""
    return await _overview(request)


async def _overview(
    request: web.Request, typed: Values | None = None, error: DomainError | None = None, status: int = 200
) -> web.Response:
    found = (await ask(request, "GET", "/form-versions", list[FormTypeView])).body
    wrong = _wrong(error)
    if isinstance(error, Malformed):
        wrong["fund_type"] = "代号以英文字母开头，只用字母、数字和下划线，最多 40 个"
    context = {
        "types": found,
        "typed": {name: one(typed or {}, name) for name in ("fund_type", "label")},
        "wrong": wrong,
        "fault": ("请按提示修改。" if wrong else error.detail) if error else None,
        "notice": NOTICES.get(request.query.get("done", "")),
    }
    return page(request, "forms/forms.html", context, status=status)


def _wrong(error: DomainError | None) -> dict[str | None, str]:
    """Return what is wrong by field; nothing where nothing is."""
    errors = error.errors if isinstance(error, Invalid) else []
    return defaultdict(str, {e.field: e.message for e in errors})


async def begin(request: web.Request) -> web.Response:
    """新建草稿: the next version of a type, out of one of its versions, or a new type."""
    form = await read_form(request)
    based_on = one(form, "based_on")
    body = {
        "fund_type": one(form, "fund_type").strip(),
        "based_on": int(based_on) if based_on.isdecimal() and len(based_on) < 7 else None,
        "label": one(form, "label").strip(),
    }
    try:
        made = (await ask(request, "POST", "/form-drafts", FormDraftView, json=body)).body
    except (Invalid, Malformed) as error:
        return await _overview(request, form, error, 422)
    except Conflict as error:
        return await _overview(request, form, error, 409)
    return see_other(f"/forms/{made.fund_type}/edit")


async def show_version(request: web.Request) -> web.Response:
    """A published version: its text, what it changes, which rounds use it."""
    return await _version(request)


async def _version(request: web.Request, error: DomainError | None = None, status: int = 200) -> web.Response:
    against = request.query.get("against")
    query = {"against": against} if against else None
    found = (await ask(request, "GET", _path(request), FormVersionText, query=query)).body
    context = {
        "found": found,
        "version": found.version,
        "lines": found.text.splitlines(),
        "wrong": _wrong(error),
        "fault": error.detail if error else None,
        "notice": NOTICES.get(request.query.get("done", "")),
    }
    return page(request, "forms/version.html", context, status=status)


def _path(request: web.Request) -> str:
    fund_type, version = request.match_info["fund_type"], request.match_info["version"]
    if not fund_type.isidentifier() or not version.isdecimal() or len(version) > 6:
        raise NotFound
    return f"/form-versions/{fund_type}/{version}"


async def act(request: web.Request) -> web.Response:
    """停用 or 恢复使用."""
    form, path = await read_form(request), _path(request)
    try:
        if one(form, "action") == "resume":
            await ask(request, "DELETE", f"{path}/retirement", FormVersionText)
            return see_other(f"{request.path}?done=resumed")
        await ask(request, "POST", f"{path}/retirement", FormVersionText, json={"note": one(form, "note").strip()})
    except (Invalid, Malformed) as error:
        return await _version(request, error, 422)
    except Conflict as error:
        return await _version(request, error, 409)
    return see_other(f"{request.path}?done=retired")
