"""Show what colleagues told each other, as the contract does."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.colleagues import files, inquiries, notes
from services.applications.tables.applications import Application
from services.applications.tables.colleagues import CaseFile, CaseNote, Inquiry, InquiryAnswer
from shared.contract.colleagues import AskedColleague, CaseColleagues, CaseFileView, InquiryView, NoteView
from shared.identity import Actor


async def of_case(
    session: AsyncSession, actor: Actor, application: Application, *, scanning: bool
) -> CaseColleagues:
    """Return everything that colleagues told each other about a case, as this one of them may know it."""
    found, asked = await inquiries.of_case(session, application.id)
    was_asked = any(a.account == actor.account for one in asked.values() for a in one)
    return CaseColleagues(
        notes=[note_view(note, actor) for note in await notes.of_case(session, application.id)],
        files=[
            file_view(file, actor, application, asked=was_asked, scanning=scanning)
            for file in await files.of_case(session, application.id)
        ],
        inquiries=[inquiry_view(one, asked[one.id], actor) for one in found],
    )


def note_view(note: CaseNote, actor: Actor) -> NoteView:
    return NoteView(
        id=note.id,
        text=note.text,
        author=note.author_name,
        mine=note.author == actor.account,
        written_at=note.written_at,
        mentions=[member["name"] for member in note.mentions],
        withdrawn=note.withdrawn_at is not None,
    )


def file_view(
    file: CaseFile, actor: Actor, application: Application, *, asked: bool, scanning: bool
) -> CaseFileView:
    fault = files.fault_of(file, actor, scanning=scanning)
    withheld = not files.may_read(actor, application, file, asked=asked)
    return CaseFileView(
        id=file.id,
        kind=file.kind,
        kind_label=files.KINDS[file.kind],
        # A name may tell what is not to be read.
        name="" if withheld else file.name,
        size=file.size,
        limited=file.limited,
        withheld=withheld,
        fault=fault.detail if fault else None,
        by=file.added_by_name,
        mine=file.added_by == actor.account,
        added_at=file.added_at,
    )


def inquiry_view(inquiry: Inquiry, asked: Sequence[InquiryAnswer], actor: Actor) -> InquiryView:
    waited_for = inquiry.closed_at is None and any(one.answered_at is None for one in asked)
    return InquiryView(
        id=inquiry.id,
        question=inquiry.question,
        by=inquiry.asked_by_name,
        mine=inquiry.asked_by == actor.account,
        asked_at=inquiry.asked_at,
        until=inquiry.until,
        open=waited_for,
        overdue=waited_for and actor.received_at > inquiry.until,
        closed_at=inquiry.closed_at,
        closed_by=inquiry.closed_by_name,
        asked=[
            AskedColleague(
                name=one.name,
                mine=one.account == actor.account,
                answer=one.answer,
                answered_at=one.answered_at,
                late=one.answered_at is not None and one.answered_at > inquiry.until,
            )
            for one in asked
        ],
    )
