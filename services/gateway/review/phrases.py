"""Show the library of texts for opinions (常用语), and change it."""

from aiohttp import web

from services.gateway.web.calls import ask
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared.contract.review import PhraseView
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotFound
from shared.http.app import see_other, uuid_in_path


async def _page(
    request: web.Request, error: DomainError | None = None, typed: dict[str, str] | None = None, status: int = 200
) -> web.Response:
    found = (await ask(request, "GET", "/review/phrases", list[PhraseView])).body
    context = {"phrases": found, "error": error, "typed": typed or {}, "done": request.query.get("done")}
    return page(request, "review/phrases.html", context, status=status)


async def show(request: web.Request) -> web.Response:
    """The library."""
    return await _page(request)


def _in_words(error: DomainError) -> DomainError:
    """Say what the contract did not take; a character that cannot be kept or printed is named already."""
    return Malformed("请填写常用语，1 至 500 字。") if error.code == "malformed" else error


async def add(request: web.Request) -> web.Response:
    """添加."""
    text = one(await read_form(request), "text")
    try:
        await ask(request, "POST", "/review/phrases", json={"text": text})
    except (Malformed, Invalid) as error:
        return await _page(request, _in_words(error), {"new": text}, 400)
    except Conflict as error:
        return await _page(request, error, {"new": text}, 409)
    return see_other("/review/phrases?done=added")


async def change(request: web.Request) -> web.Response:
    """修改 or 删除."""
    form = await read_form(request)
    id, text = uuid_in_path(request), one(form, "text")
    typed = {str(id): text}
    try:
        if one(form, "action") == "remove":
            await ask(request, "DELETE", f"/review/phrases/{id}")
        else:
            await ask(request, "PUT", f"/review/phrases/{id}", json={"text": text})
    except (Malformed, Invalid) as error:
        return await _page(request, _in_words(error), typed, 400)
    except (Conflict, NotFound) as error:
        return await _page(request, error, typed, 409)
    return see_other("/review/phrases?done=changed")
