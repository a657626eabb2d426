"""Show 本单位成员: who belongs to the enterprise and what each may do; whoever administers changes it and invites colleagues."""

from aiohttp import web

from services.gateway.accounts import invitations, members
from services.gateway.accounts.accounts import note
from services.gateway.web.access import SAFE
from services.gateway.web.addresses import client_address
from services.gateway.web.administration import administrator, key_of, link
from services.gateway.web.calls import new_key
from services.gateway.web.context import DATABASE, SESSION
from services.gateway.web.form_data import Values, one, read_form
from services.gateway.web.rendering import page
from shared.errors import Conflict, DomainError, Malformed, TooMany
from shared.http.app import see_other, uuid_in_path
from shared.identity import Duty

DONE = {"changed": "成员的权限已更新，立即生效。", "ended": "邀请已收回，链接不能再使用。"}


async def show(request: web.Request) -> web.Response:
    """本单位成员."""
    return await _show(request)


async def _show(request: web.Request, error: DomainError | None = None, made: str = "") -> web.Response:
    enterprise = request[SESSION].enterprise
    async with request.app[DATABASE].begin() as session:
        listed = await members.of_enterprise(session, enterprise) if enterprise else []
        waiting = await invitations.listed(session, enterprise) if enterprise else []
    context = {
        "members": listed,
        "waiting": waiting,
        "duties": members.LABELS,
        "signers": [m for m in listed if Duty.SIGN in m.duties and not m.administers],
        "hours": round(invitations.LASTS.total_seconds() / 3600),
        "error": error.detail if error else None,
        "made": made,
        "key": new_key(),
        "done": DONE.get(request.query.get("done", "")) if request.method in SAFE else None,
    }
    return page(request, "account_pages/members.html", context, status=409 if error else 200)


def _duties(form: Values) -> list[Duty]:
    chosen = set(form.get("duty", []))
    if not chosen <= set(Duty):
        raise Malformed("没有这种权限。")
    return [duty for duty in Duty if duty in chosen]


async def change(request: web.Request) -> web.Response:
    """保存: what a member may do."""
    form = await read_form(request)
    id, duties, administers = uuid_in_path(request), _duties(form), one(form, "administers") == "1"
    try:
        async with request.app[DATABASE].begin() as session:
            by = await administrator(request, session)
            found = await members.change(session, by.enterprise or "", id, duties, administers=administers)
            note(
                session, "member_changed", by.subject, client_address(request), enterprise=by.enterprise,
                member=found.subject, name=found.name, duties=sorted(duties), administers=administers,
            )  # fmt: skip
    except Conflict as error:
        return await _show(request, error)
    return see_other("/account/unit?done=changed")


async def invite(request: web.Request) -> web.Response:
    """生成邀请链接, for a colleague."""
    form = await read_form(request)
    duties = _duties(form)
    try:
        async with request.app[DATABASE].begin() as session:
            by = await administrator(request, session)
            secret = await invitations.make(
                session, by, key_of(form), for_enterprise=by.enterprise or "", duties=duties
            )
            note(
                session, "invitation_made", by.subject, client_address(request), enterprise=by.enterprise,
                duties=sorted(duties),
            )  # fmt: skip
    except (Conflict, TooMany) as error:
        return await _show(request, error)
    return await _show(request, made=link(request, secret))


async def take_back(request: web.Request) -> web.Response:
    """收回 an invitation that nobody has accepted."""
    await read_form(request)
    async with request.app[DATABASE].begin() as session:
        by = await administrator(request, session)
        found = await invitations.end(session, by.enterprise or "", uuid_in_path(request), None)
        note(
            session, "invitation_ended", by.subject, client_address(request), enterprise=by.enterprise,
            invitation=str(found.id),
        )  # fmt: skip
    return see_other("/account/unit?done=ended")
