"""查看申请, 退回意见 and 生成PDF."""

from aiohttp import web

from services.gateway.forms import one, read_form
from services.gateway.pages import form_view
from services.gateway.pages.asking import Json, application, ask, definition, see_other
from services.gateway.pages.rendering import page
from shared.errors import Conflict, Invalid, Malformed, NotFound
from shared.web import uuid_in_path


def materials(form: Json, contents: Json, attachments: Json) -> list[Json]:
    """Sections as labelled values, tables and files."""
    shown = []
    for section in form["sections"]:
        values = contents.get(section["key"]) or {}
        shown.append(
            {
                "key": section["key"],
                "label": section["label"],
                "values": [(f["label"], form_view.shown(f, values.get(f["key"]))) for f in section["fields"]],
                "tables": [_table(t, values.get(t["key"]) or []) for t in section["tables"]],
                "slots": [
                    (s["label"], [attachments[id] for id in values.get(s["key"]) or [] if id in attachments])
                    for s in section["slots"]
                ],
            }
        )
    return shown


def _table(table: Json, rows: list[Json]) -> Json:
    fixed = {r["key"]: r["label"] for r in table["fixed_rows"]}
    head = [table["row_label"]] if fixed else []
    lines = [
        ([fixed.get(row.get("row"), "")] if fixed else [])
        + [form_view.shown({**c, "unit": None}, row.get(c["key"])) for c in table["columns"]]
        for row in rows
    ]
    sums = form_view.totals(table, rows)
    return {
        "label": table["label"],
        "head": head + [f"{c['label']}（{c['unit']}）" if c.get("unit") else c["label"] for c in table["columns"]],
        "rows": lines,
        "totals": [table["total_label"], *[s or "" for s in (sums if fixed else sums[1:])]] if sums else [],
    }


async def latest(request: web.Request, found: Json) -> list[Json]:
    """The newest revision of an application, as materials; empty before the first submission."""
    if not found["revision"]:
        return []
    snapshot = (await ask(request, "GET", f"/applications/{found['id']}/revisions/{found['revision']}")).body
    content = snapshot["content"]
    files = {id: {**file, "id": id} for id, file in content["attachments"].items()}
    return materials(await definition(request, found), content["sections"], files)


async def view(request: web.Request) -> web.Response:
    """查看申请: what was submitted last, and what happened."""
    found = await application(request)
    timeline = (await ask(request, "GET", f"/applications/{found['id']}/timeline")).body
    letters = (await ask(request, "GET", f"/applications/{found['id']}/letters")).body
    context = {
        "application": found,
        "materials": await latest(request, found),
        "timeline": timeline,
        "letters": letters,
    }
    return page(request, "view.html", context)


async def _opinions(
    request: web.Request, *, typed: dict[str, str] | None = None, fault: str | None = None, status: int = 200
) -> web.Response:
    found = await application(request)
    listed = (await ask(request, "GET", f"/applications/{found['id']}/opinions")).body
    letters = (await ask(request, "GET", f"/applications/{found['id']}/letters")).body
    context = {
        "application": found,
        "letters": letters,
        "opinions": listed,
        "typed": typed or {},
        "fault": fault,
        "done": request.query.get("done"),
    }
    return page(request, "opinions.html", context, status=status)


async def opinions(request: web.Request) -> web.Response:
    """退回意见, each with its answer."""
    return await _opinions(request)


async def answer_opinions(request: web.Request) -> web.Response:
    """Answers to opinions, all of the page's at once."""
    form = await read_form(request)
    id = uuid_in_path(request)
    listed = (await ask(request, "GET", f"/applications/{id}/opinions")).body
    typed = {o["id"]: one(form, f"reply.{o['id']}").strip() for o in listed}
    try:
        for opinion in listed:
            reply = typed[opinion["id"]]
            if reply and reply != (opinion["reply"] or ""):
                path = f"/applications/{id}/opinions/{opinion['id']}"
                await ask(request, "PUT", path, json={"reply": reply})
    except (Conflict, Invalid, Malformed) as error:
        return await _opinions(request, typed=typed, fault=error.detail, status=409)
    return see_other(f"/applications/{id}/opinions?done=answered")


def _revision(request: web.Request) -> int:
    text = request.match_info["n"]
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) <= 6:
        raise NotFound
    return int(text)


async def make_pdf(request: web.Request) -> web.Response:
    """生成PDF: ask for it, before those made ahead."""
    await read_form(request)
    n = _revision(request)
    found = await ask(request, "POST", f"/applications/{uuid_in_path(request)}/revisions/{n}/pdf")
    return see_other(_pdf(request, n) if found.body["status"] == "ready" else f"{request.path}")


async def letter(request: web.Request) -> web.Response:
    """公文: the PDF, or a page that looks again by itself while it is made."""
    found = await application(request)
    path = f"/applications/{found['id']}/letters/{uuid_in_path(request, 'letter')}"
    status = await ask(request, "GET", path)
    if status.status == 200:
        return see_other(f"/api/v1{path}")
    answer = page(request, "pdf_wait.html", {"application": found, "n": found["revision"], "status": status.body})
    if status.body["status"] != "failed":
        answer.headers["Refresh"] = "2"
    return answer


def _pdf(request: web.Request, n: int) -> str:
    return f"/api/v1/applications/{uuid_in_path(request)}/revisions/{n}/pdf"


async def wait_for_pdf(request: web.Request) -> web.Response:
    """The PDF, or its place in line; the page looks again by itself."""
    found = await application(request)
    n = _revision(request)
    status = await ask(request, "POST", f"/applications/{found['id']}/revisions/{n}/pdf")
    if status.status == 200:
        return see_other(_pdf(request, n))
    answer = page(request, "pdf_wait.html", {"application": found, "n": n, "status": status.body})
    if status.body["status"] != "failed":
        answer.headers["Refresh"] = "2"
    return answer
