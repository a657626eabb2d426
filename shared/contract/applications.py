"""The bodies of the public HTTP contract (`/api/v1`)."""

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from shared.contract.bodies import Input
from shared.contract.decided import Decided


class Nothing(Input):
    """An empty body."""


class LeaseView(BaseModel):
    """Who works on an application, and until when."""

    name: str
    mine: bool
    until: AwareDatetime


class AssigneeView(BaseModel):
    """Whose case it is."""

    account: str
    name: str
    mine: bool


class ApplicationSummary(BaseModel):
    """One line of 我的项目 or of the reviewers' queue."""

    id: UUID
    number: str | None
    project_name: str
    enterprise: str
    enterprise_name: str
    fund_type: str
    fund_type_label: str
    round_id: UUID
    round_title: str
    form_version: int
    state: str
    state_label: str
    version: int
    revision: int
    submitted_at: AwareDatetime | None
    created_at: AwareDatetime
    closes_at: AwareDatetime
    correct_by: AwareDatetime | None
    actions: list[str]
    applied_wan: str | None = None
    # Once it was decided or came to an end; never for experts.
    decided: Decided | None = None
    # For members of staff only.
    district: str | None = None
    unlock_requests: int = 0
    # For the bureau: a case that whoever asks has never opened, or that has changed since they did.
    news: Literal["new", "changed", ""] = ""
    lease: LeaseView | None = None
    assignee: AssigneeView | None = None


class ApplicationPage(BaseModel):
    items: list[ApplicationSummary]
    next_cursor: str | None


class DocumentStatus(BaseModel):
    status: Literal["ready", "queued", "rendering", "failed"]
    position: int | None = None
    eta_seconds: int | None = None
    message: str | None = None
    # Of a document that was given up: under which it is found at `/ops`, short enough to be read out.
    reference: str | None = None


class TimelineEntry(BaseModel):
    at: AwareDatetime
    action: str
    label: str
    actor: str
    from_state: str | None
    to_state: str | None
    details: dict[str, Any]
