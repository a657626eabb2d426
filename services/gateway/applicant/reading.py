"""查看申请 and 退回意见: what was submitted, what happened, what has to be corrected."""

import asyncio

from aiohttp import web

from services.gateway.form import form_view
from services.gateway.web.calls import Json, application, ask, definition
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared.errors import Conflict, Invalid, Malformed, NotFound
from shared.http.app import see_other, uuid_in_path

MASKED = {"masked": "1"}


def materials(form: Json, contents: Json, attachments: Json) -> list[Json]:
    """Sections as labelled values, tables and files."""
    return [
        {
            **material(section, contents[section["key"]], attachments),
            "number": number,
            "key": section["key"],
            "label": section["label"],
        }
        for number, section in enumerate((s for s in form["sections"] if s["key"] in contents), 1)
    ]


def material(section: Json, values: Json, attachments: Json) -> Json:
    """One section to be read. What has no place in the values was hidden by a condition."""
    return {
        "values": [
            (f["label"], form_view.shown(f, values[f["key"]])) for f in section["fields"] if f["key"] in values
        ],
        "tables": [_table(t, values[t["key"]] or []) for t in section["tables"] if t["key"] in values],
        "slots": [
            (s["label"], [attachments[id] for id in values[s["key"]] or [] if id in attachments])
            for s in section["slots"]
            if s["key"] in values
        ],
    }


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
        "dates": [n for n, c in enumerate(table["columns"], len(head)) if c["kind"] == "date"],
        "rows": lines,
        "totals": [table["total_label"], *[s or "" for s in (sums if fixed else sums[1:])]] if sums else [],
    }


async def latest(
    request: web.Request, found: Json, number: int | None = None, *, whole: bool = False
) -> list[Json]:
    """A revision of an application, the newest unless one is named, as materials; empty before the first.
    `whole`: nothing masked, which is recorded."""
    if not found["revision"]:
        return []
    path = f"/applications/{found['id']}/revisions/{number or found['revision']}"
    asked = ask(request, "POST", f"{path}/reveal", json={}) if whole else ask(request, "GET", path, query=MASKED)
    content = (await asked).body["content"]
    files = {id: {**file, "id": id} for id, file in content["attachments"].items()}
    return materials(await definition(request, found), content["sections"], files)


def changed(form: Json, changes: list[Json]) -> list[Json]:
    """Changes as lines: where, what it was, what it is, and whether an opinion had asked for it."""
    lines = []
    sections = {s["key"]: s for s in form["sections"]}
    for change in changes:
        section = sections[change["section"]]
        part = _part(section, change)
        lines.append(
            {
                "section": section["label"],
                "key": section["key"],
                "place": form_view.place_label(section, change),
                "anchor": form_view.anchor(section, change),
                "before": _said(part, change["before"]),
                "after": _said(part, change["after"]),
                "asked": change["asked"],
            }
        )
    return lines


def _part(section: Json, change: Json) -> Json | None:
    """The definition of the changed value; None for attachments."""
    for table in section["tables"]:
        if table["key"] == change["field"]:
            found: Json | None = next((c for c in table["columns"] if c["key"] == change["column"]), None)
            return found
    return next((f for f in section["fields"] if f["key"] == change["field"]), None)


def _said(part: Json | None, value: object) -> str:
    if part is None:
        return f"{len(value)} 个文件" if isinstance(value, list) else "—"
    return form_view.shown(part, value)


async def view(request: web.Request) -> web.Response:
    """查看申请: any submitted revision, and what happened."""
    return await _view(request, whole=False)


async def reveal(request: web.Request) -> web.Response:
    """显示完整信息: the same page with nothing masked."""
    await read_form(request)
    return await _view(request, whole=True)


async def _view(request: web.Request, *, whole: bool) -> web.Response:
    found = await application(request)
    id = found["id"]
    timeline, revisions, letters = await asyncio.gather(
        ask(request, "GET", f"/applications/{id}/timeline"),
        ask(request, "GET", f"/applications/{id}/revisions"),
        ask(request, "GET", f"/applications/{id}/letters"),
    )
    wanted = request.query.get("revision")
    number = revision_number(wanted) if wanted else found["revision"]
    changes: list[Json] = []
    if number > 1:
        path = f"/applications/{id}/revisions/{number}/changes"
        listed = (await ask(request, "GET", path, query={} if whole else MASKED)).body
        changes = changed(await definition(request, found), listed)
    context = {
        "application": found,
        "materials": await latest(request, found, number, whole=whole),
        "timeline": timeline.body,
        "letters": letters.body,
        "revisions": list(reversed(revisions.body)),
        "number": number,
        "changes": changes,
        "whole": whole,
    }
    return page(request, "view.html", context)


def revision_number(text: str) -> int:
    """A revision's number out of an address."""
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) <= 6 or not int(text):
        raise NotFound
    return int(text)


async def _opinions(
    request: web.Request, *, typed: dict[str, str] | None = None, fault: str | None = None, status: int = 200
) -> web.Response:
    found = await application(request)
    listed = (await ask(request, "GET", f"/applications/{found['id']}/opinions")).body
    letters = (await ask(request, "GET", f"/applications/{found['id']}/letters")).body
    sections = {s["key"]: s for s in (await definition(request, found))["sections"]}
    anchors = {o["id"]: form_view.anchor(sections[o["section"]], o) for o in listed if o["section"] in sections}
    context = {
        "application": found,
        "letters": letters,
        "opinions": listed,
        "anchors": anchors,
        "editable": {s["key"] for s in found["sections"] if s["editable"]},
        "open": sum(1 for o in listed if o["status"] == "open"),
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
