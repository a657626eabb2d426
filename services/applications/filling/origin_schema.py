"""Show where a value of a form came from, as the public HTTP contract does."""

from pydantic import AwareDatetime, BaseModel


class Origin(BaseModel):
    """One prefilled value: what the source said then, what was submitted, what the source says `now` (null where it
    does not answer)."""

    section: str
    field: str
    label: str
    source: str
    fetched_at: AwareDatetime | None
    prefilled: str | None
    submitted: str | None
    now: str | None
    changed_by_applicant: bool
    drifted: bool
