"""Return a case for correction (退回补正): opinions, unlocked materials, deadline, mail; 撤回退回 and 延长补正期限."""

from dataclasses import replace
from uuid import UUID

from aiohttp import web

from services.gateway.review import case_page, opinion_places
from services.gateway.review.written import (
    MAX_ROWS,
    ROWS,
    Draft,
    Row,
    Until,
    Written,
    choices_of_days,
    deadline,
    faults_of,
    read_written,
    until,
)
from services.gateway.web.calls import ask
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared import clock
from shared.contract.bureau import ReturnPage
from shared.contract.review import ReturnPreview
from shared.contract.sections import ApplicationView
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotFound, Stale
from shared.http.app import see_other, uuid_in_path


async def _page(
    request: web.Request,
    typed: Written | None = None,
    *,
    error: DomainError | None = None,
    preview: ReturnPreview | None = None,
    kept: bool = False,
    status: int = 200,
) -> web.Response:
    """The page of a return; or the case's, where it is written beside the case."""
    if typed is not None and typed.beside:
        return await case_page.desk(request, error, status, draft=Draft(typed, preview, kept=kept), at="draft")
    path = f"/review/applications/{uuid_in_path(request)}/return"
    found = (await ask(request, "GET", path, ReturnPage)).body
    proposed = Until(working_days=str(found.working_days or ""))
    context = {
        "case": found,
        "application": found.application,
        "typed": typed or Written([] if found.noted else [Row()] * ROWS, proposed),
        "working_days": choices_of_days(found.working_days),
        "error": error,
        "faults": faults_of(error),
        "preview": preview,
        "kept": kept,
        "today": clock.today().isoformat(),
    }
    return page(request, "review/return.html", context, status=status)


async def write(request: web.Request) -> web.Response:
    """Where a return is written."""
    return await _page(request)


async def send_back(request: web.Request) -> web.Response:
    """退回补正, a look at what it would do, or one more row; what was written is in every answer."""
    form = await read_form(request)
    id, typed, action = uuid_in_path(request), read_written(form), one(form, "action")
    if action == "add":
        return await _page(request, replace(typed, rows=[*typed.rows, Row()][:MAX_ROWS]))
    if action.startswith("forget:"):
        return await _forget(request, typed, action.removeprefix("forget:"))
    # Rows without words are left out; the numbers of the others stay with them for what is wrong.
    written = [(n, row) for n, row in enumerate(typed.rows) if row.words]
    opinions = [opinion_places.place(row.place).opinion(row.words) for _, row in written]
    path = f"/review/applications/{id}/return"
    try:
        await _change(request, typed)
        if action == "keep":
            return await _page(request, typed, kept=True)
        body = {**deadline(typed.until), "opinions": opinions, "unlock": typed.unlock}
        if action == "preview":
            seen = (await ask(request, "POST", f"{path}/preview", ReturnPreview, json=body)).body
            return await _page(request, typed, preview=seen)
        await ask(request, "POST", path, json=body, etag=one(form, "etag"))
    except (Conflict, Stale, Invalid, Malformed) as error:
        if isinstance(error, Invalid):
            _renumber(error, [n for n, _ in written])
        return await _page(request, typed, error=error, status=409)
    return see_other(f"/review/{id}?done=return")


async def _change(request: web.Request, typed: Written) -> None:
    """Keep the words of noted opinions as they are written now, those that differ."""
    if not typed.noted:
        return
    path = f"/review/applications/{uuid_in_path(request)}"
    found = (await ask(request, "GET", f"{path}/return", ReturnPage)).body
    for opinion in found.noted:
        said = typed.noted.get(str(opinion.id), opinion.text).replace("\r\n", "\n").strip()
        if not said:
            raise Malformed("请填写已记录的意见，或删除该条意见。")
        if said != opinion.text:
            await ask(request, "PUT", f"{path}/opinions/{opinion.id}", json={"text": said})


async def _forget(request: web.Request, typed: Written, opinion: str) -> web.Response:
    """Delete a noted opinion; what else was written stays."""
    try:
        path = f"/review/applications/{uuid_in_path(request)}/opinions/{UUID(opinion)}"
        await ask(request, "DELETE", path)
    except ValueError as error:
        raise NotFound from error
    except (Conflict, NotFound) as error:
        return await _page(request, typed, error=error, status=409)
    return await _page(request, typed)


def _renumber(error: Invalid, rows: list[int]) -> None:
    for fault in error.errors:
        parts = (fault.field or "").split(".")
        if parts[0] == "opinions" and len(parts) > 1 and parts[1].isdecimal() and int(parts[1]) < len(rows):
            fault.field = ".".join(["opinions", str(rows[int(parts[1])]), *parts[2:]])


async def note(request: web.Request) -> web.Response:
    """记录意见 at the place one is just reading."""
    form = await read_form(request)
    id, said = uuid_in_path(request), one(form, "place")
    text = Row(said, one(form, "phrase"), one(form, "text")).words
    place = opinion_places.place(said)
    typed = {"note": one(form, "text"), "phrase": one(form, "phrase")}
    if not text:
        return await case_page.desk(request, Malformed("请填写意见内容，或选择常用语。"), 400, typed, opine=said)
    try:
        await ask(request, "POST", f"/review/applications/{id}/opinions", json=place.opinion(text))
    except (Conflict, Invalid, Malformed) as error:
        return await case_page.desk(request, error, 409, typed, opine=said)
    return see_other(f"/review/{id}?done=noted#{place.anchor}")


async def forget(request: web.Request) -> web.Response:
    """删除 an opinion that was only noted."""
    await read_form(request)
    id, opinion = uuid_in_path(request), uuid_in_path(request, "opinion")
    try:
        await ask(request, "DELETE", f"/review/applications/{id}/opinions/{opinion}")
    except (Conflict, NotFound) as error:
        return await case_page.desk(request, error, 409)
    return see_other(f"/review/{id}?done=forgotten#opinions")


async def recall(request: web.Request) -> web.Response:
    """撤回退回, until the applicant has opened it."""
    form = await read_form(request)
    id = uuid_in_path(request)
    try:
        await ask(request, "POST", f"/review/applications/{id}/recall", json={}, etag=one(form, "etag"))
    except (Conflict, Stale) as error:
        return await case_page.desk(request, error, 409)
    return see_other(f"/review/{id}?done=recall")


async def _extend_page(
    request: web.Request, typed: Until, error: DomainError | None = None, status: int = 200
) -> web.Response:
    context = {
        "application": (await ask(request, "GET", f"/applications/{uuid_in_path(request)}", ApplicationView)).body,
        "typed": typed,
        "working_days": choices_of_days(None),
        "error": error,
        "today": clock.today().isoformat(),
    }
    return page(request, "review/extend.html", context, status=status)


async def ask_extend(request: web.Request) -> web.Response:
    """延长补正期限: until when, and why."""
    return await _extend_page(request, Until())


async def extend(request: web.Request) -> web.Response:
    """延长补正期限."""
    form = await read_form(request)
    id = uuid_in_path(request)
    typed = until(form)
    try:
        body = {**deadline(typed), "reason": typed.reason}
        path = f"/review/applications/{id}/extend"
        done = (await ask(request, "POST", path, json=body, etag=one(form, "etag"))).body
    except (Conflict, Stale, Invalid, Malformed) as error:
        return await _extend_page(request, typed, error, 409)
    # A proposal has a new deadline and no state.
    return see_other(f"/review/{id}?done={'extend' if 'state' in done else 'extend_proposed'}")
