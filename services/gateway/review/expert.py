"""Show 专家评审: the expert's cases, a case beside its score sheet, 回避."""

import asyncio
from collections import defaultdict

from aiohttp import web

from services.gateway.web.calls import ask
from services.gateway.web.form_data import Values, one, read_form
from services.gateway.web.rendering import page
from shared import codes
from shared.contract.bureau import ExpertCasePage
from shared.contract.decision import MyCase, RecusalView, SheetValues
from shared.errors import Conflict, DomainError, Invalid, Malformed
from shared.http.app import see_other, uuid_in_path


async def _mine(
    request: web.Request, error: DomainError | None = None, typed: dict[str, str] | None = None, status: int = 200
) -> web.Response:
    found, recusals = await asyncio.gather(
        ask(request, "GET", "/expert/applications", list[MyCase]),
        ask(request, "GET", "/expert/recusals", list[RecusalView]),
    )
    context = {
        "waiting": [c for c in found.body if _waits(c)],
        "ended": [c for c in found.body if not _waits(c)],
        "recusals": recusals.body,
        "error": error,
        "faults": _faults(error),
        "typed": typed or {},
        "done": request.query.get("done"),
    }
    return page(request, "review/expert.html", context, status=status)


async def mine(request: web.Request) -> web.Response:
    """我的评审."""
    return await _mine(request)


async def declare(request: web.Request) -> web.Response:
    """回避声明, before a case of that enterprise ever comes."""
    form = await read_form(request)
    typed = {name: one(form, name).strip() for name in ("enterprise", "enterprise_name", "reason")}
    try:
        await ask(request, "POST", "/expert/recusals", json=typed)
    except Malformed:
        return await _mine(request, Malformed("请填写统一社会信用代码、单位名称和理由。"), typed, 400)
    except (Conflict, Invalid) as error:
        return await _mine(request, error, typed, 422)
    return see_other("/expert?done=declared")


def _faults(error: DomainError | None) -> dict[str, str]:
    listed = error.errors if isinstance(error, Invalid) else []
    return defaultdict(str, {e.field or "": e.message for e in reversed(listed)})


async def _following(request: web.Request) -> tuple[MyCase | None, int]:
    """The case that waits longest for one's points, and how many do."""
    mine = (await ask(request, "GET", "/expert/applications", list[MyCase])).body
    waiting = sorted((c for c in mine if _waits(c)), key=lambda c: c.assigned_at)
    return next(iter(waiting), None), len(waiting)


def _waits(case: MyCase) -> bool:
    return not case.submitted_at and case.state == "expert_review"


async def _case(
    request: web.Request,
    *,
    typed: SheetValues | None = None,
    error: DomainError | None = None,
    reason: str = "",
    status: int = 200,
) -> web.Response:
    path = f"/expert/applications/{uuid_in_path(request)}/case"
    found = (await ask(request, "GET", path, ExpertCasePage)).body
    following, left = await _following(request) if request.query.get("done") == "submitted" else (None, 0)
    context = {
        "case": found,
        "application": found.application,
        "mine": found.mine,
        "values": typed or found.mine.values,
        "error": error,
        "faults": _faults(error),
        "reason": reason,
        "open": found.application.state == "expert_review" and not found.mine.submitted_at,
        "done": request.query.get("done"),
        "following": following,
        "left": left,
    }
    return page(request, "review/expert_case.html", context, status=status)


async def show(request: web.Request) -> web.Response:
    """One case, and one's own sheet."""
    return await _case(request)


def _typed(form: Values) -> SheetValues:
    def under(prefix: str) -> dict[str, str]:
        return {name[len(prefix) :]: values[0] for name, values in form.items() if name.startswith(prefix)}

    # Nothing is judged here: the service says what is wrong with what was typed.
    return SheetValues.model_construct(
        scores=under("score."), comments=under("comment."), opinion=one(form, "opinion")
    )


async def take(request: web.Request) -> web.Response:
    """暂存, 提交评分 or 回避, as the button says."""
    form = await read_form(request)
    id, action, typed, reason = (
        uuid_in_path(request),
        one(form, "action"),
        _typed(form),
        one(form, "reason").strip(),
    )
    path = f"/expert/applications/{id}"
    try:
        if action == "recuse":
            if not reason:
                raise Conflict("请填写回避理由。", code=codes.REASON_REQUIRED)
            await ask(request, "POST", f"{path}/recusal", json={"reason": reason})
            return see_other("/expert?done=recused")
        await ask(request, "POST" if action == "submit" else "PUT", f"{path}/sheet", json=typed.model_dump())
    except (Conflict, Invalid, Malformed) as error:
        return await _case(request, typed=typed, error=error, reason=reason, status=422)
    return see_other(f"/expert/{id}?done={'submitted' if action == 'submit' else 'kept'}")
