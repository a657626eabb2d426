"""Review registrations as the platform's own staff: sign in, look at documents and 解绑 requests, decide."""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiohttp import web
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.stub_idp import mails, passwords
from services.gateway.stub_idp.browsers import captcha_passes, digest
from services.gateway.stub_idp.context import DATABASE, SETTINGS, WORKDAYS, line
from services.gateway.stub_idp.forms import SUFFIXES, fields
from services.gateway.stub_idp.models import StubAccount, StubBinding, StubReview, StubSession
from services.gateway.stub_idp.pages import show
from shared import clock, codes
from shared.errors import Conflict, NotAllowed, NotFound
from shared.http.app import see_other, uuid_in_path
from shared.http.page_token import masked, unmasked
from shared.http.query_params import uuid

COOKIE = "gm_stub_review"
LASTS = timedelta(hours=2)
KINDS = {"document": "身份证件审核", "unbinding": "解绑审核"}
# What follows from a decision, said before it is made and after.
FOLLOWS = {
    ("document", True): "账号可以登录，申请人将收到邮件。",
    ("document", False): "账号不能登录，申请人将收到写明原因的邮件，可以重新注册。",
    ("unbinding", True): "原绑定解除，申请人将收到邮件，可以继续办理。",
    ("unbinding", False): "原绑定不变，申请人将收到写明原因的邮件。",
}
REVIEWER = web.RequestKey("stub_reviewer", StubSession)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def reviewers_only(handler: Handler) -> Handler:
    """The handler, for a signed-in reviewer; everybody else is asked to sign in."""

    async def checked(request: web.Request) -> web.StreamResponse:
        async with request.app[DATABASE].begin() as session:
            found = await session.get(StubSession, digest(request.cookies.get(COOKIE, "")))
        if found is None or found.expires_at < clock.now():
            return see_other("/stub-idp/review/sign-in")
        request[REVIEWER] = found
        return await handler(request)

    checked.__doc__ = handler.__doc__
    return checked


async def sign_in_form(request: web.Request) -> web.Response:
    """审核人员登录."""
    return await show(request, "review_sign_in.html", {"username": ""}, captcha=True)


async def sign_in(request: web.Request) -> web.Response:
    """A reviewer's session on the platform's own pages."""
    form = await fields(request)
    username, fault = form.get("username", "").strip()[:100], "用户名或密码错误，或没有审核权限。"
    account = None
    address, exempt = line(request)
    if not await captcha_passes(request, form):
        fault = "验证码错误，请重新输入。"
    else:
        async with request.app[DATABASE].begin() as session:
            try:
                password = form.get("password", "")[:200]
                account = await passwords.check(session, username, password, address, exempt=exempt)
            except NotAllowed as refused:
                fault = refused.detail
            if account and account.is_reviewer:
                id = secrets.token_urlsafe(32)
                await session.execute(delete(StubSession).where(StubSession.expires_at < func.now()))
                session.add(
                    StubSession(
                        id_sha256=digest(id),
                        username=username,
                        csrf_token=secrets.token_urlsafe(32),
                        expires_at=clock.now() + LASTS,
                    )
                )
    if account is None or not account.is_reviewer:
        return await show(request, "review_sign_in.html", {"username": username}, fault=fault, captcha=True)
    answer = see_other("/stub-idp/review")
    secure = request.app[SETTINGS].https
    answer.set_cookie(COOKIE, id, path="/stub-idp/review", httponly=True, samesite="Strict", secure=secure)
    return answer


@reviewers_only
async def queue(request: web.Request) -> web.StreamResponse:
    """待审核, and what was decided just before."""
    done = None
    if (id := uuid(request.query.get("done", ""))) is not None:
        async with request.app[DATABASE].begin() as session:
            done = await session.get(StubReview, id)
    return await _queue(request, done=done if done and done.decided_at else None)


async def _queue(
    request: web.Request, *, done: StubReview | None = None, errors: dict[str, str] | None = None
) -> web.Response:
    async with request.app[DATABASE].begin() as session:
        waiting = (
            await session.scalars(
                select(StubReview).where(StubReview.decided_at.is_(None)).order_by(StubReview.due_at)
            )
        ).all()
    year = clock.today().year
    calendar = request.app[WORKDAYS]
    context = {
        "waiting": waiting,
        "kinds": KINDS,
        "token": masked(request[REVIEWER].csrf_token),
        "now": clock.now(),
        "unknown_years": [y for y in (year, year + 1) if not calendar.known(y)],
        "follows": FOLLOWS,
        "done": done,
    }
    return await show(request, "review.html", context, errors=errors)


@reviewers_only
async def scan(request: web.Request) -> web.StreamResponse:
    """What was handed in, while it waits."""
    async with request.app[DATABASE].begin() as session:
        found = await session.get(StubReview, uuid_in_path(request))
    if found is None or found.scan is None or found.scan_type is None:
        raise NotFound
    disposition = f'attachment; filename="{found.id}.{SUFFIXES[found.scan_type]}"'
    return web.Response(
        body=found.scan, content_type=found.scan_type, headers={"Content-Disposition": disposition}
    )


@reviewers_only
async def decide(request: web.Request) -> web.StreamResponse:
    """通过 or 不通过, with a reason, once it has been said what follows; the person hears by e-mail."""
    form = await fields(request)
    if not hmac.compare_digest(
        request[REVIEWER].csrf_token.encode(), unmasked(form.get("csrf_token", "")).encode()
    ):
        raise NotAllowed("页面已失效，请重试。", code=codes.CSRF)
    approved = form.get("decision") == "approve"
    reason = form.get("reason", "").strip()[:500]
    id = uuid_in_path(request)
    if not approved and not reason:
        return await _queue(request, errors={str(id): "不通过时请填写原因"})
    async with request.app[DATABASE].begin() as session:
        found = await session.get(StubReview, id, with_for_update=True)
        if found is None:
            raise NotFound
        if found.decided_at is not None:
            raise Conflict("该申请已由他人处理。", code=codes.ALREADY_DECIDED)
        if not form.get("sure"):
            asked = {"review": found, "kinds": KINDS, "approved": approved, "reason": reason, "follows": FOLLOWS}
            return await show(request, "review_sure.html", asked | {"token": masked(request[REVIEWER].csrf_token)})
        found.decided_at, found.decided_by = clock.now(), request[REVIEWER].username
        found.approved, found.reason = approved, reason or None
        # Kept for the decision only.
        found.scan = None
        found.facts = {name: value for name, value in found.facts.items() if name == "企业名称"}
        await _carry_out(session, found, request.app[SETTINGS].public("/login?next=/projects"))
    return see_other(f"/stub-idp/review?done={id}")


async def _carry_out(session: AsyncSession, review: StubReview, link: str) -> None:
    account = await session.get_one(StubAccount, review.username, with_for_update=True)
    if review.kind == "document":
        account.status = "active" if review.approved else "refused"
        # Whoever was refused may register again.
        account.handler_digest = account.handler_digest if review.approved else None
        subject = "身份证件审核结果"
        good = f"账号 {account.username} 的身份证件已通过审核，现在可以登录：{link}"
        bad = f"账号 {account.username} 的身份证件未通过审核。原因：{review.reason}。请重新注册，或拨打 010-58511090。"
    else:
        if review.approved:
            await session.execute(delete(StubBinding).where(StubBinding.uscc == review.uscc))
        subject = "解绑审核结果"
        good = f"您的解绑申请已通过审核，请从这里继续办理：{link}"
        bad = f"您的解绑申请未通过审核。原因：{review.reason}。请修改后重新提交，审核热线：010-55520600。"
    if account.email:
        mails.owe(session, account.email, subject, good if review.approved else bad)


async def sign_out(request: web.Request) -> web.Response:
    """退出."""
    async with request.app[DATABASE].begin() as session:
        key = digest(request.cookies.get(COOKIE, ""))
        await session.execute(delete(StubSession).where(StubSession.id_sha256 == key))
    answer = see_other("/stub-idp/review/sign-in")
    answer.del_cookie(COOKIE, path="/stub-idp/review")
    return answer
