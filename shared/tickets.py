"""The ticket of a 提交申请 that came while we were too busy: our overload costs nobody the deadline.

The gateway signs when the request first arrived. Whoever comes again with the ticket is judged by that instant, provided
that nothing of the application was changed since (`applications` looks).
"""

from datetime import timedelta
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.identity import Signer, Verifier

HEADER = "Submission-Ticket"
SUBJECT = "submission-ticket"
ISSUER = "gateway"
# From the last time that it was sent away; while it is sent away again and again, its first arrival counts on.
LIFETIME = timedelta(minutes=10)
LONGEST = 2000


class Ticket(BaseModel):
    """`version`: of the application, as the person saw it. `browser`: a digest of the session's cookie, by which the page
    that tries again by itself knows that it is the same person's."""

    model_config = ConfigDict(frozen=True)

    application: UUID
    version: str
    received_at: AwareDatetime
    browser: str = ""


def issue(signer: Signer, ticket: Ticket) -> str:
    """The ticket as text, valid for ten minutes."""
    return signer.statement(SUBJECT, LIFETIME, ticket.model_dump(mode="json"))


def read(verifier: Verifier, text: str | None) -> Ticket | None:
    """The ticket; None for one that is missing, forged or too old: then the request is judged by its own arrival."""
    if not text or len(text) > LONGEST:
        return None
    claims = verifier.statement(text, SUBJECT, ISSUER)
    try:
        return Ticket.model_validate(claims) if claims is not None else None
    except ValidationError:
        return None
