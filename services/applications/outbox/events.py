"""Owe events to notify: whom an application's news is for, and the outbox row that owes it."""

from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.case import form_of
from services.applications.core.codec import Codec
from services.applications.outbox import outbox
from services.applications.outbox.recipients import fallback_of, handler_of, person_of
from services.applications.tables.applications import Application
from shared import clock
from shared.messages import NOTIFY, ApplicationEvent
from shared.text.typed_text import one_line


async def about(session: AsyncSession, codec: Codec, application: Application) -> dict[str, Any]:
    """Return what every event about an application tells. It is for the contact that the latest submission names (before the
    first: that is saved), else for whoever began it."""
    form = form_of(application)
    opener = codec.of(application, form)
    if application.revision:
        kept = (await repository.revision(session, application.id, application.revision)).content["sections"]
    else:
        rows = await repository.sections(session, application.id)
        kept = {key: row.saved for key, row in rows.items() if row.saved is not None}
    to = person_of(application, form, {key: opener.open(key, values) for key, values in kept.items()})
    if to.email is None:
        handler = handler_of(application)
        to = handler.model_copy(update={"mobile": to.mobile}) if handler else to
    return {
        "event_id": uuid4(),
        "occurred_at": clock.now(),
        "to": to,
        "fallback": fallback_of(application, to),
        "application_id": application.id,
        "project_name": one_line(application.project_name),
        "fund_type_label": form.label,
        "number": application.number or "",
        "revision": application.revision,
    }


async def owe(session: AsyncSession, event: ApplicationEvent, subject: str, *, ahead: bool = False) -> None:
    """Owe the telling of it, once for its kind and `subject`; with `ahead` after what has just happened."""
    await outbox.add(
        session,
        NOTIFY,
        event,
        due_key=f"{event.kind}:{subject}",
        priority=outbox.AHEAD if ahead else outbox.NOTICE,
        application_id=event.application_id,
        id=event.event_id,
    )
