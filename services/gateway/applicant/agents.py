"""Show 委托填报: whom of another company the enterprise has invited to one application; invite them, and take it back."""

from aiohttp import web

from services.gateway.accounts import invitations
from services.gateway.accounts.accounts import note
from services.gateway.web.addresses import client_address
from services.gateway.web.administration import administrator, key_of, link, must_administer
from services.gateway.web.calls import application, new_key
from services.gateway.web.context import DATABASE, SESSION
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared.contract.sections import ApplicationView
from shared.errors import Conflict, NotFound, TooMany
from shared.http.app import see_other, uuid_in_path
from shared.identity import Duty
from shared.text.identifiers import uscc


async def show(request: web.Request) -> web.Response:
    """委托填报."""
    return await _show(request, await _own(request))


async def _own(request: web.Request) -> ApplicationView:
    """The application, for its own enterprise's people: an agent invites nobody."""
    if request[SESSION].grant_in(request.path) is not None:
        raise NotFound
    return await application(request)


async def _show(
    request: web.Request, found: ApplicationView, fault: str = "", typed: str = "", made: str = ""
) -> web.Response:
    async with request.app[DATABASE].begin() as session:
        listed = await invitations.listed(session, found.enterprise, found.id)
    context = {
        "application": found,
        "invited": listed,
        "hours": round(invitations.LASTS.total_seconds() / 3600),
        "fault": fault,
        "typed": typed,
        "made": made,
        "key": new_key(),
        "done": "已收回，对方立即不能再打开本项目。"
        if request.query.get("done") == "ended" and not fault
        else None,
    }
    return page(request, "applicant/agents.html", context, status=422 if fault else 200)


async def invite(request: web.Request) -> web.Response:
    """生成邀请链接, for the people of one other company."""
    form = await read_form(request)
    found, typed = await _own(request), one(form, "company")
    must_administer(request)
    try:
        company = uscc(typed)
    except ValueError as error:
        return await _show(request, found, str(error), typed)
    if company == found.enterprise:
        told = "这是本单位的统一社会信用代码。本单位人员登录后即可办理，不需要邀请。"
        return await _show(request, found, told, typed)
    try:
        async with request.app[DATABASE].begin() as session:
            by = await administrator(request, session)
            secret = await invitations.make(
                session, by, key_of(form), for_enterprise=company, duties=[Duty.FILL], application=found.id,
                application_name=found.project_name or f"未命名项目（{found.fund_type_label}）",
            )  # fmt: skip
            note(
                session, "invitation_made", by.subject, client_address(request), enterprise=by.enterprise,
                application=str(found.id), company=company,
            )  # fmt: skip
    except (Conflict, TooMany) as error:
        return await _show(request, found, error.detail, typed)
    return await _show(request, found, made=link(request, secret))


async def take_back(request: web.Request) -> web.Response:
    """收回: the link, or what the person who accepted it may do, at once."""
    await read_form(request)
    found = await _own(request)
    async with request.app[DATABASE].begin() as session:
        by = await administrator(request, session)
        ended = await invitations.end(session, by.enterprise or "", uuid_in_path(request, "invitation"), found.id)
        note(
            session, "invitation_ended", by.subject, client_address(request), enterprise=by.enterprise,
            application=str(found.id), invitation=str(ended.id), company=ended.for_enterprise,
        )  # fmt: skip
    return see_other(f"/applications/{found.id}/agents?done=ended")
