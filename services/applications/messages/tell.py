"""Tell somebody of the bureau, or an expert, what happened to a case; in the transaction in which it happens."""

from collections.abc import Iterable
from uuid import UUID, uuid4

from sqlalchemy import any_, delete, exists, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.messages import MessageChoice, StaffMessage
from shared import clock
from shared.contract.messages import MessageKind
from shared.identity import Actor


async def tell(
    session: AsyncSession,
    actor: Actor,
    accounts: Iterable[str | None],
    kind: MessageKind,
    application_id: UUID,
    *,
    due_key: str = "",
) -> int:
    """Return how many were told. Nobody is told what they did themselves, or what they do not want to hear of; what falls due (`due_key`) each is told once."""
    told = 0
    # Of an enterprise its name: whoever of its people pressed the button is nothing to keep here.
    by = actor.enterprise_name or actor.name
    for account in {account for account in accounts if account and account != actor.account}:
        refused = exists().where(MessageChoice.account == account, literal(kind) == any_(MessageChoice.refused))
        row = select(
            literal(uuid4()), literal(account), literal(kind), literal(application_id), literal(by),
            literal(clock.now()), literal(f"{due_key}:{account}" if due_key else None),
        ).where(~refused)  # fmt: skip
        columns = ["id", "account", "kind", "application_id", "by_name", "at", "due_key"]
        made = insert(StaffMessage).from_select(columns, row).on_conflict_do_nothing(index_elements=["due_key"])
        told += len((await session.execute(made.returning(StaffMessage.id))).all())
    return told


async def take_back(session: AsyncSession, account: str, kind: MessageKind, application_id: UUID) -> None:
    """Take back what somebody was told of a case that is no longer theirs."""
    mine = (StaffMessage.account == account, StaffMessage.application_id == application_id)
    await session.execute(delete(StaffMessage).where(*mine, StaffMessage.kind == kind))


async def forget_old(session: AsyncSession, days: int) -> int:
    """Delete what was told so many days ago; how many messages."""
    old = delete(StaffMessage).where(StaffMessage.at < func.now() - func.make_interval(0, 0, 0, days))
    return len((await session.execute(old.returning(StaffMessage.id))).all())
