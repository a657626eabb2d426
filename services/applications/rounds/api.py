"""Serve rounds and forms."""

import asyncio

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import round_queries
from services.applications.core.context import PEERS, SETTINGS, transaction
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.catalogue import sound as sound_forms
from services.applications.rounds import class_extensions, proposals, succession
from services.applications.rounds import manage as use_case
from services.applications.rounds.views import detail, round_view
from services.applications.tables.applications import Round
from shared import clock
from shared.contract.four_eyes import Proposed
from shared.contract.rounds import (
    ClassExtensionInput,
    CloseRound,
    ExtensionInput,
    FormSummary,
    NewRound,
    PublishRound,
    RoundChange,
)
from shared.errors import NotFound
from shared.http.app import CALLER, actor, answer, body, if_match, uuid_in_path
from shared.roles import ROUND_READERS


async def list_rounds(request: web.Request) -> web.Response:
    """Open and coming rounds, and what was extended for one's own enterprise. Those who write, publish or serve rounds see every one.
    They are public: nobody need be signed in."""
    who = request[CALLER].actor
    at = who.received_at if who else clock.now()
    async with transaction(request) as session:
        reader = who is not None and bool(who.roles & ROUND_READERS)
        shown = await use_case.shown_to(session, who, at)
        return answer([round_view(s.round, at, s.extension, reader=reader) for s in shown])


async def list_forms(request: web.Request) -> web.Response:
    """Return every form of the catalogue that can be used, newest version first."""
    found = sorted(await asyncio.to_thread(sound_forms), key=lambda form: (form.fund_type, -form.version))
    async with transaction(request) as session:
        retired = await round_queries.retired_forms(session)
    return answer(
        [
            FormSummary(
                fund_type=f.fund_type,
                version=f.version,
                label=f.label,
                title=f.title,
                retired=(f.fund_type, f.version) in retired,
            )
            for f in found
        ]
    )


async def get_form(request: web.Request) -> web.Response:
    """Return one version of a fund type's form definition."""
    fund_type, version = request.match_info["fund_type"], request.match_info["version"]
    if not version.isdecimal() or len(version) > 6:
        raise NotFound("没有这一版表单。")
    found = catalogue_form(fund_type, int(version))
    return answer(found, Cache_Control="private, max-age=3600")


async def _detail(request: web.Request, session: AsyncSession, round_: Round, status: int = 200) -> web.Response:
    view = await detail(session, round_, actor(request), by_two=_by_two(request))
    return answer(view, status, ETag=f'"{round_.version}"')


def _by_two(request: web.Request) -> bool:
    return request.app[SETTINGS].rounds_by_two


def _seen(request: web.Request) -> str | None:
    """Return the version the caller saw, where they say so: two people then do not overwrite each other."""
    return if_match(request) if "If-Match" in request.headers else None


async def get_round(request: web.Request) -> web.Response:
    """Return a round with what its form needs, its late acceptances, its history; its ETag is its version."""
    async with transaction(request) as session:
        return await _detail(request, session, await round_queries.round_(session, uuid_in_path(request)))


async def create_round(request: web.Request) -> web.Response:
    """Prepare a round; applicants see it once it is published."""
    async with transaction(request) as session:
        round_ = await use_case.create(session, actor(request), body(request, NewRound), by_two=_by_two(request))
        return await _detail(request, session, round_, 201)


async def succeed_round(request: web.Request) -> web.Response:
    """Prepare a round like this one: its dates moved by whole years into the future, all else as it was."""
    async with transaction(request) as session:
        round_ = await succession.succeed(session, actor(request), uuid_in_path(request))
        return await _detail(request, session, round_, 201)


async def change_round(request: web.Request) -> web.Response:
    """Change a round. Once published its form stays; once open it can only close later. Where publishing takes two people, a change of a
    published round but for its times becomes its `proposal`."""
    async with transaction(request) as session:
        changes = body(request, RoundChange)
        round_ = await proposals.change(
            session, actor(request), uuid_in_path(request), _seen(request), changes, by_two=_by_two(request)
        )
        return await _detail(request, session, round_)


async def confirm_change(request: web.Request) -> web.Response:
    """Make the change that somebody else proposed."""
    async with transaction(request) as session:
        round_ = await proposals.confirm(session, actor(request), uuid_in_path(request), _seen(request))
        return await _detail(request, session, round_)


async def withdraw_change(request: web.Request) -> web.Response:
    """Give up the change that is proposed."""
    async with transaction(request) as session:
        round_ = await proposals.withdraw(session, actor(request), uuid_in_path(request), _seen(request))
        return await _detail(request, session, round_)


async def publish_round(request: web.Request) -> web.Response:
    """Let applicants see it; 422 names every parameter that the form needs and the round lacks."""
    async with transaction(request) as session:
        accept = body(request, PublishRound).accept_missing
        round_ = await use_case.publish(
            session,
            actor(request),
            uuid_in_path(request),
            _seen(request),
            accept_missing=accept,
            by_two=_by_two(request),
        )
        return await _detail(request, session, round_)


async def close_round(request: web.Request) -> web.Response:
    """Close an open round at once."""
    async with transaction(request) as session:
        reason = body(request, CloseRound).reason
        round_ = await use_case.close(
            session, actor(request), uuid_in_path(request), _seen(request), reason=reason
        )
        return await _detail(request, session, round_)


async def extend_round(request: web.Request) -> web.Response:
    """Late acceptance for one enterprise. Where extensions take two people it is proposed (202): another person who may publish rounds
    confirms it."""
    given = body(request, ExtensionInput)
    async with transaction(request) as session:
        if request.app[SETTINGS].extensions_by_two:
            made = await use_case.propose_extension(session, actor(request), uuid_in_path(request), given)
            return answer(Proposed(id=made.id, until=made.until or given.until), 202)
        await use_case.extend(session, actor(request), uuid_in_path(request), given)
    return answer(given, 201)


async def extend_class(request: web.Request) -> web.Response:
    """补时 for a class of enterprises. Where extensions take two people it is proposed (202): another operator, or somebody who may publish rounds,
    confirms it."""
    given, known = body(request, ClassExtensionInput), request.app[PEERS]
    async with transaction(request) as session:
        if request.app[SETTINGS].extensions_by_two:
            made = await class_extensions.propose(session, known, actor(request), uuid_in_path(request), given)
            return answer(Proposed(id=made.id, until=made.until or given.until), 202)
        act = await class_extensions.extend(session, known, actor(request), uuid_in_path(request), given)
        return answer(class_extensions.view(act), 201)
