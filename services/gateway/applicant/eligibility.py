"""Ask what a round's notice asks before an application is begun (申报条件)."""

import asyncio
import re

from aiohttp import web

from services.gateway.applicant import starting
from services.gateway.form import eligibility_view
from services.gateway.web.calls import ask, new_key
from services.gateway.web.form_data import Values, one, read_form
from services.gateway.web.rendering import page
from shared import codes
from shared.contract.notices import EligibilityView, RoundNotice
from shared.errors import Conflict, DomainError, Invalid, NotFound
from shared.http.app import see_other

_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def show(request: web.Request) -> web.Response:
    """The questions of a round, before anything is begun in it."""
    query = request.query
    return await _ask(request, query.get("round", ""), query.get("copy_from", ""), new_key(), None)


async def take(request: web.Request) -> web.Response:
    """Begin the application with the answers, or say why they do not let somebody apply."""
    form = await read_form(request)
    round_id, source, key = one(form, "round_id"), one(form, "copy_from"), one(form, "key")
    if not _ID.fullmatch(round_id):
        raise NotFound("没有这个申报批次。")
    view = (await ask(request, "POST", f"/rounds/{round_id}/eligibility", EligibilityView, json={})).body
    try:
        answers = eligibility_view.answers(view, form)
        return see_other(await starting.start(request, round_id, source, key, answers))
    except Invalid as error:
        return await _ask(request, round_id, source, key, form, error, 422)
    except Conflict as error:
        return await _ask(request, round_id, source, key, form, error, 409)


async def _ask(
    request: web.Request,
    round_id: str,
    source: str,
    key: str,
    form: Values | None,
    error: DomainError | None = None,
    status: int = 200,
) -> web.Response:
    if not _ID.fullmatch(round_id) or (source and not _ID.fullmatch(source)):
        raise NotFound("没有这个申报批次。")
    path = f"/rounds/{round_id}/eligibility"
    view, notice = await asyncio.gather(
        ask(request, "POST", path, EligibilityView, json={}),
        ask(request, "GET", f"/rounds/{round_id}/notice", RoundNotice),
    )
    if form is not None:
        values = eligibility_view.answers(view.body, form)
        view = await ask(request, "POST", path, EligibilityView, json={"values": values})
    found = eligibility_view.asked(view.body)
    refused = error is not None and error.code == codes.NOT_ELIGIBLE
    context = {
        "round": notice.body.round,
        "notice": notice.body,
        "asked": found,
        "source": source,
        "key": key,
        "refusals": found.refusals if found and refused else [],
        "fault": error.detail if error and not refused else None,
    }
    return page(request, "applicant/eligibility.html", context, status=status)
