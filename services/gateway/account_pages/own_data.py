"""Show what is kept of oneself (我的信息): masked, and whole on request (PIPL 45)."""

from aiohttp import web
from sqlalchemy import select

from services.gateway.accounts import attributes
from services.gateway.accounts.accounts import note
from services.gateway.accounts.models import Account, Audit, Consent
from services.gateway.web.addresses import client_address
from services.gateway.web.calls import ask
from services.gateway.web.context import BROWSER_SESSIONS, DATABASE, KEYS, SESSION
from services.gateway.web.form_data import read_form
from services.gateway.web.rendering import page
from services.gateway.web.switches import must_be_on
from shared import clock
from shared.contract.applications import ApplicationPage
from shared.contract.sections import ApplicationView, SectionView
from shared.identity import Role
from shared.text.json_text import dumps
from shared.text.masking import mask

MAX_APPLICATIONS = 500
LABELS = {
    "BLR_NAME": "姓名",
    "BLR_MOBILE": "手机",
    "BLR_EMAIL": "邮箱",
    "ORG_NAME": "单位",
    "LEGAL_PERSON": "法定代表人",
}
MASKED = {"BLR_MOBILE"}


async def show(request: web.Request) -> web.Response:
    """What the portal knows of this account."""
    person = request[SESSION]
    async with request.app[DATABASE].begin() as session:
        account = await session.get_one(Account, person.account)
        consents = (await session.scalars(select(Consent).where(Consent.account_id == account.id))).all()
        known = attributes.attributes(request.app[KEYS], account)
    shown = [
        (label, mask(str(known[name])) if name in MASKED else known[name])
        for name, label in LABELS.items()
        if known.get(name) and known[name] not in {account.name, account.enterprise_name}
    ]
    return page(request, "account_pages/my_data.html", {"account": account, "known": shown, "consents": consents})


async def export(request: web.Request) -> web.Response:
    """Everything at once, as a JSON file; the audit remembers that it was asked for."""
    await read_form(request)
    must_be_on(request, "exports")
    person = request[SESSION]
    async with request.app[DATABASE].begin() as session:
        account = await session.get_one(Account, person.account)
        consents = (await session.scalars(select(Consent).where(Consent.account_id == account.id))).all()
        done = (
            await session.scalars(select(Audit).where(Audit.subject == account.subject).order_by(Audit.id))
        ).all()
        body: dict[str, object] = {
            "exported_at": clock.now().isoformat(),
            "account": {
                "id": str(account.id),
                "subject": account.subject,
                "name": account.name,
                "roles": account.roles,
                "duties": account.duties,
                "administers": account.administers,
                "grants": account.grants,
                "enterprise": account.enterprise,
                "enterprise_name": account.enterprise_name,
                "created_at": account.created_at.isoformat(),
                "attributes": attributes.attributes(request.app[KEYS], account),
            },
            "consents": [{"version": c.version, "at": c.at.isoformat(), "address": c.address} for c in consents],
            "sign_ins": [{"action": a.action, "at": a.at.isoformat(), "address": a.address} for a in done],
        }
        note(session, "own_data_exported", account.subject, client_address(request))
    body["sessions"] = [
        {"since": s.created_at.isoformat(), "address": s.address, "agent": s.agent}
        for s in await request.app[BROWSER_SESSIONS].all_of(person.account)
    ]
    if Role.APPLICANT in person.roles:
        body["applications"] = await _applications(request)
    name = f"my-data-{clock.today():%Y%m%d}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=dumps(body), content_type="application/json", headers=headers)


async def _applications(request: web.Request) -> list[dict[str, object]]:
    """Applications with every section as it is saved."""
    found: list[dict[str, object]] = []
    query: dict[str, str] = {}
    while len(found) < MAX_APPLICATIONS:
        listed = (await ask(request, "GET", "/applications", ApplicationPage, query=query)).body
        for item in listed.items:
            path = f"/applications/{item.id}"
            whole = (await ask(request, "GET", path, ApplicationView)).body
            sections = {
                s.key: (await ask(request, "GET", f"{path}/sections/{s.key}", SectionView)).body.saved
                for s in whole.sections
            }
            found.append({**item.model_dump(mode="json"), "sections": sections})
        if not listed.next_cursor:
            break
        query = {"cursor": listed.next_cursor}
    return found
