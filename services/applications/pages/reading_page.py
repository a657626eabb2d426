"""Build what 查看申请 shows: one revision as people read it, what changed in it, the revisions and letters there are."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository, round_queries
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.codec import Codec, SectionCodec
from services.applications.core.disclosure import masked
from services.applications.core.moves import round_facts
from services.applications.core.return_seen import mark_seen
from services.applications.documents import letters
from services.applications.filling.views import full
from services.applications.forms.definition import Form
from services.applications.forms.filled.reading_view import change_line, materials
from services.applications.forms.kinds import Choices
from services.applications.ratings.ratings import may_be_rated
from services.applications.ratings.ratings import of_application as rating_of
from services.applications.submission import queries
from services.applications.submission.asked_changes import asked_between
from services.applications.submission.changes import as_may_be_shown, changes
from services.applications.submission.expected import Paces, next_step
from services.applications.submission.timeline import happened
from services.applications.submission.views import revision_view
from services.applications.tables.applications import Revision
from shared.contract.applications import TimelineEntry
from shared.contract.decision import LetterView
from shared.contract.pages import ChangeLine, NextStep, ReadFile, ReadMaterial
from shared.contract.ratings import RatingView
from shared.contract.sections import ApplicationView
from shared.contract.submission import RevisionView
from shared.errors import NotFound
from shared.identity import Actor

Content = dict[str, Any]


@dataclass(frozen=True)
class Read:
    """All that the database knows of the page."""

    application: ApplicationView
    number: int
    materials: list[ReadMaterial]
    changes: list[ChangeLine]
    revisions: list[RevisionView]
    letters: list[LetterView]
    entries: list[TimelineEntry]
    next: NextStep | None
    may_rate: bool
    rating: RatingView | None


async def read(
    session: AsyncSession,
    codec: Codec,
    paces: Paces,
    actor: Actor,
    id: UUID,
    number: int | None,
    *,
    whole: bool,
    persons: bool,
) -> Read:
    """Return the revision `number`, the newest unless one is named, of an application of the actor's; `NotFound` for one that there is
    not. `whole`: nothing is masked, which is recorded; `persons`: with who of the bureau acted."""
    application = await repository.application(session, actor, id)
    await mark_seen(session, application, actor)
    form = form_of(application)
    opener = codec.of(application, form)
    submitted = {r.number: r for r in await queries.revisions(session, id)}
    number = application.revision if number is None else number
    if number not in submitted and (number or application.revision):
        raise NotFound("没有这一版。")
    listed: list[ReadMaterial] = []
    changed: list[ChangeLine] = []
    if revision := submitted.get(number):
        choices = form.choices(round_facts(await round_queries.round_(session, application.round_id)))
        content = _opened(opener, revision)
        if before := submitted.get(number - 1):
            asked = await asked_between(session, id, number - 1, number)
            found = changes(form, _opened(opener, before)["sections"], content["sections"], asked)
            found = found if whole else as_may_be_shown(opener, found)
            changed = [change_line(form, change, choices) for change in found]
        listed = _materials(form, content if whole else masked(opener, content), choices)
        if whole:
            record(session, actor, "reveal", application_id=id, submitted=number)
    entries = await happened(session, application, actor, persons=persons)
    came = next((e.at for e in reversed(entries) if e.to_state and e.to_state != e.from_state), None)
    return Read(
        application=await full(session, codec, application, actor),
        number=number,
        materials=listed,
        changes=changed,
        revisions=[revision_view(r) for r in submitted.values()],
        letters=[
            LetterView.model_validate(letter, from_attributes=True)
            for letter in await letters.listed(session, actor, id)
        ],
        entries=entries,
        next=await next_step(session, paces, application, came),
        may_rate=may_be_rated(application),
        rating=await rating_of(session, application),
    )


def _opened(codec: SectionCodec, revision: Revision) -> Content:
    sections = {key: codec.open(key, values) for key, values in revision.content["sections"].items()}
    return {**revision.content, "sections": sections}


def _materials(form: Form, content: Content, choices: Choices) -> list[ReadMaterial]:
    files = {
        id: ReadFile(id=UUID(id), name=file["name"], size=file["size"])
        for id, file in content["attachments"].items()
    }
    return materials(form, content["sections"], files, choices)
