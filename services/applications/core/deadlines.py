"""Judge the correction deadline (补正期限) of a returned application, always by the instant at which the gateway received the
request: what arrived in time is in time, however long it then takes."""

from services.applications.tables.applications import Application
from services.applications.workflow import State, correction_over
from shared import codes
from shared.errors import Conflict
from shared.identity import Actor


def may_be_corrected(application: Application, actor: Actor) -> bool:
    """Tell whether an application is returned and its correction deadline had not passed when the request arrived."""
    return application.state == State.RETURNED and not correction_over(application.correct_by, actor.received_at)


def must_be_in_time(application: Application, actor: Actor) -> None:
    """Raise `Conflict` (`correction_overdue`) for a returned application whose correction deadline had passed."""
    if application.state == State.RETURNED and not may_be_corrected(application, actor):
        raise Conflict("补正期限已过。", code=codes.CORRECTION_OVERDUE)
