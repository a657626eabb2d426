"""Show one case to the bureau, and take or release its lease, so that two reviewers do not work on the same case."""

from aiohttp import web

from services.gateway.review import case_page
from services.gateway.web.calls import ask
from services.gateway.web.form_data import one, read_form
from shared.errors import Conflict, Invalid, Malformed, Stale
from shared.http.app import see_other, uuid_in_path


async def show(request: web.Request) -> web.Response:
    """One application as a reviewer reads it."""
    return await case_page.desk(request)


async def reveal(request: web.Request) -> web.Response:
    """显示完整信息: the same page with nothing masked."""
    await read_form(request)
    return await case_page.desk(request, whole=True)


async def take(request: web.Request) -> web.Response:
    """领取办理: take the lease, renew it, or take it over with a reason."""
    form = await read_form(request)
    id, takeover, reason = uuid_in_path(request), one(form, "takeover") == "1", one(form, "reason")
    try:
        body = {"takeover": takeover, "reason": reason}
        await ask(request, "POST", f"/review/applications/{id}/lease", json=body)
    except (Conflict, Invalid, Malformed) as error:
        return await case_page.desk(request, error, 409, {"reason": reason})
    return see_other(f"/review/{id}")


async def drop(request: web.Request) -> web.Response:
    """取消领取: let go of it."""
    await read_form(request)
    await ask(request, "DELETE", f"/review/applications/{uuid_in_path(request)}/lease", json={})
    return see_other("/review")


async def judge_opinion(request: web.Request) -> web.Response:
    """采纳答复, or 再次提出 with a text."""
    form = await read_form(request)
    id, opinion = uuid_in_path(request), uuid_in_path(request, "opinion")
    path = f"/review/applications/{id}/opinions/{opinion}"
    raised, text = one(form, "action") == "raise", one(form, "text").strip()
    typed = {f"raise.{opinion}": text}
    if raised and not text:
        return await case_page.desk(request, Conflict("再次提出意见须填写内容。"), 409, typed)
    try:
        if raised:
            await ask(request, "POST", f"{path}/raise", json={"text": text}, etag=one(form, "etag"))
        else:
            await ask(request, "POST", f"{path}/accept", json={}, etag=one(form, "etag"))
    except (Conflict, Stale, Invalid, Malformed) as error:
        return await case_page.desk(request, error, 409, typed)
    return see_other(f"/review/{id}?done={'raise' if raised else 'adopt'}#opinions")
