"""Ask the services what several pages need."""

import asyncio
import re
from typing import Any, TypeVar, Unpack, overload
from uuid import uuid4

from aiohttp import web

from services.gateway.web.access import actor
from services.gateway.web.backend import Answer, Options
from services.gateway.web.context import SERVICES, SESSION
from services.gateway.web.profiles import PROFILES
from shared.errors import Conflict, DomainError, NotFound
from shared.http.app import uuid_in_path
from shared.identity import Role

Json = dict[str, Any]
T = TypeVar("T")
# How often, and after how many seconds each, a second click asks what became of the first.
PATIENCE, PAUSE = 20, 0.5
# Published forms never change: asked for once a process.
_FORMS: dict[tuple[str, int], Json] = {}


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
            return await request.app[SERVICES].ask(actor(request), method, path, model, **options)
        except Conflict as error:
            if error.code != "in_progress":
                raise
            await asyncio.sleep(PAUSE)
    return await request.app[SERVICES].ask(actor(request), method, path, model, **options)


async def profile(request: web.Request, *, anew: bool = False) -> str:
    """What is known of the applicant, for a call that wants it (`beside`)."""
    return await request.app[PROFILES].header(request[SESSION].account, anew=anew)


def asked_for(found: Json, requests: list[Json], opinions: list[Json]) -> list[Json]:
    """申请开放 as they stand: one that had no answer when the application was submitted again is `late`, nobody answers it."""
    # Every return has an opinion; those being noted for the next are not sent.
    trip = max((o["round_trip"] for o in opinions if o["sent"]), default=0)
    live = found["state"] == "returned"
    return [
        {**r, "status": "late"} if r["status"] == "open" and not (live and r["round_trip"] == trip) else r
        for r in requests
    ]


async def nothing(body: T) -> Answer[T]:
    """An answer that need not be asked for, where others are awaited beside it."""
    return Answer(200, "", body)


async def application(request: web.Request) -> Json:
    """The application in the path."""
    found: Json = (await ask(request, "GET", f"/applications/{uuid_in_path(request)}")).body
    return found


async def definition(request: web.Request, application: Json) -> Json:
    """The form an application pinned."""
    key = (application["fund_type"], application["form_version"])
    if key not in _FORMS:
        _FORMS[key] = with_own_lists((await ask(request, "GET", f"/forms/{key[0]}/{key[1]}")).body)
    return _FORMS[key]


def with_own_lists(form: Json) -> Json:
    """The form with the options that several fields share standing in each of them; those of the round stay with the round."""

    def resolved(part: Json) -> Json:
        shared = form["lists"].get(part.get("options_from"))
        return part if shared is None else {**part, "options": shared, "options_from": None}

    def section(found: Json) -> Json:
        tables = [{**t, "columns": [resolved(c) for c in t["columns"]]} for t in found["tables"]]
        return {**found, "fields": [resolved(f) for f in found["fields"]], "tables": tables}

    return {**form, "sections": [section(found) for found in form["sections"]]}


def section_of(form: Json, key: str) -> Json:
    """One section's definition, or `NotFound`."""
    found: Json | None = next((s for s in form["sections"] if s["key"] == key), None)
    if found is None or not re.fullmatch("[A-Za-z0-9_]+", key):
        raise NotFound
    return found


def revision_number(text: str) -> int:
    """A revision's number out of an address."""
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) <= 6 or not int(text):
        raise NotFound
    return int(text)


async def unsent(request: web.Request) -> list[Json]:
    """What this enterprise has begun and not submitted; nothing for others, or while applications does not answer."""
    session = request.get(SESSION)
    if session is None or Role.APPLICANT not in session.roles:
        return []
    try:
        found = await ask(request, "GET", "/applications", query={"state": "draft,returned", "limit": "3"})
    except DomainError:
        return []
    items: list[Json] = found.body["items"]
    return items


def filters(request: web.Request, *names: str) -> tuple[dict[str, str], dict[str, str]]:
    """A list's filters from the address: all of them for its form, and those that are set for the service."""
    shown = {name: request.query.get(name, "") for name in names}
    return shown, {name: value for name, value in shown.items() if value}


def new_key() -> str:
    """An idempotency key for one intent; it stands in the form, so that sending the form twice is one act."""
    return uuid4().hex
