"""Write a round's 申报通知 (text, files, who may apply): each save is a version that stays, and the round says which is in force."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import notice_queries, round_queries
from services.applications.core.audit import record
from services.applications.forms.authoring import eligibility
from services.applications.rounds import manage, proposals
from services.applications.tables.applications import Round
from services.applications.tables.notices import Notice, NoticeFile
from shared import codes
from shared.contract.notices import RoundNoticeInput
from shared.contract.rounds import RoundChange
from shared.errors import FieldError, Invalid
from shared.identity import Actor
from shared.text import formatted, printable

MOST_FILES = 10


async def save(
    session: AsyncSession, actor: Actor, id: UUID, version: str | None, given: RoundNoticeInput, *, by_two: bool
) -> Round:
    """Keep a new version of the notice and have the round change to it as to any other value (`proposals.change`). `Invalid` with what is wrong at its
    place. What says the same as the version in force, or nothing where there is none, changes nothing."""
    round_ = await round_queries.round_(session, id, lock=True)
    manage.must_match(round_, version)
    files = [str(file) for file in dict.fromkeys(given.files)]
    found = await notice_queries.files(session, id, files)
    must_be_sound(given, found)
    number = await _number(session, actor, round_, given, files)
    return await proposals.change(
        session, actor, id, None, RoundChange(notice=number, reason=given.reason or None), by_two=by_two
    )


async def _number(
    session: AsyncSession, actor: Actor, round_: Round, given: RoundNoticeInput, files: list[str]
) -> int:
    """Return the number of a version that says this, a new one where neither the latest nor the one in force does."""
    text, questions = given.text.strip("\n"), given.questions.strip("\n")
    if not (text.strip() or questions.strip() or files):
        return 0
    last = await notice_queries.latest(session, round_.id)
    for number in (round_.notice, last):
        known = await notice_queries.notice(session, round_.id, number)
        if known and (known.text, known.questions, known.files) == (text, questions, files):
            return number
    session.add(
        Notice(
            round_id=round_.id,
            number=last + 1,
            text=text,
            questions=questions,
            files=files,
            created_by=actor.account,
            created_by_name=actor.name,
        )
    )
    record(session, actor, "write_notice", round=str(round_.id), notice=last + 1, files=files)
    await session.flush()
    return last + 1


def must_be_sound(given: RoundNoticeInput, files: list[NoticeFile]) -> None:
    """`Invalid` with every mistake at its place: links that lead nowhere, questions with an error, files that are not there or hold a virus."""
    errors = [
        _wrong(codes.BAD_LINK, f"第 {line} 行：{said}", "text") for line, said in formatted.faults(given.text)
    ]
    if said := printable.complaint(given.text):
        errors.append(_wrong(codes.UNPRINTABLE, said, "text"))
    if given.questions.strip():
        errors += [
            _wrong(codes.BAD_FORM, f"第 {fault.line} 行：{fault.message}", "questions")
            for fault in eligibility.read(given.questions)[1]
            if fault.severity == "error"
        ]
    if len(given.files) > MOST_FILES:
        errors.append(_wrong(codes.TOO_MANY_FILES, f"最多 {MOST_FILES} 个文件", "files"))
    if len(files) < len(set(given.files)):
        errors.append(_wrong(codes.NOT_FOUND, "有的文件已不在，请重新上传", "files"))
    errors += [
        _wrong(codes.FILE_INFECTED, f"“{file.name}”被查出病毒（{file.infected}），请移除", "files")
        for file in files
        if file.infected
    ]
    if errors:
        raise Invalid(errors, "申报通知有误，请按提示修改。")


def _wrong(code: str, message: str, field: str) -> FieldError:
    return FieldError(field=field, code=code, message=message)
