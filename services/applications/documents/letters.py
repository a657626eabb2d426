"""Issue official letters (公文): 退回补正通知书, 批复通知书, 不予支持通知书, and those of a list: 公示, 项目批复. The words stand in `letters.yaml`; what a letter said is kept
with it."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import receipts, repository
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.documents import queries
from services.applications.documents.document_model import OFFICE
from services.applications.documents.owed import owe_document
from services.applications.outbox import outbox
from services.applications.tables.applications import Application, Document
from services.applications.tables.decision import Letter, LetterNumber
from shared import clock
from shared.document import Letter as LetterModel
from shared.document import Table
from shared.errors import NotFound
from shared.identity import Actor, Role
from shared.text.typed_text import one_line

CONTACT = "联系电话：010-85235981"


class Kind(BaseModel):
    """One kind of letter, with braces where words are filled in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    # 机关代字: what stands before the year in the number.
    series: str
    paragraphs: list[str]
    # To whom a list's letter is written; nobody in particular where it is empty.
    addressee: str = ""
    # The last paragraph of a list's letter, known once it is published.
    closing: str = ""


@cache
def kinds() -> dict[str, Kind]:
    """Return what the office writes, by the name the code asks for."""
    file = Path(__file__).with_name("letters.yaml")
    return TypeAdapter(dict[str, Kind]).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))


async def issue(session: AsyncSession, application: Application, which: str, **words: str) -> Letter:
    """Write a letter, in the transaction of what it tells; its PDF is owed. `words` fill in what the application
    itself does not say."""
    kind = kinds()[which]
    known = {
        "project": one_line(application.project_name),
        "fund_type": form_of(application).label,
        "number": application.number or "",
        "revision": str(application.revision),
        # What a letter stands on, if anything: a list.
        "basis": "",
        **words,
    }
    return await _write(
        session,
        which,
        application,
        title=kind.title.format(**known),
        addressee=application.enterprise_name,
        # What people wrote is filled in, never read for braces.
        text="\n".join(text.format(**known) for text in kind.paragraphs),
        expected=application.number or "",
    )


async def issue_list(session: AsyncSession, which: str, *, title: str, text: str, table: Table) -> Letter:
    """Write a letter about many applications (公示, 项目批复), in the transaction that publishes them; its PDF is owed."""
    return await _write(
        session, which, None, title=title, addressee=kinds()[which].addressee, text=text, tables=[table]
    )


async def _write(
    session: AsyncSession,
    which: str,
    application: Application | None,
    *,
    title: str,
    addressee: str,
    text: str,
    tables: Sequence[Table] = (),
    expected: str = "",
) -> Letter:
    kind = kinds()[which]
    now = clock.now()
    today = now.astimezone(clock.SHANGHAI).date()
    reference, number = await _next_number(session, kind.series, today.year)
    model = LetterModel(
        title=title,
        author=OFFICE,
        office=OFFICE,
        reference=reference,
        addressee=addressee,
        # Each line of what people wrote is a paragraph.
        paragraphs=[line for line in text.splitlines() if line.strip()],
        tables=list(tables),
        signed_by=OFFICE,
        signed_on=clock.show_long_date(today),
        contact=CONTACT,
        created_at=now,
        expected=[part for part in (reference, expected) if part],
    ).model_dump(mode="json")
    source, _ = receipts.digests(receipts.canonical(model))
    application_id = application.id if application is not None else None
    document = Document(
        id=uuid4(), application_id=application_id, kind="letter", source_sha256=source, snapshot={"model": model}
    )
    await owe_document(session, document, priority=outbox.NOTICE)
    letter = Letter(
        id=uuid4(),
        application_id=application_id,
        document_id=document.id,
        kind=which,
        name=kind.name,
        reference=reference,
        series=kind.series,
        year=today.year,
        number=number,
        round_trip=application.round_trips if application is not None else 0,
        unopened=application is not None,
    )
    session.add(letter)
    await session.flush()
    return letter


async def _next_number(session: AsyncSession, series: str, year: int) -> tuple[str, int]:
    """Take the next number (文号) of a series in a year: from 1, without gaps. Its row stays locked until the transaction ends, so
    that a number whose letter is rolled back is the next letter's."""
    while True:
        number = await session.scalar(
            insert(LetterNumber)
            .values(series=series, year=year, last=1)
            .on_conflict_do_update(index_elements=["series", "year"], set_={"last": LetterNumber.last + 1})
            .returning(LetterNumber.last)
        )
        assert number is not None
        reference = f"{series}〔{year}〕{number}号"
        # A process of the release before counts all series together, and may have been there already.
        if await session.scalar(select(Letter.id).where(Letter.reference == reference)) is None:
            return reference, number


def model_of(snapshot: dict[str, Any]) -> LetterModel:
    """Return the letter as it was issued."""
    return LetterModel.model_validate(snapshot["model"])


async def take_back(session: AsyncSession, application: Application, trip: int) -> None:
    """The letter of a return that was taken back."""
    await session.execute(
        update(Letter)
        .where(
            Letter.application_id == application.id,
            Letter.kind == "return",
            Letter.round_trip == trip,
            Letter.recalled_at.is_(None),
        )
        .values(recalled_at=clock.now())
    )


async def listed(session: AsyncSession, actor: Actor, id: UUID) -> list[Letter]:
    """Return the letters of an application, oldest first; to an applicant only those that still count."""
    return await of_application(session, actor, await repository.application(session, actor, id))


async def of_application(session: AsyncSession, actor: Actor, application: Application) -> list[Letter]:
    """Return the same of an application that the actor may read."""
    query = select(Letter).where(Letter.application_id == application.id)
    if actor.is_a(Role.APPLICANT):
        query = query.where(Letter.recalled_at.is_(None))
    return list(await session.scalars(query.order_by(Letter.issued_at, Letter.reference)))


async def document_of(session: AsyncSession, actor: Actor, id: UUID, letter_id: UUID) -> tuple[Letter, Document]:
    """Return one letter that the actor may read, and its document."""
    for letter in await listed(session, actor, id):
        if letter.id == letter_id:
            return letter, await queries.document(session, letter.document_id)
    raise NotFound("没有这份公文。")


async def note_opened(session: AsyncSession, actor: Actor, letter: Letter) -> None:
    """Note that its enterprise has opened a letter (签收): once, with its row in the audit."""
    if not actor.is_a(Role.APPLICANT) or not letter.unopened:
        return
    # Two windows may open it at the same moment.
    await session.refresh(letter, with_for_update=True)
    if letter.unopened:
        letter.unopened, letter.opened_at = False, clock.now()
        record(session, actor, "open_letter", application_id=letter.application_id, letter=letter.reference)
