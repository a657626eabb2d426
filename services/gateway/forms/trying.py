"""Show what a condition or formula of a draft comes to with values that somebody gives."""

from aiohttp import web

from services.gateway.forms import places
from services.gateway.web.calls import ask
from services.gateway.web.form_data import Values, one, read_form
from services.gateway.web.rendering import page
from shared.contract.workbench import FormDraftView, FormTried
from shared.errors import Malformed


async def show(request: web.Request) -> web.Response:
    """The page with a formula, and what it asks for."""
    return await _show(request, {name: [value] for name, value in request.query.items()})


async def try_out(request: web.Request) -> web.Response:
    """试算: the same with values."""
    return await _show(request, await read_form(request))


async def _show(request: web.Request, form: Values) -> web.Response:
    draft = (await ask(request, "GET", places.draft(request), FormDraftView)).body
    formula, home = one(form, "formula").strip(), one(form, "home")
    section, _, table = home.partition(".")
    if not home:
        section, table = one(form, "section"), one(form, "table")
    values = {name.removeprefix("v."): one(form, name) for name in form if name.startswith("v.")}
    tried, fault = None, None
    if formula:
        body = {"formula": formula, "section": section, "table": table, "values": values}
        try:
            tried = (await ask(request, "POST", f"{places.draft(request)}/trial", FormTried, json=body)).body
        except Malformed:
            fault = "公式太长（最多 1000 字），或有不能读取的字符。"
    context = {
        "draft": draft,
        "formula": formula,
        "home": f"{section}.{table}" if table else section,
        "homes": _homes(draft),
        "tried": tried,
        "fault": fault or (tried.fault if tried else None),
    }
    return page(request, "forms/try.html", context, status=422 if fault else 200)


def _homes(draft: FormDraftView) -> list[tuple[str, str]]:
    """Return where a formula can stand: sections, and their tables for columns."""
    found, section = [("", "核对（不属于哪一项材料）")], None
    for entry in draft.outline:
        if entry.sort == "sections":
            section = entry
            found.append((entry.key, entry.label))
        elif entry.sort == "tables" and section is not None:
            found.append((f"{section.key}.{entry.key}", f"{section.label} · {entry.label}的列"))
    return found
