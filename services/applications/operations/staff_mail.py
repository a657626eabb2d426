"""Owe the mails of what the bureau's people and the experts were told in the portal and have not read: at once, or as the digest of a working
day. Any number of relays may do so: what is owed of a message is taken and the mail owed in one transaction."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.messages.kinds import concerns, label
from services.applications.messages.reading import DIGEST_HOUR
from services.applications.messages.tell import AT_ONCE, DIGEST
from services.applications.outbox import outbox
from services.applications.tables.applications import Application, Owed
from services.applications.tables.messages import MessageChoice, StaffMessage
from shared import clock
from shared.messages import NOTIFY, CheckAddress, Person, StaffAddress, StaffAddressCheck, StaffItem, StaffNews
from shared.text.typed_text import one_line

# A mail lists so many, the latest first; who has more reads them in the portal.
LISTED = 50
# People whose mail is owed by one look.
AT_A_TIME = 100
UNNAMED = "未命名项目"


def person(name: str, email: str) -> Person:
    """Return somebody of no enterprise."""
    return Person(name=name, email=email, enterprise="")


async def waiting(
    session: AsyncSession, now: datetime, is_working: Callable[[date], bool]
) -> list[tuple[str, int]]:
    """Return of whom something is to be mailed now, and which way (`AT_ONCE`, `DIGEST`), at most `AT_A_TIME`."""
    open_ = (StaffMessage.mail > 0, StaffMessage.read_at.is_(None))
    at_once = select(StaffMessage.account).where(*open_, StaffMessage.mail == AT_ONCE)
    found = [(account, AT_ONCE) for account in await session.scalars(at_once.distinct().limit(AT_A_TIME))]
    here = now.astimezone(clock.SHANGHAI)
    if is_working(here.date()):
        digest = (
            select(StaffMessage.account)
            .outerjoin(MessageChoice, MessageChoice.account == StaffMessage.account)
            .where(
                *open_,
                StaffMessage.mail == DIGEST,
                func.coalesce(MessageChoice.digest_hour, DIGEST_HOUR) <= here.hour,
                or_(MessageChoice.digest_on.is_(None), MessageChoice.digest_on < here.date()),
            )
        )
        found += [(account, DIGEST) for account in await session.scalars(digest.distinct().limit(AT_A_TIME))]
    return found


async def owe(session: AsyncSession, account: str, way: int, address: StaffAddress | None, now: datetime) -> bool:
    """Owe one mail of what somebody was told and has not read, unless somebody else did just now; whether one is owed. What cannot be mailed,
    since no address is known, is owed no longer: it stands in the portal."""
    today = now.astimezone(clock.SHANGHAI).date()
    if way == DIGEST and not await _begin_digest(session, account, today):
        return False
    taken = (
        update(StaffMessage)
        .where(StaffMessage.account == account, StaffMessage.mail == way, StaffMessage.read_at.is_(None))
        .values(mail=0)
        .returning(StaffMessage.id, StaffMessage.at, StaffMessage.kind)
    )
    found = [row for row in await session.execute(taken) if address and concerns(row.kind, address.roles)]
    if address is None or not found:
        return False
    found.sort(key=lambda row: row.at, reverse=True)
    items = await _items(session, [row.id for row in found[:LISTED]])
    if not items:
        return False
    event = StaffNews(
        event_id=uuid4(),
        occurred_at=now,
        to=person(address.name, address.email),
        account=account,
        digest=way == DIGEST,
        items=items,
        more=max(0, len(found) - LISTED),
    )
    key = f"staff_digest:{account}:{today}" if way == DIGEST else f"staff_news:{event.event_id}"
    await outbox.add(session, NOTIFY, event, due_key=key, priority=outbox.NOTICE, id=event.event_id)
    return True


async def _begin_digest(session: AsyncSession, account: str, today: date) -> bool:
    """Tell whether nobody has thought of somebody's digest of this day: the first to ask does."""
    mine = insert(MessageChoice).values(account=account, refused=[], changed_at=clock.now(), digest_on=today)
    first = mine.on_conflict_do_update(
        index_elements=[MessageChoice.account],
        set_={"digest_on": today},
        where=or_(MessageChoice.digest_on.is_(None), MessageChoice.digest_on < today),
    )
    return await session.scalar(first.returning(MessageChoice.account)) is not None


async def _items(session: AsyncSession, ids: Sequence[UUID]) -> list[StaffItem]:
    """Return the lines of a mail: a title and a number, and nothing else of an applicant."""
    query = (
        select(StaffMessage.kind, StaffMessage.about, Application.number, Application.project_name)
        .outerjoin(Application, Application.id == StaffMessage.application_id)
        .where(StaffMessage.id.in_(ids), Application.deleted_at.is_(None))
        .order_by(StaffMessage.at.desc(), StaffMessage.id)
    )
    return [
        StaffItem(label=label(kind), title=one_line(about or name or UNNAMED), number=number or "")
        for kind, about, number, name in await session.execute(query)
    ]


async def owe_check(session: AsyncSession, given: CheckAddress) -> None:
    """Owe the mail with the code that shows an address to be somebody's, once."""
    event = StaffAddressCheck(
        event_id=given.id,
        occurred_at=clock.now(),
        to=person(given.name, given.email),
        account=given.account,
        code=given.code,
        expires_at=given.expires_at,
    )
    key = f"staff_address_check:{given.id}"
    await outbox.add(session, NOTIFY, event, due_key=key, priority=outbox.WAITED_FOR, id=given.id)


async def forget_old(session: AsyncSession, days: int) -> int:
    """Delete what was owed of mails to the bureau's people so many days ago, with the addresses in it; how many rows."""
    old = delete(Owed).where(
        Owed.topic == NOTIFY,
        Owed.application_id.is_(None),
        Owed.created_at < func.now() - func.make_interval(0, 0, 0, days),
    )
    return len((await session.execute(old.returning(Owed.id))).all())
