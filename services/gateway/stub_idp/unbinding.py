"""Offer 解绑 before an application can be started: the notice, the request with a stamped scan, and the way on afterwards."""

import hmac
from datetime import timedelta
from uuid import uuid4

import jwt
from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.stub_idp import authorization, forms, grants, mails
from services.gateway.stub_idp.authorization import AuthorizationRequest, back
from services.gateway.stub_idp.context import DATABASE, SETTINGS, WORKDAYS
from services.gateway.stub_idp.forms import WrongScan, checked, fields
from services.gateway.stub_idp.models import StubAccount, StubBinding, StubRegistryEntry, StubReview
from services.gateway.stub_idp.pages import show
from services.gateway.stub_idp.settings import StubSettings
from shared import clock, codes
from shared.errors import Malformed
from shared.text import identifiers

LASTS = timedelta(minutes=30)
REVIEW_WORKING_DAYS = 2


async def is_bound(session: AsyncSession, uscc: str | None) -> bool:
    """Whether an enterprise is bound to another account, so that 解绑 comes before 资金申报(工美)."""
    return uscc is not None and await session.get(StubBinding, uscc) is not None


def _key(settings: StubSettings) -> bytes:
    return hmac.digest(settings.signing_key, b"stub unbinding", "sha256")


def ticket(settings: StubSettings, username: str, wanted: AuthorizationRequest) -> str:
    """Proof that this account's password was right a moment ago, and where it was going."""
    claims = {"username": username, "request": authorization.seal(settings, wanted), "exp": clock.now() + LASTS}
    return jwt.encode(claims, _key(settings), "HS256")


def _open(settings: StubSettings, sealed: str) -> tuple[str, AuthorizationRequest]:
    try:
        claims = jwt.decode(sealed, _key(settings), algorithms=["HS256"], options={"require": ["exp"]})
        return str(claims["username"]), authorization.unseal(settings, str(claims["request"]))
    except (jwt.InvalidTokenError, KeyError) as error:
        raise Malformed("页面已失效，请重新登录。", code=codes.SIGNIN_EXPIRED) from error


async def show_notice(
    request: web.Request,
    username: str,
    wanted: AuthorizationRequest,
    *,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> web.Response:
    """The notice, with the form for a request or the state of the last one."""
    async with request.app[DATABASE].begin() as session:
        account = await session.get_one(StubAccount, username)
        binding = await session.get(StubBinding, account.uscc or "")
        entry = await session.get(StubRegistryEntry, account.uscc or "")
        last = await session.scalar(
            select(StubReview)
            .where(StubReview.username == username, StubReview.kind == "unbinding")
            .order_by(StubReview.created_at.desc())
            .limit(1)
        )
    context = {
        "sealed": ticket(request.app[SETTINGS], username, wanted),
        "holder": binding.holder if binding else "",
        "enterprise": entry.attributes["ORG_NAME"] if entry else "",
        "uscc": account.uscc or "",
        "last": last,
        "typed": typed or {},
    }
    return await show(request, "unbind.html", context, errors=errors)


async def ask(request: web.Request) -> web.Response:
    """提交解绑申请."""
    settings = request.app[SETTINGS]
    form, file = await forms.read(request)
    username, wanted = _open(settings, form.get("ticket", ""))
    errors: dict[str, str] = {}
    name, reason = form.get("name", "").strip(), form.get("reason", "").strip()
    if not name:
        errors["name"] = "请填写申请人姓名"
    try:
        phone = identifiers.phone(form.get("phone", ""))
    except ValueError as error:
        errors["phone"] = str(error)
    if not 5 <= len(reason) <= 500:
        errors["reason"] = "请用 5 至 500 字说明解绑原因"
    try:
        scan = checked(file)
    except WrongScan as wrong:
        errors["scan"] = str(wrong) if file else "请上传加盖公章的解绑申请书扫描件"
    if errors:
        return await show_notice(request, username, wanted, typed=form, errors=errors)
    async with request.app[DATABASE].begin() as session:
        account = await session.get_one(StubAccount, username, with_for_update=True)
        open_one = select(StubReview.id).where(
            StubReview.username == username, StubReview.kind == "unbinding", StubReview.decided_at.is_(None)
        )
        if await session.scalar(open_one) is None:
            due = request.app[WORKDAYS].after(clock.now(), REVIEW_WORKING_DAYS)
            session.add(
                StubReview(
                    id=uuid4(),
                    kind="unbinding",
                    uscc=account.uscc or "",
                    username=username,
                    facts={"申请人": name[:100], "联系电话": phone, "解绑原因": reason},
                    scan=scan.content,
                    scan_type=scan.media_type,
                    due_at=due,
                )
            )
            if account.email:
                text = f"您的解绑申请已提交，预计于 {clock.show_date(due)} 前完成审核。解绑服务审核热线：010-55520600。"
                mails.owe(session, account.email, "解绑申请已提交", text)
    return await show_notice(request, username, wanted)


async def go_on(request: web.Request) -> web.Response:
    """继续办理: to where one was going, once 解绑 has been approved."""
    settings = request.app[SETTINGS]
    username, wanted = _open(settings, (await fields(request)).get("ticket", ""))
    async with request.app[DATABASE].begin() as session:
        account = await session.get_one(StubAccount, username)
        bound = await is_bound(session, account.uscc)
        code = None if bound else await grants.issue(session, wanted, account.attributes)
    if code is None:
        return await show_notice(request, username, wanted)
    return back(wanted, code)
