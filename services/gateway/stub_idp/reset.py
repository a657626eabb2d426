"""Reset a forgotten password (忘记密码): a code by e-mail, 60 s between two, ten minutes, five tries."""

import hmac
import secrets
from datetime import timedelta

from aiohttp import web
from sqlalchemy.dialects.postgresql import insert

from services.gateway.stub_idp import mails, passwords, signing_out
from services.gateway.stub_idp.browsers import captcha_passes
from services.gateway.stub_idp.context import DATABASE, SETTINGS
from services.gateway.stub_idp.forms import fields
from services.gateway.stub_idp.models import StubAccount, StubResetCode
from services.gateway.stub_idp.pages import show
from shared import clock

BETWEEN = timedelta(seconds=60)
LASTS = timedelta(minutes=10)
MAX_TRIES = 5
SENT = "如果该用户名存在，验证码已发送到其注册邮箱，10 分钟内有效；60 秒内不重复发送。"


async def forgotten(request: web.Request) -> web.Response:
    """忘记密码."""
    return await show(request, "reset.html", {"username": ""}, captcha=True)


async def send_code(request: web.Request) -> web.Response:
    """A code goes out, or not: the page does not tell which accounts there are."""
    form = await fields(request)
    username = form.get("username", "").strip()[:100]
    errors = {} if username else {"username": "请填写用户名"}
    if not await captcha_passes(request, form):
        errors["captcha"] = "验证码错误，请重新输入"
    if errors:
        return await show(request, "reset.html", {"username": username}, errors=errors, captcha=True)
    async with request.app[DATABASE].begin() as session:
        account = await session.get(StubAccount, username, with_for_update=True)
        last = await session.get(StubResetCode, username)
        now = clock.now()
        if account and account.email and not (last and now - last.sent_at < BETWEEN):
            code = f"{secrets.randbelow(10**6):06d}"
            row = {
                "username": username,
                "code_sha256": _digest(request, username, code),
                "tries": 0,
                "sent_at": now,
                "expires_at": now + LASTS,
            }
            await session.execute(
                insert(StubResetCode).values(row).on_conflict_do_update(index_elements=["username"], set_=row)
            )
            text = f"您正在找回账号 {username} 的密码，验证码 {code}，10 分钟内有效。如非本人操作，请忽略本邮件。"
            mails.owe(session, account.email, "找回密码验证码", text)
    return await show(request, "reset_code.html", {"username": username, "code": "", "sent": SENT})


def _digest(request: web.Request, username: str, code: str) -> str:
    # Six digits alone could be found by trying all of them against a digest.
    return hmac.digest(request.app[SETTINGS].signing_key, f"{username}:{code}".encode(), "sha256").hex()


async def set_password(request: web.Request) -> web.Response:
    """A new password, for whoever has the code; a lock ends with it."""
    form = await fields(request)
    username = form.get("username", "").strip()[:100]
    code = form.get("code", "").strip()[:20]
    errors: dict[str, str] = {} if code else {"code": "请填写邮件中的验证码"}
    if wrong := passwords.fault(form.get("password", ""), username):
        errors["password"] = wrong
    elif form.get("password") != form.get("again"):
        errors["again"] = "两次输入的密码不一致"
    if not errors:
        async with request.app[DATABASE].begin() as session:
            row = await session.get(StubResetCode, username, with_for_update=True)
            account = await session.get(StubAccount, username, with_for_update=True)
            good = (
                row is not None
                and account is not None
                and row.tries < MAX_TRIES
                and row.expires_at > clock.now()
                and hmac.compare_digest(row.code_sha256, _digest(request, username, code))
            )
            if row and not good:
                row.tries += 1
            if good and row and account:
                account.password_hash = await passwords.hashed(form["password"])
                await passwords.forgive(session, username)
                await session.delete(row)
                if account.email:
                    mails.owe(
                        session,
                        account.email,
                        "密码已修改",
                        f"账号 {username} 的密码刚刚被修改。如非本人操作，请立即拨打热线。",
                    )
        if good and account:
            await signing_out.tell(request, account.subject)
            return await show(request, "reset_done.html", {})
        errors["code"] = "验证码错误或已失效，请核对或重新获取"
    context = {"username": username, "code": code, "sent": ""}
    return await show(request, "reset_code.html", context, errors=errors)
