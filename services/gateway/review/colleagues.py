"""Keep what colleagues tell each other about a case, from its page: notes, files of the desk, questions and answers."""

from collections.abc import AsyncIterator
from uuid import UUID

from aiohttp import web

from services.gateway.form.uploads import sent_on
from services.gateway.review import case_page
from services.gateway.web.calls import ask
from services.gateway.web.form_data import FORM, Values, one, read_form, read_multipart, whole_number
from shared.contract.colleagues import CaseFileView, InquiryView, NoteView
from shared.errors import (
    Conflict,
    DomainError,
    Invalid,
    Malformed,
    NotAllowed,
    NotFound,
    TooLarge,
    Unavailable,
    UnsupportedMedia,
)
from shared.http.app import see_other, uuid_in_path

REFUSALS = (Conflict, Invalid, Malformed, NotAllowed, NotFound, TooLarge, Unavailable, UnsupportedMedia)
Typed = dict[str, str]


async def _refused(request: web.Request, error: DomainError, typed: Typed) -> web.Response:
    return await case_page.desk(request, error, 409, typed, at="colleagues")


def _done(request: web.Request, done: str) -> web.Response:
    return see_other(f"/review/{uuid_in_path(request)}?done={done}#colleagues")


def _api(request: web.Request, *rest: object) -> str:
    return "/".join(str(part) for part in (f"/review/applications/{uuid_in_path(request)}", *rest))


def _chosen_id(form: Values, name: str) -> UUID:
    """Return the id that a page gave what is written on it."""
    try:
        return UUID(one(form, name))
    except ValueError:
        raise Malformed from None


async def note(request: web.Request) -> web.Response:
    """保存备注."""
    form = await read_form(request)
    mentions = form.get("mentions", [])
    typed = {
        "of": "note",
        "note_id": one(form, "note"),
        "note_text": one(form, "note_text"),
        "mentions": ",".join(mentions),
    }
    path = _api(request, "notes", _chosen_id(form, "note"))
    try:
        await ask(request, "PUT", path, NoteView, json={"text": typed["note_text"], "mentions": mentions})
    except REFUSALS as error:
        return await _refused(request, error, typed)
    return _done(request, "note")


async def withdraw_note(request: web.Request) -> web.Response:
    """撤回备注."""
    await read_form(request)
    try:
        await ask(request, "DELETE", _api(request, "notes", uuid_in_path(request, "note")))
    except REFUSALS as error:
        return await _refused(request, error, {"of": "note"})
    return _done(request, "note_withdrawn")


async def add_file(request: web.Request) -> web.Response:
    """上传工作文件: streamed on as it arrives; what stands above it in the form says of what kind it is."""
    taken, refusal = 0, None

    async def take(name: str, file_name: str, chunks: AsyncIterator[bytes]) -> None:
        nonlocal taken, refusal
        form = request[FORM]
        query = {"kind": one(form, "kind"), "limited": "1" if one(form, "limited") == "1" else "0"}
        try:
            await sent_on(request, _api(request, "files"), CaseFileView, file_name, chunks, query)
            taken += 1
        except REFUSALS as error:
            async for _ in chunks:
                pass
            refusal = error

    form = await read_multipart(request, take)
    typed = {"of": "file", "kind": one(form, "kind"), "limited": one(form, "limited")}
    if refusal is None and not taken:
        refusal = Malformed("请选择要上传的文件。")
    if refusal is not None:
        return await _refused(request, refusal, typed)
    return _done(request, "file")


async def remove_file(request: web.Request) -> web.Response:
    """移除工作文件."""
    await read_form(request)
    try:
        await ask(request, "DELETE", _api(request, "files", uuid_in_path(request, "file")))
    except REFUSALS as error:
        return await _refused(request, error, {"of": "file"})
    return _done(request, "file_removed")


async def inquire(request: web.Request) -> web.Response:
    """发出征求意见."""
    form = await read_form(request)
    colleagues = form.get("colleagues", [])
    typed = {
        "of": "inquiry",
        "inquiry_id": one(form, "inquiry"),
        "question": one(form, "question"),
        "colleagues": ",".join(colleagues),
        "working_days": one(form, "working_days", "3"),
    }
    path = _api(request, "inquiries", _chosen_id(form, "inquiry"))
    days = whole_number(typed["working_days"])
    body = {"question": typed["question"], "colleagues": colleagues, "working_days": days}
    try:
        await ask(request, "PUT", path, InquiryView, json=body)
    except REFUSALS as error:
        return await _refused(request, error, typed)
    return _done(request, "inquiry")


async def answer(request: web.Request) -> web.Response:
    """提交意见, or 结束征求."""
    form = await read_form(request)
    inquiry = uuid_in_path(request, "inquiry")
    name = f"answer.{inquiry}"
    closes = one(form, "action") == "close"
    typed = {"of": f"close.{inquiry}"} if closes else {"of": name, name: one(form, name)}
    try:
        if closes:
            await ask(request, "POST", _api(request, "inquiries", inquiry, "close"), json={})
        else:
            path = _api(request, "inquiries", inquiry, "answer")
            await ask(request, "POST", path, json={"answer": typed[name]})
    except REFUSALS as error:
        return await _refused(request, error, typed)
    return _done(request, "inquiry_closed" if closes else "inquiry_answered")
