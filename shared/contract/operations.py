"""The bodies of the operators' part of the public HTTP contract."""

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from shared.contract.bodies import Input


class Parked(BaseModel):
    id: UUID
    topic: str
    application_id: UUID | None
    starts: int
    parked_at: AwareDatetime
    last_error: str | None


class QueueView(BaseModel):
    """A queue: `workers` that did something in the last ten minutes, at which pace, and when it is empty at that pace,
    with the workers there are and with two more; null while nothing is owed or nothing is known."""

    topic: str
    owed: int
    in_flight: int
    parked: int
    oldest_seconds: float | None
    workers: int
    per_minute: float | None
    empty_at: AwareDatetime | None
    empty_with_two_more_at: AwareDatetime | None


class QueueCurve(BaseModel):
    """A queue's last 24 hours from `since` on, by ten minutes: how much was `done`, and how long what was waited for longest had waited."""

    topic: str
    since: AwareDatetime
    done: list[int]
    waited_seconds: list[float]


class WorkerView(BaseModel):
    """A worker that did something in the last ten minutes."""

    name: str
    topic: str
    done: int
    last_seen_at: AwareDatetime


class RequeueAll(Input):
    """Every parked row of one queue."""

    topic: Literal["render_document", "notify"]


class Requeued(BaseModel):
    """How many went back in line."""

    count: int


class PlannedProcesses(BaseModel):
    """A time in which so many of each process should run, for the closes that `titles` names and for all `enterprises` that may come to them."""

    since: AwareDatetime
    until: AwareDatetime
    titles: list[str]
    enterprises: int
    gateway: int
    applications: int
    documents: int
    notify_worker: int


class Processes(BaseModel):
    """How many processes run: those that hold a connection to the database, and workers that did something in the last ten minutes."""

    applications: int
    documents: int
    notify_worker: int


class ProcessPlan(BaseModel):
    """What is proposed for the next seven days, the first time first, beside what runs. The gateway counts its own processes."""

    planned: list[PlannedProcesses]
    running: Processes


class Overview(BaseModel):
    queues: list[QueueView]
    workers: list[WorkerView]
    parked: list[Parked]
    processes: ProcessPlan
    # In the order of `queues`.
    curves: list[QueueCurve]


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
