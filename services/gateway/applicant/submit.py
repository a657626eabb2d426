"""Confirm and submit an application (提交申请), and show the receipt."""

import asyncio
from typing import Any

import segno
from aiohttp import web
from markupsafe import Markup

from services.gateway.form import checks_view, form_view, materials, merging, shapes
from services.gateway.form.section_view import UNFINISHED
from services.gateway.web.arriving import UNREADY
from services.gateway.web.calls import (
    Json,
    application,
    ask,
    asked_for,
    definition,
    new_key,
    nothing,
    section_of,
)
from services.gateway.web.context import AS_OF, SESSION
from services.gateway.web.form_data import Values, one, read_form
from services.gateway.web.rendering import page
from services.gateway.web.resubmission import READY, Ready, brought, own_ticket
from shared import codes
from shared.errors import Conflict, DomainError, Invalid, Stale
from shared.http.app import see_other, uuid_in_path

# What only the time forbids.
CLOSED = frozenset({codes.ROUND_CLOSED, codes.CORRECTION_OVERDUE})


async def confirm(request: web.Request) -> web.Response:
    """What is missing, what does not agree, what has changed; and the button."""
    return await _page(request, None)


async def _page(request: web.Request, error: DomainError | None, status: int = 200) -> web.Response:
    found = await application(request)
    id = found["id"]
    form = await definition(request, found)
    newer = [s for s in found["sections"] if s["status"] == "draft" and s["saved_at"]]
    returned = found["state"] == "returned"
    problems, checks, changes, opinions, requests, *opened = await asyncio.gather(
        ask(request, "GET", f"/applications/{id}/problems"),
        ask(request, "GET", f"/applications/{id}/checks"),
        ask(request, "GET", f"/applications/{id}/changes") if found["revision"] else nothing([]),
        ask(request, "GET", f"/applications/{id}/opinions") if returned else nothing([]),
        ask(request, "GET", f"/applications/{id}/unlock-requests") if returned else nothing([]),
        *(ask(request, "GET", f"/applications/{id}/sections/{s['key']}") for s in newer),
    )
    if any(p["code"] in CLOSED for p in problems.body) and AS_OF not in request:
        ticket = brought(request, request[SESSION])
        if ticket is not None and ticket.version in {"", str(found["version"])}:
            # Whoever came in time and was turned away sees the page as it was then; the button's ticket is judged for itself.
            request[AS_OF] = ticket.received_at
            return await _page(request, error, status)
    lines = [_line(form, found, p) for p in problems.body]
    # A newer 暂存 may be given up on this page; everything else is mended elsewhere.
    ready = all(line["severity"] != "error" or line["code"] == "unsaved_draft" for line in lines)
    if ready:
        request[READY] = Ready(str(found["version"]), open=AS_OF not in request)
    else:
        request.app[UNREADY].note(request[SESSION], id)
    context = {
        "application": found,
        "errors": [line for line in lines if line["severity"] == "error"],
        "ready": ready,
        "warnings": [line for line in lines if line["severity"] == "warning"],
        "waiting": [r for r in asked_for(found, requests.body, opinions.body) if r["status"] == "open"],
        "checks": checks_view.lines(form, checks.body),
        "changes": materials.changed(form, changes.body),
        "drafts": [_both(form, s, answer.body) for s, answer in zip(newer, opened, strict=True)],
        "key": new_key(),
        # What the list says already is not said twice.
        "error": error.detail if error and not isinstance(error, Invalid) else None,
    }
    return page(request, "applicant/submit.html", context, status=status)


def _line(form: Json, found: Json, problem: Json) -> Json:
    """A problem in words, with the way to its place."""
    id, key = found["id"], problem["section"]
    if key is None:
        where = f"/applications/{id}/opinions" if problem["code"] == "opinions_open" else None
        return {**problem, "label": None, "href": where, "text": problem["message"]}
    section = section_of(form, key)
    # The page judges the section again, so that the mistake is said at its place there too.
    judged = "" if problem["code"] in UNFINISHED - {"required", "too_few_rows"} else "?done=refused"
    is_check = problem["code"].startswith("check.")
    place = "" if is_check or not problem["field"] else f"#{form_view.anchor(section, problem)}"
    text = form_view.summary(section, [problem])[0]["text"]
    return {
        **problem,
        "label": None if section["label"] in text else section["label"],
        "href": f"/applications/{id}/sections/{key}{'' if is_check else judged}{place}",
        "text": text,
    }


def _both(form: Json, listed: Json, opened: Json) -> Json:
    """A section with a newer 暂存: what it says against what would be submitted without it."""
    section = section_of(form, listed["key"])
    saved, draft = (shapes.fitted(section, opened[copy] or {}) for copy in ("saved", "draft"))
    return {
        "key": listed["key"],
        "label": listed["label"],
        "etag": opened["etag"],
        "draft_at": listed["draft_at"],
        "saved_at": listed["saved_at"],
        "differences": merging.differences(section, draft, saved, merging.fingerprint(section, saved)),
    }


async def submit(request: web.Request) -> web.Response:
    """提交申请; the receipt is shown when it has been accepted."""
    form = await read_form(request)
    id = uuid_in_path(request)
    try:
        made = await ask(
            request,
            "POST",
            f"/applications/{id}/submit",
            json={"discard_drafts": _discarded(form)},
            etag=one(form, "etag"),
            key=one(form, "key"),
            ticket=own_ticket(request),
        )
    except (Conflict, Stale) as error:
        if await _already(request):
            return see_other(f"/applications/{id}/view")
        return await _page(request, error, 409)
    except Invalid as error:
        return await _page(request, error, 422)
    return see_other(f"/applications/{id}/receipt/{made.body['receipt']['revision']}")


def _discarded(form: Values) -> list[Json]:
    """Which 暂存 are given up, each by the tag under which this page showed it."""
    named = (value.rpartition(":") for value in form.get("discard", []))
    return [{"section": section, "etag": etag} for section, _, etag in named]


async def _already(request: web.Request) -> bool:
    """Whether it has gone in before: the page came back by the back button, or another window was faster."""
    return "submit" not in (found := await application(request))["actions"] and found["state"] not in {
        "draft",
        "returned",
        "lapsed",
    }


async def receipt(request: web.Request) -> web.Response:
    """The receipt of one submission."""
    found = await application(request)
    revisions = (await ask(request, "GET", f"/applications/{found['id']}/revisions")).body
    number = request.match_info["n"]
    revision = next((r for r in revisions if str(r["number"]) == number), None)
    if revision is None:
        return see_other(f"/applications/{found['id']}/view")
    context = {"application": found, "revision": revision, "qr": _qr(_said(revision["receipt"]))}
    return page(request, "applicant/receipt.html", context)


def _said(receipt: dict[str, Any]) -> str:
    """What the code on the receipt says: all that is needed to check it, without asking anybody."""
    names = ("number", "revision", "received_at", "sha256", "signature")
    return "\n".join(f"{name}={receipt[name]}" for name in names)


def _qr(text: str) -> Markup:
    """A QR code as an inline picture."""
    made = segno.make(text, error="m", micro=False)
    return Markup(made.svg_inline(scale=1, border=2, svgclass="qr", lineclass=None, omitsize=True))  # noqa: S704 (segno's own markup)
