"""Withdraw or delete an application (撤销申请, 删除申请)."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.moves import load_facts, make_move, must_match
from services.applications.documents import queries as document_queries
from services.applications.documents.owed import document_key
from services.applications.filling.budgets import may_withdraw
from services.applications.outbox import outbox
from services.applications.outbox import queries as outbox_queries
from services.applications.tables.applications import Application
from services.applications.workflow import Action, State
from shared import clock
from shared.identity import Actor


async def withdraw(session: AsyncSession, actor: Actor, id: UUID, version: str) -> Application:
    """Back to where it was submitted from. 申报时间 is empty again when that is 待提交."""
    application = await repository.application(session, actor, id, lock=True)
    must_match(application, version)
    await may_withdraw(session, id)
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    back_to_draft = application.submitted_from == State.DRAFT
    changes = {"submitted_at": None} if back_to_draft else {}
    await make_move(session, application, actor, Action.WITHDRAW, facts, **changes)
    await _take_back(session, application)
    return application


async def _take_back(session: AsyncSession, application: Application) -> None:
    """What the submission owed and nobody has begun: its mail is not sent, its PDF made after everything else."""
    subject = f"submission_received:{application.id}:{application.revision}"
    mail = await outbox_queries.owed_by_key(session, subject)
    if mail is not None:
        outbox.cancel(mail)
    document = await document_queries.revision_document(session, application.id, application.revision)
    pdf = await outbox_queries.owed_by_key(session, document_key(document.id))
    if pdf is not None and pdf.done_at is None:
        outbox.put_back(pdf)
    await session.flush()


async def delete(session: AsyncSession, actor: Actor, id: UUID, version: str) -> None:
    """Hide a draft, and give up its files. Revisions stay with what they name, and so does the audit."""
    application = await repository.application(session, actor, id, lock=True)
    must_match(application, version)
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    await make_move(session, application, actor, Action.DELETE, facts)
    for file in await repository.attachments(session, id):
        file.deleted_at = clock.now()
    await session.flush()
