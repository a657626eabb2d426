"""The stub's three endpoints and its form, in the dialect of the city's platform (RULES)."""

import hmac
import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

import jwt
from aiohttp import web

from services.gateway.context import DATABASE, SETTINGS, SIGN_INS
from services.gateway.pages.rendering import page
from services.gateway.settings import GatewaySettings
from services.gateway.signin.handlers import client_address, see_other
from services.gateway.stub_idp import grants, people
from shared import clock
from shared.errors import Malformed, NotAllowed
from shared.web import answer

FORM_LASTS = timedelta(minutes=10)
FIELDS = ("client_id", "redirect_uri", "state", "code_challenge")


def _key(settings: GatewaySettings) -> bytes:
    return hmac.digest(settings.signing_key, b"stub form", "sha256")


def _must_be_ours(settings: GatewaySettings, client_id: str, redirect_uri: str) -> None:
    # Refused with a page, never by a redirect to an address that nobody vouches for.
    if client_id != settings.idp_client_id or redirect_uri != settings.public("/login/callback"):
        raise Malformed("应用未在统一身份认证平台登记。", code="unknown_client")


async def show_form(request: web.Request) -> web.Response:
    """The platform's sign-in form."""
    settings, query = request.app[SETTINGS], request.query
    _must_be_ours(settings, query.get("client_id", ""), query.get("redirect_uri", ""))
    complete = (
        query.get("response_type") == "code"
        and query.get("code_challenge_method") == "S256"
        and re.fullmatch(r"[A-Za-z0-9_-]{43}", query.get("code_challenge", ""))
        and 8 <= len(query.get("state", "")) <= 200
    )
    if not complete:
        raise Malformed("登录请求不完整，请重新登录。", code="bad_authorize_request")
    claims = {**{name: query[name] for name in FIELDS}, "exp": clock.now() + FORM_LASTS}
    return _form(request, jwt.encode(claims, _key(settings), "HS256"))


def _form(request: web.Request, sealed: str, *, username: str = "", fault: str = "") -> web.Response:
    context = {
        "sealed": sealed,
        "username": username,
        "fault": fault,
        "captcha": request.app[SETTINGS].stub_captcha,
        "accounts": [(p.username, p.name) for p in people.demo().people],
        "password": people.DEMO_PASSWORD,
    }
    return page(request, "stub_idp.html", context, status=422 if fault else 200)


async def sign_in(request: web.Request) -> web.Response:
    """The form's answer: back to the client with a code, or the form again with what was wrong."""
    settings = request.app[SETTINGS]
    request.app[SIGN_INS].take(client_address(request))
    form = await _fields(request)
    try:
        asked = jwt.decode(form.get("request", ""), _key(settings), algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise Malformed("登录页面已失效，请重新登录。", code="signin_expired") from error
    username = form.get("username", "").strip()[:100]
    if form.get("captcha", "").strip() != settings.stub_captcha:
        return _form(request, form["request"], username=username, fault="验证码错误，请重新输入。")
    async with request.app[DATABASE].begin() as session:
        try:
            account = await people.check_password(session, username, form.get("password", "")[:200])
        except NotAllowed as locked:
            return _form(request, form["request"], username=username, fault=locked.detail)
        code = None
        if account is not None:
            code = await grants.issue(
                session,
                account.username,
                client_id=asked["client_id"],
                redirect_uri=asked["redirect_uri"],
                code_challenge=asked["code_challenge"],
            )
    if code is None:
        return _form(request, form["request"], username=username, fault="用户名或密码错误，请重新输入。")
    return see_other(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")


async def _fields(request: web.Request) -> dict[str, str]:
    raw = await request.read()
    try:
        return dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=50))
    except ValueError as error:
        raise Malformed from error


async def token(request: web.Request) -> web.Response:
    """A code for a token, for the client that proves itself by its secret and the verifier."""
    settings = request.app[SETTINGS]
    form = await _fields(request)
    secret = settings.idp_client_secret.get_secret_value()
    if form.get("client_id") != settings.idp_client_id or not hmac.compare_digest(
        form.get("client_secret", "").encode(), secret.encode()
    ):
        raise Malformed(code="invalid_client")
    async with request.app[DATABASE].begin() as session:
        access = await grants.redeem(
            session,
            form.get("code", ""),
            client_id=form["client_id"],
            redirect_uri=form.get("redirect_uri", ""),
            verifier=form.get("code_verifier", ""),
        )
    if access is None:
        # After the commit: that a used code came back also ended the token it was changed for.
        raise Malformed(code="invalid_grant")
    seconds = int(grants.TOKEN_LASTS.total_seconds())
    return answer({"access_token": access, "token_type": "Bearer", "expires_in": seconds})


async def tokeninfo(request: web.Request) -> web.Response:
    """Whose token it is, as the platform says it."""
    async with request.app[DATABASE].begin() as session:
        account = await grants.owner(session, request.query.get("access_token", ""))
    return answer(account.attributes)
