"""Confirm and submit an application (提交申请), and show the receipt."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from aiohttp import web

from services.gateway.form import checks_view, form_view, merging, shapes
from services.gateway.form.section_view import UNFINISHED
from services.gateway.web.arriving import UNREADY
from services.gateway.web.calls import (
    application,
    ask,
    asked_for,
    form_of,
    new_key,
    profile,
    section_of,
)
from services.gateway.web.context import AS_OF, SESSION
from services.gateway.web.form_data import FORM, Values, one, read_form
from services.gateway.web.line import line_stands
from services.gateway.web.qr import drawn
from services.gateway.web.rendering import page
from services.gateway.web.resubmission import READY, Ready, brought, own_ticket
from shared import codes
from shared.contract.checks import Obstacle, Outcome
from shared.contract.forms import FormDefinition, SectionDefinition
from shared.contract.pages import SubmissionPage
from shared.contract.sections import ApplicationView, SectionView
from shared.contract.submission import Receipt, RevisionView, Submitted
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotAllowed, Stale
from shared.http.app import see_other, uuid_in_path

# How many opinions a page takes at once.
OPINIONS = 3
LONGEST_OPINION = 2000
# What only the time forbids.
CLOSED = frozenset({codes.ROUND_CLOSED, codes.CORRECTION_OVERDUE})


async def confirm(request: web.Request) -> web.Response:
    """What is missing, what does not agree, what has changed; and the button."""
    return await _page(request, None)


async def _page(
    request: web.Request, error: DomainError | None, status: int = 200, unit_fault: str = ""
) -> web.Response:
    id = uuid_in_path(request)
    path = f"/applications/{id}/submission/page"
    asked = (await ask(request, "GET", path, SubmissionPage, beside=await profile(request))).body
    found, confirmation = asked.application, asked.confirmation
    if any(p.code in CLOSED for p in asked.problems) and AS_OF not in request:
        if confirmation and confirmation.counts_from:
            # It was handed to the enterprise's checkers in time, and is as it was.
            request[AS_OF] = confirmation.counts_from
            return await _page(request, error, status, unit_fault)
        ticket = brought(request, request[SESSION])
        if ticket is not None and ticket.version in {"", str(found.version)}:
            # Whoever came in time and was turned away sees the page as it was then; the button's ticket is judged for itself.
            request[AS_OF] = ticket.received_at
            return await _page(request, error, status, unit_fault)
    form = await form_of(request, found.fund_type, found.form_version)
    lines = [_line(form, found, p) for p in asked.problems]
    # A newer 暂存 may be given up on this page; everything else is mended elsewhere.
    to_confirm = [line for line in lines if line.confirm is not None]
    ready = all(p.severity != "error" or p.code == "unsaved_draft" for p in asked.problems)
    if ready:
        request[READY] = Ready(str(found.version), open=AS_OF not in request)
    else:
        request.app[UNREADY].note(request[SESSION], str(id))
    context = {
        "application": found,
        "errors": [line for line in lines if line.severity == "error"],
        "ready": ready,
        "warnings": [line for line in lines if line.severity == "warning" and line.confirm is None],
        "to_confirm": to_confirm,
        "unexplained": isinstance(error, Invalid) and any(e.code == codes.REASON_REQUIRED for e in error.errors),
        "reasons": _reasons(request.get(FORM), asked.checks),
        "waiting": [r for r in asked_for(found, asked.requests, asked.opinions) if r.status == "open"],
        "checks": checks_view.lines(form, asked.checks),
        "changes": asked.changes,
        "anchors": [
            form_view.anchor(section_of(form, c.section), c.field, c.row, c.column) for c in asked.changes
        ],
        "drafts": [_both(section_of(form, opened.key), opened) for opened in asked.drafts],
        "confirmation": confirmation,
        "unit_fault": unit_fault,
        "typed": {name: values[0] for name, values in request.get(FORM, {}).items()} if unit_fault else {},
        "places": form.sections if confirmation else [],
        "key": new_key(),
        # What the list says already is not said twice.
        "error": error.detail if error and not isinstance(error, Invalid) else None,
    }
    return page(request, "applicant/submit.html", context, status=status)


@dataclass(frozen=True)
class Line:
    """What stands in the way, in words, with the way to its place. `label` names the material where the words do not."""

    severity: str
    label: str | None
    href: str | None
    text: str
    # The check that is submitted only with a reason.
    confirm: str | None = None


def _line(form: FormDefinition, found: ApplicationView, problem: Obstacle) -> Line:
    id, key = found.id, problem.section
    if key is None:
        places = {"opinions_open": f"/applications/{id}/opinions", codes.NOT_CONFIRMED: "#unit"}
        where = places.get(problem.code)
        return Line(problem.severity, None, where, problem.message)
    section = section_of(form, key)
    # The page judges the section again, so that the mistake is said at its place there too.
    judged = "" if problem.code in UNFINISHED - {"required", "too_few_rows"} else "?done=refused"
    is_check = problem.code.startswith("check.")
    place = f"#{form_view.anchor(section, problem.field, problem.row, problem.column)}"
    text = form_view.in_words(section, problem)
    return Line(
        problem.severity,
        None if section.label in text else section.label,
        f"/applications/{id}/sections/{key}{'' if is_check else judged}"
        + ("" if is_check or not problem.field else place),
        text,
        problem.code.removeprefix("check.") if problem.confirm else None,
    )


def _reasons(typed: Values | None, checks: list[Outcome]) -> dict[str, str]:
    """The reasons by check: as they were just typed, else as they were given with the last submission."""
    known = {c.id: c.reason or "" for c in checks if c.confirm}
    return {id: one(typed or {}, f"reason.{id}", said) for id, said in known.items()}


@dataclass(frozen=True)
class Both:
    """A section with a newer 暂存: what it says against what would be submitted without it."""

    key: str
    label: str
    etag: str
    draft_at: datetime | None
    saved_at: datetime | None
    differences: list[merging.Difference]


def _both(section: SectionDefinition, opened: SectionView) -> Both:
    saved, draft = (shapes.fitted(section, copy or {}) for copy in (opened.saved, opened.draft))
    differences = merging.differences(section, draft, saved, merging.fingerprint(section, saved))
    return Both(section.key, section.label, opened.etag, opened.draft_at, opened.saved_at, differences)


async def submit(request: web.Request) -> web.Response:
    """提交申请; the receipt is shown when it has been accepted."""
    form = await read_form(request)
    id = uuid_in_path(request)
    try:
        made = await ask(
            request,
            "POST",
            f"/applications/{id}/submit",
            Submitted,
            json={"discard_drafts": _discarded(form), "reasons": _given(form)},
            etag=one(form, "etag"),
            key=one(form, "key"),
            ticket=own_ticket(request),
            beside=await profile(request),
        )
    except (Conflict, Stale) as error:
        if await _already(request):
            return see_other(f"/applications/{id}/view")
        return await _page(request, error, 409)
    except Invalid as error:
        return await _page(request, error, 422)
    if line_stands(request):
        # Who is done asks for nothing more: the answer says all that the receipt's page does.
        return _receipt(request, made.body.application, _revision(made.body))
    return see_other(f"/applications/{id}/receipt/{made.body.receipt.revision}")


def _revision(made: Submitted) -> RevisionView:
    receipt = made.receipt
    return RevisionView(
        number=receipt.revision,
        received_at=receipt.received_at,
        sha256=receipt.sha256,
        sm3=receipt.sm3,
        form_version=made.application.form_version,
        receipt=receipt,
    )


class Given(TypedDict):
    """Why a check does not hold."""

    check: str
    reason: str


def _given(form: Values) -> list[Given]:
    """The reasons that were typed, by check."""
    named = {
        name.removeprefix("reason."): values[0] for name, values in form.items() if name.startswith("reason.")
    }
    return [{"check": check, "reason": reason} for check, reason in named.items() if reason.strip()]


class Discarded(TypedDict):
    """A 暂存 that is given up."""

    section: str
    etag: str


def _discarded(form: Values) -> list[Discarded]:
    """Which 暂存 are given up, each by the tag under which this page showed it."""
    named = (value.rpartition(":") for value in form.get("discard", []))
    return [{"section": section, "etag": etag} for section, _, etag in named]


async def _already(request: web.Request) -> bool:
    """Whether it has gone in before: the page came back by the back button, or another window was faster."""
    found = await application(request)
    return "submit" not in found.actions and found.state not in {
        "draft",
        "returned",
        "lapsed",
    }


def _opinions(form: Values) -> list[dict[str, str | None]]:
    """The opinions that were typed, each with its place: `section`, `section.field` or nowhere in particular."""
    found = []
    for n in range(OPINIONS):
        if text := one(form, f"text.{n}").strip():
            section, _, field = one(form, f"place.{n}").partition("|")
            found.append({"section": section or None, "field": field or None, "text": text})
    return found


async def confirm_unit(request: web.Request) -> web.Response:
    """What the button says, for what this page showed."""
    form = await read_form(request)
    path, etag = f"/applications/{uuid_in_path(request)}/confirmation", one(form, "etag")
    outcome = one(form, "action") or "ask"
    try:
        if outcome == "ask":
            await ask(request, "POST", f"{path}/ask", ApplicationView, json={}, etag=etag)
        elif outcome in {"confirmed", "returned"}:
            opinions = _opinions(form) if outcome == "returned" else []
            body = {"outcome": outcome, "opinions": opinions}
            await ask(request, "POST", path, ApplicationView, json=body, etag=etag)
        else:
            raise Malformed
    except Stale:
        return await _page(request, None, 409, "内容在您打开本页后又有修改，请核对后再确认。")
    except (Conflict, NotAllowed) as error:
        return await _page(request, None, 409, error.detail)
    except Malformed:
        return await _page(request, None, 422, f"请选择要办理的事项；每条意见不超过 {LONGEST_OPINION} 字。")
    except Invalid as error:
        said = error.errors[0].message if error.errors else error.detail
        return await _page(request, None, 422, said)
    return see_other(f"/applications/{uuid_in_path(request)}/submit#unit")


async def receipt(request: web.Request) -> web.Response:
    """The receipt of one submission."""
    found = await application(request)
    revisions = (await ask(request, "GET", f"/applications/{found.id}/revisions", list[RevisionView])).body
    number = request.match_info["n"]
    revision = next((r for r in revisions if str(r.number) == number), None)
    if revision is None:
        return see_other(f"/applications/{found.id}/view")
    return _receipt(request, found, revision)


def _receipt(request: web.Request, found: ApplicationView, revision: RevisionView) -> web.Response:
    context = {"application": found, "revision": revision, "qr": drawn(_said(revision.receipt))}
    return page(request, "applicant/receipt.html", context)


def _said(receipt: Receipt) -> str:
    """What the code on the receipt says: all that is needed to check it, without asking anybody."""
    # The very strings that were signed.
    told = receipt.model_dump(mode="json", include={"number", "revision", "received_at", "sha256", "signature"})
    return "\n".join(f"{name}={value}" for name, value in told.items())
