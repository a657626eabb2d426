"""Serve one section: read, 暂存, 保存表单, 放弃修改."""

from typing import Any

from aiohttp import web

from services.applications.core import repository, round_queries
from services.applications.core.context import CODEC, ENGINE, transaction
from services.applications.core.return_seen import mark_seen
from services.applications.filling import autosave
from services.applications.filling import sections as use_case
from services.applications.filling.filled_form import of_rows
from services.applications.filling.views import section_view, section_written
from shared.contract.sections import SectionNow, SectionValues
from shared.http.app import actor, answer, body, if_match, uuid_in_path


def _written(opened: use_case.Opened, now: SectionNow, shown: dict[str, Any] | None) -> web.Response:
    view = section_written(opened, now, shown)
    return answer(view, ETag=f'"{view.etag}"')


async def get_section(request: web.Request) -> web.Response:
    """Return both copies of a section, what the registry knows, and its attachments."""
    who, id, key = actor(request), uuid_in_path(request), request.match_info["key"]
    async with transaction(request) as session:
        opened = await use_case.open_section(session, request.app[CODEC], who, id, key)
        await mark_seen(session, opened.application, who)
        files = await repository.attachments(session, id)
        rows = await repository.sections(session, id)
        filled = await of_rows(session, opened.application, opened.form, opened.codec, rows, files)
        typed = opened.shown()
        now = filled.now(opened.definition, filled.untyped(opened.definition) if typed is None else typed)
        round_ = await round_queries.round_(session, opened.application.round_id)
        view = section_view(opened, [file for file in files if file.section == key], now, round_, who, filled)
    return answer(view, ETag=f'"{view.etag}"')


async def keep_draft(request: web.Request) -> web.Response:
    """暂存: keep what was typed, without validation. It does not count for submission."""
    opened, now, kept = await autosave.keep_draft(
        request.app[ENGINE],
        request.app[CODEC],
        actor(request),
        uuid_in_path(request),
        request.match_info["key"],
        if_match(request),
        body(request, SectionValues),
    )
    return _written(opened, now, kept)


async def discard_draft(request: web.Request) -> web.Response:
    """放弃修改: back to what is saved."""
    async with transaction(request) as session:
        opened, now = await use_case.discard_draft(
            session,
            request.app[CODEC],
            actor(request),
            uuid_in_path(request),
            request.match_info["key"],
            if_match(request),
        )
    return _written(opened, now, opened.shown())


async def save_section(request: web.Request) -> web.Response:
    """保存表单: validate and make it count, or 422 with every error at once."""
    async with transaction(request) as session:
        saved = await use_case.save(
            session,
            request.app[CODEC],
            actor(request),
            uuid_in_path(request),
            request.match_info["key"],
            if_match(request),
            body(request, SectionValues),
        )
        now = await use_case.standing(session, saved.opened)
    return _written(saved.opened, now, saved.kept)
