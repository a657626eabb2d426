"""Ask the services what several pages need."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, Unpack, overload
from uuid import uuid4

from aiohttp import web

from services.gateway.web.access import actor
from services.gateway.web.backend import Answer, Options
from services.gateway.web.context import SERVICES, SESSION
from services.gateway.web.profiles import PROFILES
from shared.contract.applications import ApplicationPage, ApplicationSummary
from shared.contract.forms import FormDefinition, SectionDefinition
from shared.contract.returns import OpinionView
from shared.contract.review import UnlockRequestView
from shared.contract.sections import ApplicationView
from shared.errors import Conflict, DomainError, NotFound
from shared.http.app import uuid_in_path
from shared.identity import Role

T = TypeVar("T")
# How often, and after how many seconds each, a second click asks what became of the first.
PATIENCE, PAUSE = 20, 0.5
# Published forms never change: asked for once a process.
_FORMS: dict[tuple[str, int], FormDefinition] = {}


@overload
async def ask(
    request: web.Request, method: str, path: str, model: type[T], **options: Unpack[Options]
) -> Answer[T]: ...
@overload
async def ask(
    request: web.Request, method: str, path: str, model: None = None, **options: Unpack[Options]
) -> Answer[Any]: ...
async def ask(
    request: web.Request, method: str, path: str, model: Any = None, **options: Unpack[Options]
) -> Answer[Any]:
    """One call of the public contract for whoever is signed in. The second of two clicks without a script waits for the first
    one's answer, which is its own too, since both bring the same key."""
    for _ in range(PATIENCE if options.get("key") else 0):
        try:
            return await request.app[SERVICES].ask(actor(request, path), method, path, model, **options)
        except Conflict as error:
            if error.code != "in_progress":
                raise
            await asyncio.sleep(PAUSE)
    return await request.app[SERVICES].ask(actor(request, path), method, path, model, **options)


async def profile(request: web.Request, *, anew: bool = False) -> str:
    """What is known of the applicant, for a call that wants it (`beside`)."""
    who = actor(request)
    known = who.enterprise if who.agent is not None else None
    return await request.app[PROFILES].header(known or request[SESSION].account, anew=anew)


@dataclass(frozen=True)
class Request:
    """申请开放 as it stands: one that had no answer when the application was submitted again is `late`, nobody answers it."""

    section: str
    section_label: str
    reason: str
    status: Literal["open", "late", "granted", "refused"]
    note: str
    asked_at: datetime


def asked_for(
    found: ApplicationView, requests: list[UnlockRequestView], opinions: list[OpinionView]
) -> list[Request]:
    """申请开放 as they stand."""
    # Every return has an opinion; those being noted for the next are not sent.
    trip = max((o.round_trip for o in opinions if o.sent), default=0)
    live = found.state == "returned"
    return [
        Request(
            r.section,
            r.section_label,
            r.reason,
            "late" if r.status == "open" and not (live and r.round_trip == trip) else r.status,
            r.note,
            r.asked_at,
        )
        for r in requests
    ]


async def application(request: web.Request) -> ApplicationView:
    """The application in the path."""
    return (await ask(request, "GET", f"/applications/{uuid_in_path(request)}", ApplicationView)).body


async def form_of(request: web.Request, fund_type: str, version: int) -> FormDefinition:
    """One version of a form."""
    key = (fund_type, version)
    if key not in _FORMS:
        _FORMS[key] = (await ask(request, "GET", f"/forms/{fund_type}/{version}", FormDefinition)).body
    return _FORMS[key]


def section_of(form: FormDefinition, key: str) -> SectionDefinition:
    """One section's definition, or `NotFound`."""
    found = form.by_key.get(key)
    if found is None:
        raise NotFound
    return found


def revision_number(text: str) -> int:
    """A revision's number out of an address."""
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) <= 6 or not int(text):
        raise NotFound
    return int(text)


async def unsent(request: web.Request) -> list[ApplicationSummary]:
    """What this enterprise has begun and not submitted; nothing for others, or while applications does not answer."""
    session = request.get(SESSION)
    if session is None or Role.APPLICANT not in session.roles:
        return []
    query = {"state": "draft,returned", "limit": "3"}
    try:
        return (await ask(request, "GET", "/applications", ApplicationPage, query=query)).body.items
    except DomainError:
        return []


def filters(request: web.Request, *names: str) -> tuple[dict[str, str], dict[str, str]]:
    """A list's filters from the address: all of them for its form, and those that are set for the service."""
    shown = {name: request.query.get(name, "") for name in names}
    return shown, {name: value for name, value in shown.items() if value}


def new_key() -> str:
    """An idempotency key for one intent; it stands in the form, so that sending the form twice is one act."""
    return uuid4().hex
