"""Show 查看申请 (what was submitted, what happened) and 退回意见 (what has to be corrected)."""

from uuid import UUID

from aiohttp import web

from services.gateway.form import form_view
from services.gateway.web.access import actor
from services.gateway.web.calls import application, ask, form_of, revision_number
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared.contract.decision import LetterView
from shared.contract.pages import ApplicationRead
from shared.contract.ratings import RatingView
from shared.contract.returns import OpinionView
from shared.errors import Conflict, Invalid, Malformed
from shared.http.app import see_other, uuid_in_path
from shared.identity import Duty

SCORES = {5: "非常满意", 4: "满意", 3: "基本满意", 2: "不满意", 1: "非常不满意"}


async def view(request: web.Request) -> web.Response:
    """查看申请: any submitted revision, and what happened."""
    return await _view(request, whole=False)


async def reveal(request: web.Request) -> web.Response:
    """显示完整信息: the same page with nothing masked."""
    await read_form(request)
    return await _view(request, whole=True)


async def _view(
    request: web.Request,
    *,
    whole: bool,
    said: dict[str, str] | None = None,
    fault: str | None = None,
    status: int = 200,
) -> web.Response:
    path, wanted = f"/applications/{uuid_in_path(request)}/page", request.query.get("revision")
    query = {"revision": str(revision_number(wanted))} if wanted else None
    if whole:
        read = (await ask(request, "POST", path, ApplicationRead, query=query, json={})).body
    else:
        read = (await ask(request, "GET", path, ApplicationRead, query=query)).body
    who = actor(request)
    context = {
        "application": read.application,
        "materials": read.materials,
        "timeline": read.timeline,
        "labels": {section.key: section.label for section in read.application.sections},
        "letters": read.letters,
        "revisions": read.revisions[::-1],
        "number": read.number,
        "changes": read.changes,
        "next": read.next,
        "may_rate": read.may_rate and who.may(Duty.SIGN),
        "rating": read.rating,
        "scores": SCORES,
        "said": said or {"score": "", "text": ""},
        "fault": fault,
        "whole": whole,
    }
    return page(request, "applicant/view.html", context, status=status)


async def rate(request: web.Request) -> web.Response:
    """好差评: what the enterprise says of the office's work; what was typed stays where it is refused."""
    form = await read_form(request)
    id, said = uuid_in_path(request), {"score": one(form, "score"), "text": one(form, "text")}
    score = int(said["score"]) if said["score"] in {str(s) for s in SCORES} else 0
    try:
        if not score:
            raise Malformed("请选择满意程度。")
        body = {"score": score, "text": said["text"]}
        await ask(request, "PUT", f"/applications/{id}/rating", RatingView, json=body)
    except (Conflict, Malformed) as error:
        return await _view(
            request, whole=False, said=said, fault=error.detail, status=409 if isinstance(error, Conflict) else 422
        )
    return see_other(f"/applications/{id}/view#rating")


async def _opinions(
    request: web.Request, *, typed: dict[UUID, str] | None = None, fault: str | None = None, status: int = 200
) -> web.Response:
    found = await application(request)
    listed = (await ask(request, "GET", f"/applications/{found.id}/opinions", list[OpinionView])).body
    letters = (await ask(request, "GET", f"/applications/{found.id}/letters", list[LetterView])).body
    sections = (await form_of(request, found.fund_type, found.form_version)).by_key
    places = {o.id: (sections[o.section], o) for o in listed if o.section in sections}
    anchors = {id: form_view.anchor(section, o.field, o.row) for id, (section, o) in places.items()}
    context = {
        "application": found,
        "letters": letters,
        "opinions": listed,
        "anchors": anchors,
        "editable": {s.key for s in found.sections if s.editable},
        "open": sum(1 for o in listed if o.status == "open"),
        "typed": typed or {},
        "fault": fault,
        "done": request.query.get("done"),
    }
    return page(request, "applicant/opinions.html", context, status=status)


async def opinions(request: web.Request) -> web.Response:
    """退回意见, each with its answer."""
    return await _opinions(request)


async def answer_opinions(request: web.Request) -> web.Response:
    """Answers to opinions, all of the page's at once."""
    form = await read_form(request)
    id = uuid_in_path(request)
    listed = (await ask(request, "GET", f"/applications/{id}/opinions", list[OpinionView])).body
    typed = {o.id: one(form, f"reply.{o.id}").strip() for o in listed}
    try:
        for opinion in listed:
            reply = typed[opinion.id]
            if reply and reply != (opinion.reply or ""):
                path = f"/applications/{id}/opinions/{opinion.id}"
                await ask(request, "PUT", path, OpinionView, json={"reply": reply})
    except (Conflict, Invalid, Malformed) as error:
        return await _opinions(request, typed=typed, fault=error.detail, status=409)
    return see_other(f"/applications/{id}/opinions?done=answered")
