"""The audit, as auditors read it."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel


class AuditEntry(BaseModel):
    """One row of the audit."""

    id: int
    at: AwareDatetime
    actor: str
    actor_name: str
    role: str
    action: str
    label: str
    application_id: UUID | None
    from_state: str | None
    to_state: str | None
    address: str
    result: str
    request_id: str
    details: dict[str, Any]


class AuditPage(BaseModel):
    items: list[AuditEntry]
    next_cursor: str | None
