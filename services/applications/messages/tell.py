"""Tell somebody of the bureau, or an expert, what happened, in the transaction in which it happens: who hears of it, and whether by mail too, is
decided here alone. What is owed by mail is sent by `operations.staff_mail`."""

from collections.abc import Iterable
from uuid import UUID, uuid4

from sqlalchemy import Text, Uuid, any_, case, delete, exists, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.messages.kinds import KINDS
from services.applications.tables.messages import MessageChoice, StaffMessage
from shared import clock
from shared.contract.messages import MessageKind
from shared.identity import Actor

# What is owed of a message by mail.
PORTAL, DIGEST, AT_ONCE = 0, 1, 2


async def tell(
    session: AsyncSession,
    actor: Actor,
    accounts: Iterable[str | None],
    kind: MessageKind,
    application_id: UUID | None,
    *,
    about: str | None = None,
    due_key: str = "",
) -> int:
    """Return how many were told. Nobody is told what they did themselves, or what they do not want to hear of; what falls due (`due_key`) each is told once."""
    told = 0
    chosen = KINDS[kind].chosen
    # Of an enterprise its name: whoever of its people pressed the button is nothing to keep here.
    by = actor.enterprise_name or actor.name
    for account in {account for account in accounts if account and account != actor.account}:
        refused = exists().where(MessageChoice.account == account, literal(kind) == any_(MessageChoice.refused))
        way = select(
            case(
                (literal(kind) == any_(MessageChoice.at_once), AT_ONCE),
                (literal(kind) == any_(MessageChoice.portal_only), PORTAL),
                else_=DIGEST,
            )
        ).where(MessageChoice.account == account)
        row = select(
            literal(uuid4()), literal(account), literal(kind), literal(application_id, Uuid()), literal(about, Text()), literal(by),
            literal(clock.now()), literal(f"{due_key}:{account}" if due_key else None, Text()),
            func.coalesce(way.scalar_subquery(), DIGEST) if chosen else literal(PORTAL),
        )  # fmt: skip
        if chosen:
            row = row.where(~refused)
        columns = ["id", "account", "kind", "application_id", "about", "by_name", "at", "due_key", "mail"]
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
