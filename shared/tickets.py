"""Sign the first arrival at 提交申请, its page or its button, so that our overload costs nobody the deadline.

A ticket is a place in line, not a key. The gateway issues it to the session of an enterprise's own person, `applications` judges the
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
    """`version`: of the application, as the person saw it; empty when they were turned away before they saw it. `received_at`: the
    first arrival. `ends_at`: ten minutes after the page was served, or after the first refusal. `refused`: anything was turned away."""

    model_config = ConfigDict(frozen=True)

    application: UUID
    version: str
    session: UUID
    enterprise: str
    received_at: AwareDatetime
    ends_at: AwareDatetime
    refused: bool = True


def renewed(earlier: Ticket | None, fresh: Ticket) -> Ticket:
    """Return the ticket for one more refusal: the earlier one with its first arrival, if it is of the same application, version and
    session; else the fresh one. It keeps its end, unless it came with a page that was served: then this is the first refusal."""
    if earlier is None:
        return fresh
    whose = (fresh.application, fresh.session, fresh.enterprise)
    known = earlier.version and fresh.version
    if (earlier.application, earlier.session, earlier.enterprise) != whose or (
        known and earlier.version != fresh.version
    ):
        return fresh
    named = earlier.model_copy(update={"version": earlier.version or fresh.version})
    return named if named.refused else named.model_copy(update={"refused": True, "ends_at": fresh.ends_at})


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
