"""Sign in with a certificate (使用一证通证书登录): a challenge, its signature, and back to the client; no registration."""

import asyncio
import hashlib
import secrets
from pathlib import Path

from aiohttp import web

from services.gateway.stub_idp import authorization, browsers, certificates, grants
from services.gateway.stub_idp.authorization import AuthorizationRequest, back
from services.gateway.stub_idp.certificates import Holder, WrongCertificate
from services.gateway.stub_idp.context import DATABASE, SETTINGS
from services.gateway.stub_idp.forms import fields
from services.gateway.stub_idp.models import StubRegistryEntry
from services.gateway.stub_idp.pages import show
from services.gateway.stub_idp.people import CERTIFICATE, tokeninfo
from services.gateway.stub_idp.unbinding import is_bound
from shared import clock

BOUND = "本单位需先解绑：请使用口令账号登录后提交解绑申请，审核热线 010-55520600。"


async def form(request: web.Request) -> web.Response:
    """The challenge, and where its signature goes."""
    wanted = authorization.unseal(request.app[SETTINGS], request.query.get("request", ""))
    return await _form(request, wanted)


async def _form(
    request: web.Request, wanted: AuthorizationRequest, *, certificate: str = "", fault: str = ""
) -> web.Response:
    challenge = secrets.token_urlsafe(32)
    async with request.app[DATABASE].begin() as session:
        id = await browsers.challenge(session, request, "certificate", challenge)
    context = {
        "sealed": authorization.seal(request.app[SETTINGS], wanted),
        "id": id,
        "challenge": challenge,
        "certificate": certificate,
        "configured": bool(request.app[SETTINGS].stub_ca_file),
    }
    return await show(request, "certificate.html", context, fault=fault)


async def sign_in(request: web.Request) -> web.Response:
    """Back to the client with a code, or the page again with a new challenge and what was wrong."""
    settings = request.app[SETTINGS]
    given = await fields(request)
    wanted = authorization.unseal(settings, given.get("request", ""))
    pem = given.get("certificate", "")[:20_000]
    # A transaction of its own: a challenge is spent whatever comes of it.
    async with request.app[DATABASE].begin() as session:
        challenge = await browsers.take(session, request, "certificate", given.get("challenge_id", ""))
    if challenge is None:
        return await _form(request, wanted, certificate=pem, fault="签名内容已失效，请对新的内容签名。")
    if not settings.stub_ca_file:
        return await _form(request, wanted, certificate=pem, fault="尚未配置证书机构，暂不能使用证书登录。")
    try:
        ca = await asyncio.to_thread(Path(settings.stub_ca_file).read_bytes)
        holder = certificates.read(ca, pem, given.get("signature", ""), challenge, clock.now())
    except WrongCertificate as wrong:
        return await _form(request, wanted, certificate=pem, fault=f"{wrong}。")
    async with request.app[DATABASE].begin() as session:
        entry = await session.get(StubRegistryEntry, holder.uscc)
        bound = await is_bound(session, holder.uscc)
        attributes = entry.attributes if entry else {"UNION_CODE": holder.uscc, "ORG_NAME": holder.org_name}
        said = tokeninfo(
            _subject(holder), holder.person, attributes, mobile=None, email=None, credential=CERTIFICATE
        )
        code = None if bound else await grants.issue(session, wanted, said)
    if code is None:
        return await _form(request, wanted, certificate=pem, fault=BOUND)
    return back(wanted, code)


def _subject(holder: Holder) -> str:
    # The holder stays the same person when the certificate is renewed.
    return f"cert-{hashlib.sha256(f'{holder.uscc}/{holder.person}'.encode()).hexdigest()[:24]}"
