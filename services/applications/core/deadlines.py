"""Judge until when a round takes an application, and the correction deadline (补正期限) of a returned one, always by the instant at which the
gateway received the request: what arrived in time is in time, however long it then takes."""

from datetime import datetime

from sqlalchemy import ColumnElement, case, func, or_

from services.applications.tables.applications import Application, Extension, Round
from services.applications.workflow import State, correction_over
from shared import codes
from shared.errors import Conflict
from shared.identity import Actor


def accepts_until(round_: Round, extension: Extension | None, begun_at: datetime) -> datetime:
    """Return until when a round takes an application that was begun at an instant: its close, or later where the enterprise's extension reaches
    the application. `accepts_until_sql` is the same rule for the database."""
    if extension is None or (extension.begun_before is not None and begun_at >= extension.begun_before):
        return round_.closes_at
    return max(round_.closes_at, extension.until)


def accepts_until_sql() -> ColumnElement[datetime]:
    """Return `accepts_until` as an expression of a query that joins applications, their rounds and (outer) extensions."""
    reaches = or_(Extension.begun_before.is_(None), Application.created_at < Extension.begun_before)
    # The greatest of an instant and nothing is the instant.
    return func.greatest(Round.closes_at, case((reaches, Extension.until)))


def may_be_corrected(application: Application, actor: Actor) -> bool:
    """Tell whether an application is returned and its correction deadline had not passed when the request arrived."""
    return application.state == State.RETURNED and not correction_over(application.correct_by, actor.received_at)


def must_be_in_time(application: Application, actor: Actor) -> None:
    """Raise `Conflict` (`correction_overdue`) for a returned application whose correction deadline had passed."""
    if application.state == State.RETURNED and not may_be_corrected(application, actor):
        raise Conflict("补正期限已过。", code=codes.CORRECTION_OVERDUE)
