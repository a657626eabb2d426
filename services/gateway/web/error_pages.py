"""Show errors as pages to browsers, and give back what was typed."""

import asyncio
import logging
import re
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from services.gateway.web import resubmission
from services.gateway.web.access import Origin, origin_of, recognise
from services.gateway.web.context import SESSION
from services.gateway.web.form_data import (
    FORM,
    TOKEN,
    OtherAccount,
    Values,
    belongs_to_other,
    one,
    token_to_give_back,
)
from services.gateway.web.rendering import page
from shared import clock, errors
from shared.database import BUSY
from shared.http.app import REQUEST_ID
from shared.http.problem import status_of

log = logging.getLogger(__name__)

CODES = {"csrf": "页面已失效", "other_account": "已登录另一账号", "foreign_origin": "请求来源不受信任"}
TITLES = {
    400: "请求无法处理",
    401: "请先登录",
    403: "没有权限",
    404: "未找到页面",
    408: "网络传输过慢",
    409: "当前不能进行此操作",
    412: "内容已变化",
    413: "内容过大",
    429: "操作过于频繁",
    500: "系统出错",
    503: "系统繁忙",
}


# After these the same form may succeed: what was typed is given back for another try.
GIVE_BACK = frozenset({401, 403, 429, 500, 503})
# What a form carries besides what somebody typed, and what nobody may read over a shoulder.
UNSEEN = frozenset(
    {
        TOKEN, "etag", "base", "key", "action", "section", "form_version", "discard", "ticket", resubmission.MARK,
        "password", "again", "captcha", "code",
    }
)  # fmt: skip
# What somebody else than the one who typed is told of the page's place.
FOREIGN = frozenset({403, 404, 409})


def wants_page(request: web.Request) -> bool:
    """Whether a person looks at the answer; programs get problem+json."""
    return not request.path.startswith(("/api/", "/internal/")) and "text/html" in request.headers.get(
        "Accept", ""
    )


def prefers_json(request: web.Request) -> bool:
    """Whether JSON is asked for rather than a page. Who takes anything (`*/*`), as previews and search engines do, is given the
    page."""
    weights = {"application/json": 0.0, "text/html": 0.0}
    for part in request.headers.get("Accept", "").lower().split(","):
        kind, _, options = (text.strip() for text in part.partition(";"))
        found = re.search(r"(?:^|;)\s*q=([01](?:\.[0-9]{0,3})?)\s*(?:;|$)", options)
        if kind in weights:
            weights[kind] = max(weights[kind], float(found[1]) if found else 1.0)
    return weights["application/json"] > weights["text/html"]


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
    except BUSY as error:
        # Without its stack: when there is too much to do, writing stacks is a good part of it.
        log.warning("busy", extra={"reason": repr(error)[:500]})
        return await _show(request, errors.Unavailable())
    except Exception:
        log.exception("unexpected error")
        return await _show(request, errors.InternalError())


async def _show(request: web.Request, error: errors.DomainError) -> web.Response:
    status = int(status_of(error))
    if status == 404:
        await recognise(request)
    session = request.get(SESSION)
    # What failed may have failed before the form was read.
    wanted = status in GIVE_BACK or FORM in request or (status in FOREIGN and session is not None)
    typed = await resubmission.typed(request) if wanted else None
    if status in FOREIGN and session is not None and belongs_to_other(session, one(typed or {}, TOKEN)):
        error, status = OtherAccount(), 403
    waits = error.retry_after if isinstance(error, errors.TooMany | errors.Unavailable) else None
    context = {
        "title": CODES.get(error.code) or TITLES.get(status, "操作未能完成"),
        "error": error,
        # Short enough to be read out over the telephone; the log has the whole.
        "reference": request[REQUEST_ID].replace("-", "")[:8].upper(),
        # What only waits for a service tries again by itself.
        "again": waits if request.method == "GET" or typed is not None else None,
        "here_full": request.rel_url.raw_path_qs if request.method == "GET" else request.path,
    }
    if typed is None:
        # A page that was refused before anybody asked who looks at it. In a crowd nobody is looked up for that.
        if status not in {401, 503}:
            await recognise(request)
        answer = page(request, "web/error.html", context, status=status)
    else:
        answer = await _give_back(request, typed, context, status)
    if waits:
        answer.headers["Retry-After"] = str(waits)
    if isinstance(error, errors.TooSlow):
        answer.force_close()
    return answer


async def _give_back(request: web.Request, typed: Values, context: dict[str, Any], status: int) -> web.Response:
    """What was typed, to be seen; with the button that sends it again where that may help and our own page sent it."""
    proved = await resubmission.proved(request)
    again = status in GIVE_BACK and (proved is not None or origin_of(request) is Origin.OWN)
    hidden = {name: values for name, values in typed.items() if name not in {TOKEN, "ticket", resubmission.MARK}}
    if again:
        await resubmission.keep(request)
        hidden[resubmission.MARK] = ["1"]
        if status == resubmission.SHED and (ticket := await resubmission.ticket_for(request)):
            hidden["ticket"] = [ticket]
            context["arrived"] = clock.show(request[resubmission.FIRST])
    context |= {
        "hidden": [(name, value) for name, values in hidden.items() for value in values] if again else None,
        "typed": [v for name, values in typed.items() if name not in UNSEEN for v in values if v.strip()],
        "given_back_token": token_to_give_back(request.get(SESSION), one(typed, TOKEN)),
        "place": request.path,
        "multipart": request.content_type == "multipart/form-data",
        # A form whose token is not the session's is sent again by a person, not by a script.
        "again": context["again"] if proved is not None or SESSION not in request else None,
    }
    return page(request, "web/try_again.html", context, status=status)
