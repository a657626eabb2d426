"""Sign the arrival of a 提交申请 that the gateway had to turn away, so that our overload costs nobody the deadline.

A ticket is a place in line, not a key. The gateway issues it to a session that has proved itself, `applications` judges the
submission by the first arrival it names, and it ends ten minutes after the first refusal however often it is renewed.
"""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared import clock
from shared.identity import Signer, Verifier

HEADER = "Submission-Ticket"
SUBJECT = "submission-ticket"
ISSUER = "gateway"
# From the first refusal to the end. A renewed ticket keeps its end.
LIFETIME = timedelta(minutes=10)
LONGEST = 2000


class Ticket(BaseModel):
    """`version`: of the application, as the person saw it. `received_at`: the first arrival. `ends_at`: ten minutes after the
    first refusal."""

    model_config = ConfigDict(frozen=True)

    application: UUID
    version: str
    session: UUID
    enterprise: str
    received_at: AwareDatetime
    ends_at: AwareDatetime


def renewed(earlier: Ticket | None, fresh: Ticket) -> Ticket:
    """Return the ticket for one more refusal: the earlier one as it is, first arrival and end, if it is of the same application,
    version and session; else the fresh one."""
    if earlier is None:
        return fresh
    same = earlier.model_copy(update={"received_at": fresh.received_at, "ends_at": fresh.ends_at}) == fresh
    return earlier if same else fresh


def issue(signer: Signer, ticket: Ticket) -> str:
    """Return the ticket as text, valid until its end."""
    return signer.statement(SUBJECT, ticket.ends_at - clock.now(), ticket.model_dump(mode="json"))


def read(verifier: Verifier, text: str | None, *, at: datetime) -> Ticket | None:
    """Return the ticket as it counts at an instant; None for one that is missing, forged or over: then the request is judged by its
    own arrival."""
    if not text or len(text) > LONGEST:
        return None
    claims = verifier.statement(text, SUBJECT, ISSUER)
    try:
        ticket = Ticket.model_validate(claims) if claims is not None else None
    except ValidationError:
        return None
    return ticket if ticket is not None and at <= ticket.ends_at else None
