"""Show opinions and requests to unlock a material as the public HTTP contract does."""

from services.applications.core.case import form_of
from services.applications.core.naming import REVIEWERS
from services.applications.forms.filled.labels import field_label
from services.applications.tables.applications import Application, Opinion
from services.applications.tables.desk import UnlockRequest
from shared.contract.returns import OpinionView
from shared.contract.review import UnlockRequestView


def opinion_view(application: Application, opinion: Opinion, *, persons: bool) -> OpinionView:
    """Return an opinion; `persons`: with who gave it, else by the office."""
    form = form_of(application)
    section = form.section(opinion.section) if opinion.section else None
    return OpinionView(
        id=opinion.id,
        round_trip=opinion.round_trip,
        section=opinion.section,
        section_label=section.label if section else None,
        field=opinion.field,
        field_label=field_label(form, opinion.section, opinion.field),
        row=opinion.row,
        text=opinion.text,
        status=opinion.status,
        reply=opinion.reply,
        author=opinion.author_name if persons else REVIEWERS,
        created_at=opinion.created_at,
        sent=opinion.round_trip <= application.round_trips,
    )


def request_view(application: Application, request: UnlockRequest, *, persons: bool) -> UnlockRequestView:
    """Return a request; `persons`: with who answered it, else by the office."""
    section = form_of(application).section(request.section)
    return UnlockRequestView(
        id=request.id,
        round_trip=request.round_trip,
        section=request.section,
        section_label=section.label if section else request.section,
        reason=request.reason,
        status=request.status,
        note=request.note,
        asked_by=request.asked_by,
        asked_at=request.asked_at,
        decided_by=request.decided_by if persons or not request.decided_by else REVIEWERS,
        decided_at=request.decided_at,
    )
