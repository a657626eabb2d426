"""What went wrong, as a page for people who came with a browser."""

import asyncio
import logging
from contextlib import suppress

from aiohttp import web
from aiohttp.typedefs import Handler

from services.gateway import waiting
from services.gateway.forms import FORM, TOKEN, keep_form
from services.gateway.pages.rendering import page
from shared import clock, errors
from shared.database import BUSY
from shared.web import REQUEST_ID, STATUS

log = logging.getLogger(__name__)

CODES = {"csrf": "页面已失效", "foreign_origin": "请求来源不受信任"}
TITLES = {
    400: "请求无法处理",
    401: "请先登录",
    403: "没有权限",
    404: "未找到页面",
    409: "当前不能进行此操作",
    412: "内容已变化",
    413: "内容过大",
    429: "操作过于频繁",
    500: "系统出错",
    503: "系统繁忙",
}


# After these the same form may succeed: what was typed is given back for another try.
GIVE_BACK = frozenset({401, 403, 429, 500, 503})


def wants_page(request: web.Request) -> bool:
    """Whether a person looks at the answer; programs get problem+json."""
    return not request.path.startswith(("/api/", "/internal/")) and "text/html" in request.headers.get(
        "Accept", ""
    )


@web.middleware
async def error_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not wants_page(request):
        return await handler(request)
    try:
        return await handler(request)
    except errors.DomainError as error:
        return await _show(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        told = {404: errors.NotFound, 405: errors.NotFound, 413: errors.TooLarge}.get(
            error.status, errors.Malformed
        )
        return await _show(request, told())
    except (asyncio.CancelledError, ConnectionResetError):
        raise
    except BUSY:
        log.warning("busy", exc_info=True)
        return await _show(request, errors.Unavailable())
    except Exception:
        log.exception("unexpected error")
        return await _show(request, errors.Broken())


async def _keep(request: web.Request) -> None:
    """Read a form that nobody has read yet: what failed may have failed before that."""
    if request.path.endswith(waiting.AGAIN):
        await waiting.load(request)
        return
    if request.method == "POST" and FORM not in request and not request.content.at_eof():
        with suppress(errors.DomainError):
            await keep_form(request)


async def _show(request: web.Request, error: errors.DomainError) -> web.Response:
    status = int(next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS))
    if status in GIVE_BACK:
        await _keep(request)
    waits = error.retry_after if isinstance(error, errors.TooMany | errors.Unavailable) else None
    context = {
        "title": CODES.get(error.code) or TITLES.get(status, "操作未能完成"),
        "error": error,
        # Short enough to be read out over the telephone; the log has the whole.
        "reference": request[REQUEST_ID].replace("-", "")[:8].upper(),
        # What only waits for a service tries again by itself.
        "again": waits if request.method == "GET" or request.get(FORM) is not None else None,
        "here_full": request.rel_url.raw_path_qs if request.method == "GET" else request.path,
    }
    typed = request.get(FORM)
    if typed is not None and status in GIVE_BACK:
        given_back = [(name, value) for name, values in typed.items() if name != TOKEN for value in values]
        context["multipart"] = request.content_type == "multipart/form-data"
        context["place"] = waiting.place(request)
        if status in waiting.OURS:
            text = waiting.ticket(request)
            given_back = [(n, v) for n, v in given_back if n != "ticket"] + ([("ticket", text)] if text else [])
            context["arrived"] = clock.show(request[waiting.FIRST]) if text else None
            context["again_at"] = await waiting.address_for_again(request)
        context["typed"] = given_back
        answer = page(request, "try_again.html", context, status=status)
    else:
        answer = page(request, "error.html", context, status=status)
    if waits:
        answer.headers["Retry-After"] = str(waits)
    return answer
