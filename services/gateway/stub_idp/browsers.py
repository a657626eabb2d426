"""Tie a form to the browser that it was shown to: a cookie, and challenges that can be answered once."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.stub_idp.context import DATABASE, SETTINGS
from services.gateway.stub_idp.models import StubChallenge
from shared import clock
from shared.errors import NotFound

COOKIE = "gm_stub"
LASTS = timedelta(minutes=10)
DIGITS = 5
FIXED = "fixed"
BROWSER: web.RequestKey[str] = web.RequestKey("stub_browser", str)


@dataclass(frozen=True)
class Captcha:
    """What a page shows: the challenge's id, and the answer where it is a fixed one."""

    id: str
    fixed: str


def digest(secret: str) -> str:
    """SHA-256 of a random secret, in hex: what is kept in its place."""
    return hashlib.sha256(secret.encode()).hexdigest()


def browser(request: web.Request) -> str:
    """This browser's id: its cookie's, or a new one, which `keep` gives it."""
    if BROWSER not in request:
        found = request.cookies.get(COOKIE, "")
        request[BROWSER] = found if 20 <= len(found) <= 100 and found.isascii() else secrets.token_urlsafe(24)
    return request[BROWSER]


def keep(request: web.Request, answer: web.Response) -> web.Response:
    """The answer with the browser's cookie."""
    if request.cookies.get(COOKIE) != browser(request):
        secure = request.app[SETTINGS].https
        answer.set_cookie(COOKIE, browser(request), path="/stub-idp", httponly=True, samesite="Lax", secure=secure)
    return answer


async def challenge(session: AsyncSession, request: web.Request, kind: str, answer: str) -> str:
    """A new challenge's id, for this browser."""
    await session.execute(delete(StubChallenge).where(StubChallenge.expires_at < func.now()))
    id = secrets.token_urlsafe(16)
    owner = digest(browser(request))
    session.add(
        StubChallenge(id=id, kind=kind, browser_sha256=owner, answer=answer, expires_at=clock.now() + LASTS)
    )
    return id


async def take(session: AsyncSession, request: web.Request, kind: str, id: str) -> str | None:
    """A challenge's answer, once: whoever fails gets another one. None when it is spent, too old or another's."""
    return await session.scalar(
        delete(StubChallenge)
        .where(
            StubChallenge.id == id,
            StubChallenge.kind == kind,
            StubChallenge.browser_sha256 == digest(browser(request)),
            StubChallenge.expires_at > func.now(),
        )
        .returning(StubChallenge.answer)
    )


async def new_captcha(request: web.Request) -> Captcha:
    """A captcha for the next form."""
    fixed = request.app[SETTINGS].stub_captcha
    if fixed:
        return Captcha(FIXED, fixed)
    async with request.app[DATABASE].begin() as session:
        text = "".join(secrets.choice("0123456789") for _ in range(DIGITS))
        return Captcha(await challenge(session, request, "captcha", text), "")


async def captcha_passes(request: web.Request, form: dict[str, str]) -> bool:
    """Whether a form's `captcha` answers its `captcha_id`."""
    given = form.get("captcha", "").strip()
    known: str | None = request.app[SETTINGS].stub_captcha
    if not known:
        # A transaction of its own: the try is spent whatever else becomes of the form.
        async with request.app[DATABASE].begin() as session:
            known = await take(session, request, "captcha", form.get("captcha_id", ""))
    return known is not None and hmac.compare_digest(given.encode(), known.encode())


async def captcha_text(request: web.Request, id: str) -> str:
    """What a captcha's picture shows and its sound says; `NotFound` for another browser's."""
    if fixed := request.app[SETTINGS].stub_captcha:
        return fixed
    async with request.app[DATABASE].begin() as session:
        found = await session.scalar(
            select(StubChallenge.answer).where(
                StubChallenge.id == id,
                StubChallenge.kind == "captcha",
                StubChallenge.browser_sha256 == digest(browser(request)),
                StubChallenge.expires_at > func.now(),
            )
        )
    if found is None:
        raise NotFound
    return found
