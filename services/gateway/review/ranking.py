"""Show 审定排序 (scored cases beside the budget of their round), and make and close 审核批."""

import asyncio

from aiohttp import web

from services.gateway.web.calls import ask
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared.contract.bureau import RankingPage
from shared.contract.decision import BatchView
from shared.contract.review import FilterChoices
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotFound
from shared.http.app import see_other, uuid_in_path


async def show(request: web.Request) -> web.Response:
    """What waits in every round beside its budget; of a round that is named all its cases, the best first."""
    query = {"round": request.query["round"]} if request.query.get("round") else {}
    found = (await ask(request, "GET", "/review/ranking/page", RankingPage, query=query)).body
    fault = "没有这个申报批次。" if found.round and not found.ranking else None
    shown = [found.ranking] if found.ranking else found.open
    context = {"found": found, "shown": shown, "fault": fault, "confirmations": found.confirmations}
    return page(request, "review/ranking.html", context, status=404 if fault else 200)


async def _batches(
    request: web.Request, error: DomainError | None = None, typed: dict[str, str] | None = None, status: int = 200
) -> web.Response:
    found, choices = await asyncio.gather(
        ask(request, "GET", "/review/batches", list[BatchView]),
        ask(request, "GET", "/review/choices", FilterChoices),
    )
    rounds = choices.body.rounds
    context = {
        "batches": found.body,
        "rounds": rounds,
        "titles": {choice.key: choice.label for choice in rounds},
        "error": error,
        "typed": typed or {},
        "done": request.query.get("done"),
    }
    return page(request, "review/batches.html", context, status=status)


async def batches(request: web.Request) -> web.Response:
    """审核批, the newest first."""
    return await _batches(request)


async def make_batch(request: web.Request) -> web.Response:
    """新建审核批."""
    form = await read_form(request)
    typed = {"round": one(form, "round"), "name": one(form, "name").strip()}
    try:
        await ask(request, "POST", "/review/batches", json=typed)
    except Malformed:
        return await _batches(request, Malformed("请选择申报批次，并填写名称（1 至 100 字）。"), typed, 400)
    except (Conflict, Invalid, NotFound) as error:
        return await _batches(request, error, typed, 409)
    return see_other("/review/batches?done=made")


async def close_batch(request: web.Request) -> web.Response:
    """封批."""
    await read_form(request)
    await ask(request, "POST", f"/review/batches/{uuid_in_path(request)}/close")
    return see_other("/review/batches?done=closed")
