"""Carry values over into a newer version of the form, or from an earlier application (复制往年申报), and report what was kept,
moved, has to be checked, or has no place any more."""

import asyncio
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from aiohttp import web

from services.gateway.form import form_view, registry_news
from services.gateway.web.calls import application, ask, form_of, new_key, profile
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared.contract.applications import ApplicationPage
from shared.contract.carried_over import Entry, Rebased, ReportView
from shared.contract.forms import FormDefinition
from shared.contract.rounds import RoundView
from shared.errors import Conflict, DomainError, NotFound, Stale
from shared.http.app import see_other, uuid_in_path

# The kinds of a report's lines in the order in which a person needs them.
KINDS = (
    ("attention", "需要核对"),
    ("left_over", "没有对应的填写位置"),
    ("new", "新增的项目"),
    ("moved", "已移至新的位置"),
    ("kept", "已带入"),
)
SOURCE_PAGE = "20"


@dataclass(frozen=True)
class Line:
    """What became of one part, and the way to its place where it has one."""

    label: str
    message: str
    href: str | None


@dataclass(frozen=True)
class Material:
    label: str
    lines: list[Line]


@dataclass(frozen=True)
class Told:
    """The lines of one kind, by material."""

    kind: str
    title: str
    count: int
    materials: list[Material]


def told(report: ReportView, form: FormDefinition, id: UUID) -> list[Told]:
    """A report by kinds: of each its lines by material, with the way to their places."""
    found = []
    for kind, title in KINDS:
        entries = [e for e in report.entries if e.kind == kind]
        if entries:
            materials = [
                Material(label, [Line(e.label, e.message, _href(e, form, id)) for e in lines])
                for label, lines in groupby(entries, key=lambda e: e.section_label)
            ]
            found.append(Told(kind, title, len(entries), materials))
    return found


def _href(entry: Entry, form: FormDefinition, id: UUID) -> str | None:
    section = form.by_key.get(entry.section)
    if entry.kind == "left_over" or section is None:
        return None
    anchor = form_view.anchor(section, entry.field, entry.row, entry.column)
    return f"/applications/{id}/sections/{entry.section}#{anchor}"


async def foresee(request: web.Request) -> web.Response:
    """更新为新版申报表: what would become of everything, and the button."""
    return await _foresee(request)


async def _foresee(request: web.Request, fault: str | None = None, status: int = 200) -> web.Response:
    found = await application(request)
    if found.newer_form_version is None:
        return see_other(f"/applications/{found.id}")
    path, beside = f"/applications/{found.id}/rebase", await profile(request)
    report = (await ask(request, "GET", path, ReportView, beside=beside)).body
    form = await form_of(request, found.fund_type, found.newer_form_version)
    context = {"application": found, "told": told(report, form, found.id), "fault": fault}
    return page(request, "applicant/rebase.html", context, status=status)


async def rebase(request: web.Request) -> web.Response:
    """Move the draft, and show what became of it."""
    form = await read_form(request)
    id = uuid_in_path(request)
    try:
        beside = await profile(request)
        await ask(request, "POST", f"/applications/{id}/rebase", Rebased, etag=one(form, "etag"), beside=beside)
    except (Conflict, Stale) as error:
        return await _foresee(request, error.detail, 409)
    return see_other(f"/applications/{id}/report")


async def report(request: web.Request) -> web.Response:
    """What became of the values that were taken over last, and what is left over."""
    found = await application(request)
    reports = (await ask(request, "GET", f"/applications/{found.id}/reports", list[ReportView])).body
    if not reports:
        return see_other(f"/applications/{found.id}")
    form = await form_of(request, found.fund_type, found.form_version)
    context = {
        "application": found,
        "report": reports[0],
        "told": told(reports[0], form, found.id),
        "left_over": await registry_news.left_over(request, found),
        "done": registry_news.NOTICES.get(request.query.get("done", "")),
    }
    return page(request, "applicant/report.html", context)


async def dismiss(request: web.Request) -> web.Response:
    """移除: what is left over was seen."""
    form = await read_form(request)
    id = uuid_in_path(request)
    kind, _, item = one(form, "action").partition(":")
    if kind != "dismiss":
        raise NotFound
    await registry_news.dismiss(request, item)
    return see_other(f"/applications/{id}/report?done=dismissed#left-over")


async def choose_source(request: web.Request) -> web.Response:
    """复制往年申报: which of the enterprise's earlier applications to begin with."""
    return await choose(request, request.query.get("round", ""))


async def choose(
    request: web.Request, round_id: str, error: DomainError | None = None, status: int = 200
) -> web.Response:
    rounds = (await ask(request, "GET", "/rounds", list[RoundView])).body
    round_ = next((r for r in rounds if str(r.id) == round_id), None)
    if round_ is None:
        raise NotFound("没有这个申报批次，或申报已经截止。")
    query = {"fund_type": round_.fund_type, "limit": SOURCE_PAGE}
    if cursor := request.query.get("cursor", ""):
        query["cursor"] = cursor
    drafts_query = {"state": "draft", "fund_type": round_.fund_type, "limit": "100"}
    found, drafts = await asyncio.gather(
        ask(request, "GET", "/applications", ApplicationPage, query=query),
        ask(request, "GET", "/applications", ApplicationPage, query=drafts_query),
    )
    context = {
        "round": round_,
        # A draft of this very round is gone on with, not copied.
        "sources": [a for a in found.body.items if a.state != "draft" or a.round_id != round_.id],
        "found": found.body,
        "drafts": [d for d in drafts.body.items if d.round_id == round_.id],
        "key": new_key(),
        "error": error.detail if error else None,
    }
    return page(request, "applicant/copy.html", context, status=status)
