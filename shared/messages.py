"""Define the messages that cross a wall. A change here is a change of contract: see CONTRIBUTING.

Queue messages carry one thing, the id of an outbox row; the row stays owed until a worker reports its effect.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel


class Contract(BaseModel):
    """A message between services: unknown fields are refused, so that a drift is seen at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# ---- queues ---------------------------------------------------------------------------------------------


class Topic(Contract):
    """A kind of owed work: the queue it waits in and the task that consumes it."""

    queue: str
    task: str


RENDER_DOCUMENT = "render_document"
NOTIFY = "notify"

TOPICS = {
    RENDER_DOCUMENT: Topic(queue="documents", task="documents.render"),
    NOTIFY: Topic(queue="notify", task="notify.accept"),
}


# ---- the life of a job: start → finish or fail -----------------------------------------------------------


class StartJob(Contract):
    """`POST /internal/jobs/{id}/start`. A message that the broker redelivered to the very worker whose child
    died may take over at once; any other must wait for the lease."""

    worker: str = Field(max_length=200)
    redelivered: bool = False


class RenderDocument(Contract):
    """The payload of a `render_document` job."""

    kind: Literal["render_document"] = "render_document"
    document_id: UUID


class Person(Contract):
    """Whom a notification is for, fixed when the event was written. `email` may be missing; the inbox is not. `mobile`: where short messages
    go, for whom the enterprise agreed to them."""

    name: str
    email: str | None
    enterprise: str
    mobile: str | None = None


class OpinionText(Contract):
    """One opinion as a mail shows it."""

    material: str
    field: str | None
    text: str


class Told(Contract):
    """What notify is told of anything: for whom it is. `fallback` is written to where mail to `to` is refused."""

    event_id: UUID
    occurred_at: AwareDatetime
    to: Person
    fallback: Person | None = None


class Event(Told):
    """What every event of an application tells."""

    application_id: UUID
    project_name: str
    fund_type_label: str
    number: str
    revision: int


class SubmissionReceived(Event):
    """An application was submitted."""

    kind: Literal["submission_received"] = "submission_received"
    received_at: AwareDatetime
    sha256: str


class ApplicationReturned(Event):
    """An application was returned for correction (退回补正)."""

    kind: Literal["application_returned"] = "application_returned"
    correct_by: AwareDatetime
    opinions: list[OpinionText]


class ApplicationAccepted(Event):
    """An application was taken into review (纳批)."""

    kind: Literal["application_accepted"] = "application_accepted"


class ReturnRecalled(Event):
    """A return was taken back (撤回退回)."""

    kind: Literal["return_recalled"] = "return_recalled"


class CorrectionExtended(Event):
    """The correction deadline was moved (延长补正期限)."""

    kind: Literal["correction_extended"] = "correction_extended"
    correct_by: AwareDatetime
    reason: str


class CorrectionDue(Event):
    """The correction deadline is near: so many days are left."""

    kind: Literal["correction_due"] = "correction_due"
    correct_by: AwareDatetime
    days: int


class CorrectionMissed(Event):
    """The correction deadline has passed (逾期未补正)."""

    kind: Literal["correction_missed"] = "correction_missed"
    correct_by: AwareDatetime


class ReturnUnseen(Event):
    """Nobody has looked at a return since it was made."""

    kind: Literal["return_unseen"] = "return_unseen"
    returned_at: AwareDatetime
    correct_by: AwareDatetime


class PublicityBegun(Event):
    """A project is to be supported, and stands in 公示."""

    kind: Literal["publicity_begun"] = "publicity_begun"
    amount_wan: str
    until: AwareDatetime


class AnnouncedProject(Contract):
    """One project of a 公示, as a mail names it."""

    project_name: str
    number: str
    amount_wan: str


class PublicityAnnounced(Event):
    """A list was published (公示), with at least one project of this enterprise: one event for all of them. What is told of one
    application is that of the first."""

    kind: Literal["publicity_announced"] = "publicity_announced"
    announcement_id: UUID
    title: str
    reference: str
    until: AwareDatetime
    projects: list[AnnouncedProject] = Field(min_length=1)


class PublicityLeft(Event):
    """A project was taken off its 公示 (撤出公示), and will be decided anew."""

    kind: Literal["publicity_left"] = "publicity_left"
    reason: str


class PublicityOver(Event):
    """The days of a 公示 have passed; what follows is decided by the bureau."""

    kind: Literal["publicity_over"] = "publicity_over"
    until: AwareDatetime


class ApplicationDecided(Event):
    """已批复 (with an amount) or 不予支持 (with a reason)."""

    kind: Literal["application_decided"] = "application_decided"
    approved: bool
    amount_wan: str | None
    reason: str | None


class OtherDraft(Contract):
    """Another draft of the same enterprise and round, for the same person: its name, and what its materials lack, a line each."""

    application_id: UUID
    project_name: str
    missing: list[str] = []


class RoundClosing(Event):
    """A round closes soon, and a draft of it was never submitted. `missing`: what its materials lack, a line each; told in the last day.
    `others`: further drafts that the same mail tells of, a day before."""

    kind: Literal["round_closing"] = "round_closing"
    round_title: str
    closes_at: AwareDatetime
    hours: int
    missing: list[str] = []
    others: list[OtherDraft] = []


class RoundExtended(Event):
    """A round was extended (补时) for a class of enterprises to which that of this draft belongs. `begins`: whether further applications may be
    begun until then, too."""

    kind: Literal["round_extended"] = "round_extended"
    round_title: str
    until: AwareDatetime
    begins: bool
    reason: str


class StaffItem(Contract):
    """One line of what somebody of the bureau or an expert is told: what happened, and to what. `number` is empty where it is no application."""

    label: str
    title: str
    number: str


class StaffTold(Told):
    """What every mail to somebody of the bureau or to an expert tells: `account` is whose address it goes to. It is about no one
    application and of no enterprise."""

    account: str


class StaffNews(StaffTold):
    """What somebody was told in the portal (消息) and has not read: at once, or as the `digest` of a day. `more`: so many that are not listed."""

    kind: Literal["staff_news"] = "staff_news"
    digest: bool
    items: list[StaffItem] = Field(min_length=1, max_length=50)
    more: int = Field(ge=0)


class StaffAddressCheck(StaffTold):
    """Somebody of the bureau or an expert gave this address, and shows by the code that it is theirs."""

    kind: Literal["staff_address_check"] = "staff_address_check"
    code: str = Field(pattern="^[0-9]{6}$")
    expires_at: AwareDatetime


ApplicationEvent = (
    SubmissionReceived
    | ApplicationAccepted
    | ApplicationReturned
    | ReturnRecalled
    | CorrectionExtended
    | CorrectionDue
    | CorrectionMissed
    | ReturnUnseen
    | PublicityBegun
    | PublicityAnnounced
    | PublicityLeft
    | PublicityOver
    | ApplicationDecided
    | RoundClosing
    | RoundExtended
)
AnyEvent = ApplicationEvent | StaffNews | StaffAddressCheck
NotifyEvent = Annotated[AnyEvent, Field(discriminator="kind")]


FORGOTTEN_NAME = "（已删除）"


def forgotten_event(payload: dict[str, Any]) -> dict[str, Any]:
    """Return an event as it is kept when its person is forgotten: still an event, for nobody."""
    nobody = Person(name=FORGOTTEN_NAME, email=None, enterprise=payload["to"]["enterprise"])
    return {**payload, "to": nobody.model_dump(), "fallback": None}


class EventToShow(RootModel[NotifyEvent]):
    """`POST /internal/preview` of notify: an event that has not happened."""


class RenderedMail(Contract):
    """The answer: the mail that the event would become."""

    subject: str
    text: str
    html: str


class JobStarted(Contract):
    """The answer to a start: the attempt's token, until when it is leased, and the payload."""

    token: UUID
    leased_until: AwareDatetime
    payload: Annotated[RenderDocument | AnyEvent, Field(discriminator="kind")]


class FinishDocument(Contract):
    """`POST /internal/jobs/{id}/finish` of a rendered document: where it stands in the store, by content."""

    token: UUID
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int = Field(gt=0)
    pages: int = Field(gt=0)


class FinishNotification(Contract):
    """`POST /internal/jobs/{id}/finish` of a notification: notify's own ledger owes it from now on."""

    token: UUID


class JobFinished(Contract):
    """The answer to a finish. The first recorded hash wins; `sha256` is that one."""

    sha256: str | None = None


class FailJob(Contract):
    """`POST /internal/jobs/{id}/fail`: an attempt ended without an effect. Without `retry` the row is parked.
    An attempt that is not `counted` failed through no fault of its subject (a store that does not answer, a full
    disk): it is tried again steadily and never parked for it."""

    token: UUID
    reason: str = Field(max_length=2000)
    retry: bool = True
    counted: bool = True


# ---- the applicant's profile, asked of the gateway ------------------------------------------------------


class Profile(Contract):
    """What the gateway knows of an account for prefilling a form: names of the identity platform's attributes
    (`ORG_NAME`, `UNION_CODE`, `BLR_NAME`, …) to values; `fetched_at` per source. Where the registry did not answer,
    `registry` holds what the platform said at sign-in, which may be nothing."""

    registry: dict[str, str]
    registry_fetched_at: AwareDatetime | None
    registry_answered: bool = True
    account: dict[str, str]
    account_fetched_at: AwareDatetime | None


# ---- the bureau's people, asked of the gateway ----------------------------------------------------------


class StaffMember(Contract):
    """Somebody of the bureau, or an expert; `account` is what an `Actor` of theirs carries."""

    account: str
    name: str


class Staff(Contract):
    """`GET /internal/staff?role=`: everybody who may sign in with a role, by name."""

    items: list[StaffMember]


class StaffAddresses(Contract):
    """`POST /internal/staff-addresses`: which accounts are asked for."""

    accounts: list[str] = Field(max_length=500)


class StaffAddress(Contract):
    """Where somebody who may sign in is written to: an address that was shown to be theirs. `roles`: as they are now."""

    account: str
    name: str
    email: str
    roles: list[str]


class KnownAddresses(Contract):
    """The answer: of whom an address is known, in the order of their accounts."""

    items: list[StaffAddress]


class CheckAddress(Contract):
    """`POST /internal/address-checks` of applications: whom the gateway has a code sent to, so that an address is shown to be theirs. One `id` is sent
    once."""

    id: UUID
    account: str
    name: str
    email: str = Field(max_length=254)
    code: str = Field(pattern="^[0-9]{6}$")
    expires_at: AwareDatetime


# ---- whom a bad hour concerned, asked of the gateway ---------------------------------------------------


class TurnedAway(Contract):
    """`GET /internal/turned-away?until=`: the enterprises (统一社会信用代码) whose requests were turned away or failed in a degraded minute of the 24
    hours before an instant, in order."""

    enterprises: list[str]


# ---- notify's ledger, asked by reconcile and the timeline ------------------------------------------------


class Tried(Contract):
    """One attempt: `outcome` is accepted, deferred or refused; `answer` what the other side said."""

    address: str | None
    at: AwareDatetime
    outcome: str
    answer: str


class Proposal(Contract):
    """An address that is not on record, which a second person has to agree to before anything goes there."""

    email: str
    reason: str
    by: str
    by_name: str
    at: AwareDatetime


class NoteResend(Contract):
    """`POST /internal/resends` of applications: a notice is sent again, or somebody asked to send it elsewhere. Recorded
    before it happens; `address` is shortened, for the audit forgets nothing."""

    application_id: UUID
    event_id: UUID
    kind: str
    proposed: bool
    address: str
    on_record: bool
    reason: str
    proposed_by: str | None = None


class Delivery(Contract):
    """One event in notify's ledger, by one channel. `address` is where it goes, or went, now; `read_at` is set where it was
    opened in the portal (channel `inbox`)."""

    event_id: UUID
    channel: str = "email"
    kind: str
    # None: of what went to somebody of the bureau.
    application_id: UUID | None
    state: Literal["pending", "sent", "superseded", "undeliverable"]
    attempts: int
    next_at: AwareDatetime | None = None
    sent_at: AwareDatetime | None
    read_at: AwareDatetime | None = None
    message_id: str
    address: str | None = None
    answer: str | None = None
    last_error: str | None
    tried: list[Tried] = []
    proposal: Proposal | None = None


class Deliveries(Contract):
    """`GET /internal/deliveries?application_id=&after=`: a page of the ledger, in the order of event ids and channels;
    `next_after` is what the next page begins behind."""

    items: list[Delivery]
    next_after: str | None


class ParkedMail(Contract):
    """A mail that could not be delivered: about an application, or to somebody of the bureau (`account`)."""

    event_id: UUID
    kind: str
    application_id: UUID | None
    account: str | None
    parked_at: AwareDatetime


class ParkedMails(Contract):
    """`GET /internal/parked`: mails that could not be delivered and that nobody has sent again, the latest first, at most 200."""

    items: list[ParkedMail]
