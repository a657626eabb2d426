"""撤销申请 and 删除申请."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications import repository
from services.applications.models import Application
from services.applications.use_cases.moving import load_facts, make_move, must_match
from services.applications.workflow import Action, State
from shared import clock
from shared.identity import Actor


async def withdraw(session: AsyncSession, actor: Actor, id: UUID, version: str) -> Application:
    """Back to where it was submitted from. 申报时间 is empty again when that is 待提交."""
    application = await repository.application(session, actor, id, lock=True)
    must_match(application, version)
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    back_to_draft = application.submitted_from == State.DRAFT
    changes = {"submitted_at": None} if back_to_draft else {}
    await make_move(session, application, actor, Action.WITHDRAW, facts, **changes)
    return application


async def delete(session: AsyncSession, actor: Actor, id: UUID, version: str) -> None:
    """Hide a draft, and give up its files. Revisions stay with what they name, and so does the audit."""
    application = await repository.application(session, actor, id, lock=True)
    must_match(application, version)
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    await make_move(session, application, actor, Action.DELETE, facts)
    for file in await repository.attachments(session, id):
        file.deleted_at = clock.now()
    await session.flush()
