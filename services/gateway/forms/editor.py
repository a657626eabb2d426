"""Show the editor of a form's draft: text, outline, properties, preview, proposal. Each act is a whole page; a script only spares the wait."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from services.gateway.form import trial_page
from services.gateway.forms import places, properties
from services.gateway.web.access import FRAME
from services.gateway.web.calls import ask
from services.gateway.web.form_data import Values, one, read_form
from services.gateway.web.rendering import TEMPLATES, frame, page
from services.gateway.web.waiting import waiting
from shared.contract.workbench import (
    FormDraftView,
    FormFault,
    FormMerged,
    FormPreview,
    FormRead,
    FormVersionText,
    OutlineEntry,
)
from shared.errors import Conflict, DomainError, FieldError, Invalid, Malformed, NotFound, Stale
from shared.http.app import answer, see_other

NOTICES = {
    "saved": "已保存。",
    "joined": "已保存，并与其他人同时保存的修改合并；合并前的文本在“保存记录”里。",
    "proposed": "已提出发布，由另一位表单编制人员核对后发布。",
    "withdrawn": "已撤回，草稿可以继续修改。",
    "restored": "已恢复为所选的文本；恢复前的文本仍在“保存记录”里。",
}
WIDTHS = ("1366", "768", "390")
# Acts that change the text at a place.
EDITS = ("up", "down", "remove", "add")
SEVERITIES = {"error": "错误", "warning": "警告", "note": "提示"}


@dataclass(frozen=True)
class Line:
    """A line of the text with what is wrong on it."""

    number: int
    text: str
    faults: list[FormFault]


async def show(request: web.Request) -> web.Response:
    """The draft as it is saved."""
    return await _show(request, notice=NOTICES.get(request.query.get("done", "")))


async def _show(
    request: web.Request,
    *,
    typed: str | None = None,
    etag: str | None = None,
    error: DomainError | None = None,
    merged: FormMerged | None = None,
    seen: str = "",
    notice: str | None = None,
    status: int = 200,
) -> web.Response:
    """Render the page. `typed`: a text that was not saved, with its own faults; `merged`: what came of joining it with the one that somebody
    else has saved since the draft was `seen`."""
    draft = (await ask(request, "GET", places.draft(request), FormDraftView)).body
    read: FormRead = draft
    if typed is not None and typed != draft.text:
        try:
            read = (
                await ask(request, "POST", f"{places.draft(request)}/look", FormRead, json={"text": typed})
            ).body
        except Malformed as malformed:
            # Too long, or with what no text may hold: nothing to be judged, and kept as it was typed.
            error = error or malformed
    text = draft.text if typed is None else typed
    sections = [e for e in read.outline if e.sort == "sections"]
    asked = request.query.get("section", "")
    section = asked if any(e.key == asked for e in sections) else sections[0].key if sections else ""
    width = request.query.get("width", "")
    context = {
        "draft": draft,
        "read": read,
        "text": text,
        "etag": etag or draft.etag,
        "unsaved": text != draft.text,
        "lines": _lines(text, read.faults),
        "tree": _tree(read.outline),
        "conditions": [e for e in read.outline if e.sort == "conditions"],
        "sections": sections,
        "section": section,
        "width": width if width in WIDTHS else "390",
        "widths": WIDTHS,
        "filled": "filled" in request.query,
        "severities": SEVERITIES,
        "sorts": properties.SORTS,
        "adds": properties.ADDS,
        "merged": merged,
        "seen": seen,
        "fault": _said(error),
        "notice": notice,
    }
    found = page(request, "forms/edit.html", context, status=status)
    found[FRAME] = "holds"
    return found


def _said(error: DomainError | None) -> str | None:
    if isinstance(error, Malformed):
        return (
            error.detail if error.code != "malformed" else "文本太长，或有不能保存的字符；没有保存，请改短后重试。"
        )
    return error.detail if error else None


def _lines(text: str, faults: list[FormFault]) -> list[Line]:
    by_line: dict[int, list[FormFault]] = {}
    for fault in faults:
        by_line.setdefault(fault.line, []).append(fault)
    return [Line(n, line, by_line.get(n, [])) for n, line in enumerate(text.split("\n"), 1)]


def _tree(outline: list[OutlineEntry]) -> list[tuple[OutlineEntry | None, list[OutlineEntry]]]:
    """Return sections with what stands below each, and last the checks, which belong to none."""
    found: list[tuple[OutlineEntry | None, list[OutlineEntry]]] = []
    checks = [entry for entry in outline if entry.sort == "checks"]
    for entry in outline:
        if entry.sort == "sections":
            found.append((entry, []))
        elif entry.sort not in ("conditions", "checks") and found:
            found[-1][1].append(entry)
    return [*found, (None, checks)]


async def act(request: web.Request) -> web.Response:
    """保存, a change by the outline, 提出发布, 撤回, 发布, 放弃, 恢复."""
    form = await read_form(request)
    action, _, rest = one(form, "action", "save").partition(":")
    typed = one(form, "text").replace("\r\n", "\n") if "text" in form else None
    try:
        if action == "merge" and typed is not None:
            return await _join(request, {"seen": one(form, "seen"), "text": typed, "choices": _choices(form)})
        return see_other(await _do(request, action, rest, form, typed))
    except Stale as error:
        return await _stale(request, action, rest, form, typed, error)
    except NotFound:
        if typed is None or action == "publish":
            return see_other("/forms?done=gone")
        raise
    except (Invalid, Malformed, Conflict) as error:
        if action == "put" and not isinstance(error, Conflict):
            return await _part(request, rest, form, error, 422)
        status = 409 if isinstance(error, Conflict) else 422
        return await _show(request, typed=typed, etag=one(form, "etag"), error=error, status=status)


async def _stale(
    request: web.Request, action: str, rest: str, form: Values, typed: str | None, error: Stale
) -> web.Response:
    """Join what was typed with what somebody else has saved meanwhile; only what both changed is asked about."""
    seen = one(form, "seen") or one(form, "etag")
    if action not in ("save", "part", "put", "merge", *EDITS):
        return await _show(request, error=error, status=412)
    body: dict[str, Any] = {"seen": seen, "text": typed, "choices": _choices(form)}
    if action == "put":
        body["edit"] = {"act": "put", "at": places.place(rest), "values": properties.read(form)}
    elif action in EDITS:
        body["edit"] = _edit(action, rest)
    return await _join(request, body)


async def _join(request: web.Request, body: dict[str, Any]) -> web.Response:
    """Save a joined text; with what is still to be decided, show it instead. Somebody may save once more meanwhile: then it is joined again."""
    for _ in range(3):
        try:
            merged = (await ask(request, "POST", f"{places.draft(request)}/merge", FormMerged, json=body)).body
        except Conflict as error:
            return await _show(request, typed=body["text"], error=error, status=412)
        if any(q.place not in body["choices"] for q in merged.questions):
            seen = str(body["seen"])
            return await _show(request, typed=merged.text, etag=merged.etag, merged=merged, seen=seen, status=412)
        try:
            text = {"text": merged.text}
            await ask(request, "PUT", places.draft(request), FormDraftView, json=text, etag=merged.etag)
        except Stale:
            continue
        return see_other(f"{places.editor(request)}?done=joined")
    return await _show(request, typed=body["text"], error=Stale(), status=412)


def _choices(form: Values) -> dict[str, str]:
    """Return what was chosen for places that both changed: `place.N` and `choice.N`."""
    chosen = {}
    for name in form:
        number = name.removeprefix("place.")
        if number != name and one(form, f"choice.{number}") in ("mine", "theirs"):
            chosen[one(form, name)] = one(form, f"choice.{number}")
    return chosen


def _edit(action: str, rest: str) -> dict[str, Any]:
    place, _, sort = rest.partition(":")
    return {"act": action, "at": places.place(place), **({"sort": sort} if sort else {})}


async def _do(request: web.Request, action: str, rest: str, form: Values, typed: str | None) -> str:
    """Do what a button says; where to go on."""
    if action in ("save", "propose", "part", *EDITS):
        return await _write(request, action, rest, form, typed or " ")
    if action == "put":
        return await _set(request, rest, form)
    path, here, etag = places.draft(request), places.editor(request), one(form, "etag")
    if action == "publish":
        made = (await ask(request, "POST", f"{path}/publish", FormVersionText, etag=etag)).body
        return f"/forms/{made.fund_type}/{made.version.version}?done=published"
    if action == "discard":
        await ask(request, "DELETE", path, etag=etag)
        return "/forms?done=discarded"
    if action == "withdraw":
        await ask(request, "DELETE", f"{path}/proposal", FormDraftView, etag=etag)
    elif action == "restore" and rest.isdecimal():
        await ask(request, "POST", f"{path}/saves/{rest}", FormDraftView, etag=etag)
    else:
        raise Malformed
    return f"{here}?done={'withdrawn' if action == 'withdraw' else 'restored'}"


async def _write(request: web.Request, action: str, rest: str, form: Values, text: str) -> str:
    """Keep the text, with a change made in it where the outline was used, and propose it where that was asked for."""
    path, here = places.draft(request), places.editor(request)
    body: dict[str, Any] = {"text": text}
    if action in EDITS:
        body["edit"] = _edit(action, rest)
    saved = (await ask(request, "PUT", path, FormDraftView, json=body, etag=one(form, "etag"))).body
    if action == "part":
        return f"{here}/part?at={rest}"
    if action == "propose":
        note = {"note": one(form, "note").strip()}
        await ask(request, "POST", f"{path}/proposal", FormDraftView, json=note, etag=saved.etag)
        return f"{here}?done=proposed"
    return f"{here}?done=saved{_anchor(saved, action, rest)}"


async def _set(request: web.Request, place: str, form: Values) -> str:
    """Set the properties of a part, as its own page has them."""
    path, etag = places.draft(request), one(form, "etag")
    draft = (await ask(request, "GET", path, FormDraftView)).body
    if draft.etag != etag:
        raise Stale
    entry = places.entry(draft, place)
    edit = {"act": "put", "at": entry.at, "values": properties.read(form)}
    await ask(request, "PUT", path, FormDraftView, json={"text": draft.text, "edit": edit}, etag=etag)
    return f"{places.editor(request)}?done=saved#e-{place}"


def _anchor(draft: FormDraftView, action: str, rest: str) -> str:
    """Return where the page goes on: at what was moved or added."""
    place, _, sort = rest.partition(":")
    at = places.place(place)
    if action in ("up", "down") and at and isinstance(at[-1], int):
        at = [*at[:-1], at[-1] + (1 if action == "down" else -1)]
    if action == "add":
        entries = [e for e in draft.outline if e.at[:-1] == [*at, sort]]
        at = entries[-1].at if entries else []
    return f"#e-{places.address(at)}" if at and action != "save" else ""


async def show_part(request: web.Request) -> web.Response:
    """The properties of one part, with help."""
    return await _part(request, request.query.get("at", ""), {}, None, 200)


async def _part(
    request: web.Request, place: str, typed: Values, error: DomainError | None, status: int
) -> web.Response:
    draft = (await ask(request, "GET", places.draft(request), FormDraftView)).body
    entry = places.entry(draft, place)
    errors: list[FieldError] = error.errors if isinstance(error, Invalid) else []
    context = {
        "draft": draft,
        "entry": entry,
        "sort": properties.SORTS[entry.sort],
        "kinds": properties.KINDS,
        "before": {known.name: value for known, value in properties.shown(entry)},
        "properties": [
            (known, "\n".join(typed.get(f"v.{known.name}", [value]))) for known, value in properties.shown(entry)
        ],
        "by_hand": [properties.PROPERTIES[name].label for name in entry.by_hand],
        "adds": [(sort, properties.SORTS[sort]) for sort in properties.ADDS.get(entry.sort, ())],
        "many_lines": properties.MANY_LINES,
        "home": places.home(draft, place),
        "faults": [f for f in draft.faults if f.line == entry.line],
        "fault": errors[0].message if errors else error.detail if error else None,
    }
    return page(request, "forms/part.html", context, status=status)


async def look(request: web.Request) -> web.Response:
    """What the page says of the text while somebody types it, and its preview; nothing is kept."""
    form = await read_form(request)
    text = one(form, "text").replace("\r\n", "\n")
    try:
        read = (await ask(request, "POST", f"{places.draft(request)}/look", FormRead, json={"text": text})).body
    except Malformed as error:
        read = FormRead(
            faults=[FormFault(line=1, severity="error", message=_said(error) or "")],
            outline=[],
            changes=[],
            examples=[],
            checks={},
            publishable=False,
        )
    faults = TEMPLATES.get_template("forms/faults.html").render(faults=read.faults, severities=SEVERITIES)
    preview = None
    if read.publishable and one(form, "section"):
        preview = await _page_of(request, "POST", {"text": text}, one(form, "section"), filled="filled" in form)
    return answer({"faults": faults, "preview": preview})


async def preview(request: web.Request) -> web.Response:
    """A section of the draft as an applicant meets it, for a frame of the editor."""
    try:
        text = await _page_of(
            request, "GET", None, request.query.get("section", ""), filled="filled" in request.query
        )
    except Conflict as error:
        text = TEMPLATES.get_template("forms/no_preview.html").render(**frame(), said=error.detail)
    found = web.Response(text=text, content_type="text/html")
    found[FRAME] = "held"
    return found


async def _page_of(
    request: web.Request, method: str, body: dict[str, str] | None, section: str, *, filled: bool
) -> str:
    query = {"section": section, **({"filled": "1"} if filled else {})}
    found = (
        await ask(request, method, f"{places.draft(request)}/preview", FormPreview, query=query, json=body)
    ).body
    said = "预览：样子与申报单位看到的相同，链接和按钮在这里不起作用。"
    return trial_page.of({**frame(), "here": request.path}, found.definition, found.page, notice=said, inert=True)


async def pdf(request: web.Request) -> web.Response:
    """The empty form as PDF, or its place in line."""
    return await waiting(request, f"{places.draft(request)}/pdf", "生成空白表", places.editor(request))
