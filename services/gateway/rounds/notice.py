"""Write a round's 申报通知: its text with a preview, its files, and the questions by which an enterprise learns whether it may apply."""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from services.gateway.form import eligibility_view
from services.gateway.form.uploads import sent_on
from services.gateway.web.calls import ask
from services.gateway.web.context import SESSION
from services.gateway.web.form_data import Values, one, read_multipart
from services.gateway.web.rendering import page
from shared.contract.notices import MAX_QUESTIONS, MAX_TEXT, EligibilityView, RoundNotice, RoundNoticeFile
from shared.contract.rounds import RoundDetail
from shared.contract.workbench import FormFault
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotFound, Stale, TooLarge, UnsupportedMedia
from shared.http.app import see_other, uuid_in_path
from shared.identity import Role
from shared.text import formatted

EXAMPLE = """\
fields:
  - {key: registered, kind: radio, label: 是否在北京市登记注册, options: [是, 否]}
  - {key: founded, kind: date, label: 成立日期}
checks:
  - holds: registered == "是"
    message: 本批次只受理在北京市登记注册的单位。
  - holds: founded <= add_years(today, -1)
    message: 单位成立须满一年。
"""
NO_QUESTIONS = EligibilityView(faults=[], definition=None, page=None, errors=[], refusals=[])


@dataclass(frozen=True)
class File:
    """A file beside the text; one that is not `kept` is left out at the next save."""

    id: str
    name: str
    kept: bool = True


@dataclass(frozen=True)
class Written:
    """A notice as it stands on the page."""

    text: str
    questions: str
    files: list[File]
    reason: str = ""


async def show(request: web.Request) -> web.Response:
    """The notice in force, or the change of it that waits; another version where one is asked for."""
    return await _show(request)


async def act(request: web.Request) -> web.Response:
    """Save the notice, look at what was typed, or try the questions. Files that came along are kept whatever the button."""
    uploads = _Uploads(request)
    form = await read_multipart(request, uploads.take)
    files = [File(id, one(form, f"name.{id}"), id in form.get("keep", [])) for id in form.get("file", [])]
    written = Written(one(form, "text"), one(form, "questions"), [*files, *uploads.taken], one(form, "reason"))
    action = one(form, "action", "look")
    if uploads.faults:
        return await _show(request, written, form, fault="；".join(uploads.faults), status=422)
    if action != "save":
        return await _show(request, written, form, tried=action == "try")
    body = {
        "text": written.text, "questions": written.questions, "reason": written.reason.strip(),
        "files": [file.id for file in written.files if file.kept],
    }  # fmt: skip
    path = f"/rounds/{uuid_in_path(request)}"
    try:
        saved = (await ask(request, "PUT", f"{path}/notice", RoundDetail, json=body, etag=one(form, "etag"))).body
    except (Invalid, Malformed) as error:
        return await _show(request, written, form, error=error, status=422)
    except (Conflict, Stale) as error:
        return await _show(request, written, form, error=error, status=409)
    return see_other(f"{path}?done={'notice_proposed' if saved.proposal else 'notice'}")


async def _show(
    request: web.Request,
    written: Written | None = None,
    form: Values | None = None,
    *,
    error: DomainError | None = None,
    fault: str | None = None,
    tried: bool = False,
    status: int = 200,
) -> web.Response:
    path = f"/rounds/{uuid_in_path(request)}"
    round_ = (await ask(request, "GET", path, RoundDetail)).body
    number = _number(request, round_)
    found = (await ask(request, "GET", f"{path}/notice", RoundNotice, query=number)).body
    writes = Role.OFFICER in request[SESSION].roles
    if written is None:
        written = Written(found.text, found.questions, [File(str(f.id), f.name) for f in found.files])
    questions = await _tried(request, written.questions, form if tried else None) if writes else NO_QUESTIONS
    context = {
        "round": round_,
        "notice": found,
        "written": written,
        "writes": writes,
        # What was typed keeps the tag it came with: who was faster is not overwritten.
        "etag": one(form, "etag") if form and not isinstance(error, Stale) else str(round_.version),
        "errors": defaultdict(str, _said(error)),
        "fault": fault or (error.detail if error else None),
        "links": [f"第 {line} 行：{said}" for line, said in formatted.faults(written.text)],
        "faults": questions.faults,
        "asked": eligibility_view.asked(questions),
        "tried": tried,
        "unsaved": form is not None,
        "severities": {"error": "错误", "warning": "警告", "note": "提示"},
        "example": EXAMPLE,
        "limits": (MAX_TEXT, MAX_QUESTIONS),
    }
    return page(request, "rounds/notice.html", context, status=status)


def _number(request: web.Request, round_: RoundDetail) -> dict[str, str]:
    """Return which version to show: the one that the address names, the one that waits for a second person, or the one in force."""
    asked = request.query.get("number", "")
    if asked:
        if not asked.isdecimal() or len(asked) > 6:
            raise NotFound("没有这一稿申报通知。")
        return {"number": asked}
    proposed = (
        next((d.after for d in round_.proposal.differences if d.name == "notice"), None)
        if round_.proposal
        else None
    )
    return {"number": str(proposed)} if proposed else {}


async def _tried(request: web.Request, questions: str, form: Values | None) -> EligibilityView:
    """Return the questions as they would be asked; with a form what comes of its answers. What cannot be read at all has that as its fault."""
    if not questions.strip():
        return NO_QUESTIONS
    path = f"/rounds/{uuid_in_path(request)}/notice/trial"
    try:
        view = (await ask(request, "POST", path, EligibilityView, json={"questions": questions})).body
        if form is None or view.definition is None:
            return view
        body: dict[str, Any] = {"questions": questions, "values": eligibility_view.answers(view, form)}
        return (await ask(request, "POST", path, EligibilityView, json=body)).body
    except (Invalid, Malformed, Conflict) as error:
        fault = FormFault(line=1, severity="error", message=_said(error).get("questions") or error.detail)
        return NO_QUESTIONS.model_copy(update={"faults": [fault]})


def _said(error: DomainError | None) -> dict[str, str]:
    """Return what is wrong by field, several faults of one in one text."""
    found: dict[str, list[str]] = {}
    if isinstance(error, Invalid):
        for each in error.errors:
            found.setdefault(each.field or "", []).append(each.message)
    elif isinstance(error, Malformed):
        # The contract's own names: what else could be wrong with a text is its length.
        for e in error.extra.get("errors", []):
            found.setdefault(str(e.get("field", "")).partition(".")[0], []).append("内容过长，请删减后再保存")
    return {field: "；".join(dict.fromkeys(said)) for field, said in found.items()}


class _Uploads:
    """Sends the files of the form on while it is read."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.taken: list[File] = []
        self.faults: list[str] = []

    async def take(self, name: str, file_name: str, chunks: AsyncIterator[bytes]) -> None:
        path = f"/rounds/{uuid_in_path(self._request)}/notice/files"
        try:
            made = await sent_on(self._request, path, RoundNoticeFile, file_name, chunks)
        except (Invalid, TooLarge, UnsupportedMedia, Malformed, Conflict) as error:
            async for _ in chunks:
                pass
            self.faults.append(f"{file_name}：{error.detail}")
        else:
            self.taken.append(File(str(made.id), made.name))
