"""Keep the links by which a telephone puts files into one slot of one application, for the account that made them.

A link's token seals the names of the link and of its account, and stands nowhere but in the link: nobody can make one, and it is known
whose it is before the database is asked. It opens no session. The first telephone that sends a file has the link for itself; to open
its page binds nobody, for messengers look at links before people do.
"""

import hashlib
from base64 import b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts.models import Account, PhoneLink
from services.gateway.accounts.sessions import Grant, Holder
from shared import clock, codes
from shared.errors import Conflict, NotAllowed, NotFound, TooMany
from shared.identity import Duty, Role
from shared.sealing import CannotOpen, Keyring

LASTS = timedelta(minutes=15)
# Files that a link takes at most, and how often one may try: what is refused was sent, too.
MOST_FILES, MOST_TRIES = 20, 60
# How long a link is remembered, for whoever opens it too late.
KEPT = timedelta(days=1)
# Links of one account that are open at once, one for a slot.
MOST_OPEN = 10
_CONTEXT = b"telephone link"
_LONGEST = 160


def token(keys: Keyring, link: PhoneLink) -> str:
    """Return what stands in a link: new letters each time, the same meaning."""
    sealed = keys.seal(link.id.bytes + link.account_id.bytes, _CONTEXT)
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def opened(keys: Keyring, text: str) -> tuple[UUID, UUID] | None:
    """Return the names of a link and of its account; None for what nobody here sealed."""
    if len(text) > _LONGEST or not text.isascii():
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        plain = keys.open(b64decode(padded, altchars=b"-_", validate=True), _CONTEXT)
        return UUID(bytes=plain[:16]), UUID(bytes=plain[16:])
    except (CannotOpen, ValueError):
        return None


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


async def make(
    session: AsyncSession,
    account: UUID,
    application: UUID,
    section: str,
    slot: str,
    *,
    row: str,
    label: str,
    help: str,
    room: int,
) -> PhoneLink:
    """Open a slot to a telephone for `LASTS`; the account's link of before to the same slot is over. `room`: for how many files there is
    room in it. `Conflict` where there is none, `TooMany` above `MOST_OPEN` links."""
    if room < 1:
        raise Conflict("此处的文件已达上限，请先移除一个再用手机上传。", code=codes.TOO_MANY_FILES)
    await session.get_one(Account, account, with_for_update=True)
    now = clock.now()
    open_ = (PhoneLink.account_id == account, PhoneLink.ended_at.is_(None), PhoneLink.expires_at > now)
    same = (
        PhoneLink.application == application,
        PhoneLink.section == section,
        PhoneLink.slot == slot,
        PhoneLink.row == row,
    )
    await session.execute(update(PhoneLink).where(*open_, *same).values(ended_at=now))
    if len((await session.scalars(select(PhoneLink.id).where(*open_))).all()) >= MOST_OPEN:
        raise TooMany(f"同时有效的手机上传链接已有 {MOST_OPEN} 个，请先用完或稍后再试。")
    made = PhoneLink(
        id=uuid4(),
        account_id=account,
        application=application,
        section=section,
        slot=slot,
        row=row,
        label=label,
        help=help,
        most=min(room, MOST_FILES),
        expires_at=now + LASTS,
        tries=0,
        files=[],
    )
    session.add(made)
    await session.flush()
    return made


async def own(session: AsyncSession, account: UUID, application: UUID, id: UUID) -> PhoneLink:
    """Return a link of the account to the application, whether it is over or not; `NotFound` for anybody else's."""
    query = select(PhoneLink).where(
        PhoneLink.id == id, PhoneLink.account_id == account, PhoneLink.application == application
    )
    found = await session.scalar(query)
    if found is None:
        raise NotFound("没有这个手机上传链接，或已过期清除。请返回材料页重新生成。")
    return found


async def end(session: AsyncSession, account: UUID, id: UUID) -> bool:
    """End a link of the account's; tell whether it was open until now."""
    ended = await session.scalar(
        update(PhoneLink)
        .where(PhoneLink.id == id, PhoneLink.account_id == account, PhoneLink.ended_at.is_(None))
        .values(ended_at=clock.now())
        .returning(PhoneLink.id)
    )
    return ended is not None


def is_over(link: PhoneLink, at: datetime) -> bool:
    """Tell whether nothing may be sent by a link any more at an instant."""
    return link.ended_at is not None or link.expires_at < at


async def find(
    session: AsyncSession, names: tuple[UUID, UUID] | None, telephone: str, at: datetime
) -> tuple[PhoneLink, Holder, Grant | None]:
    """Return an open link as a telephone may use it at an instant, with its account as it is now. `telephone`: the telephone's cookie.

    `NotFound` for a link that nobody was given; `Conflict` when it is over, or another telephone's; `NotAllowed` when its account
    may not fill in the application any more.
    """
    row = None
    if names is not None:
        query = select(PhoneLink, Account).join(Account, Account.id == PhoneLink.account_id)
        row = (await session.execute(query.where(PhoneLink.id == names[0], Account.id == names[1]))).one_or_none()
    if row is None:
        raise NotFound("此手机上传链接无效或早已过期。请在电脑上重新生成二维码，再用手机扫描。")
    link, account = row
    if link.ended_at is not None:
        raise Conflict(
            "此手机上传链接已停用。需要继续上传的，请在电脑上重新生成二维码。", code=codes.PHONE_LINK_ENDED
        )
    if link.expires_at < at:
        raise Conflict(
            f"此手机上传链接已于 {clock.show(link.expires_at)} 过期。已传的文件不受影响；需要继续上传的，请在电脑上重新生成二维码。",
            code=codes.PHONE_LINK_OVER,
        )
    if link.telephone_sha256 not in (None, digest(telephone)):
        raise Conflict(
            "此链接已在另一部手机（或另一个浏览器）上使用。请用那一部手机继续，或在电脑上重新生成二维码。",
            code=codes.PHONE_LINK_OTHER,
        )
    holder = Holder.of(account)
    grant = next((g for g in holder.grants if g.application == link.application), None)
    allowed = Role.APPLICANT in holder.roles and (grant is not None or holder.may(Duty.FILL))
    if account.disabled_at is not None or not allowed:
        raise NotAllowed("生成此链接的账号现在不能填报本项目，不能上传。请联系在电脑上填报的人员。")
    return link, holder, grant


async def begin(session: AsyncSession, link: PhoneLink, telephone: str) -> None:
    """Count a file that is about to be sent, and bind the link to its telephone. `Conflict` when another telephone was faster or there is
    no room, `TooMany` after `MOST_TRIES`."""
    mine = digest(telephone)
    query = (
        update(PhoneLink)
        .where(
            PhoneLink.id == link.id,
            PhoneLink.ended_at.is_(None),
            or_(PhoneLink.telephone_sha256.is_(None), PhoneLink.telephone_sha256 == mine),
        )
        .values(tries=PhoneLink.tries + 1, telephone_sha256=mine)
        .returning(PhoneLink.tries, PhoneLink.files)
        .execution_options(synchronize_session=False)
    )
    counted = (await session.execute(query)).one_or_none()
    if counted is None:
        raise Conflict(
            "此链接已停用，或已在另一部手机上使用。请在电脑上重新生成二维码。", code=codes.PHONE_LINK_OTHER
        )
    if counted.tries > MOST_TRIES:
        raise TooMany("此链接上传的次数过多，已不能使用。请在电脑上重新生成二维码。")
    if len(counted.files) >= link.most:
        raise Conflict(
            f"此链接最多上传 {link.most} 个文件，已传满。请在电脑上加入后再继续。", code=codes.TOO_MANY_FILES
        )


async def took(session: AsyncSession, link: UUID, file: dict[str, Any]) -> None:
    """Remember a file that came by a link: its `id`, `name` and `size`."""
    found = await session.get_one(PhoneLink, link, with_for_update=True)
    found.files = [*found.files, file]


async def tidy(session: AsyncSession) -> None:
    """Delete links that have been over for `KEPT`."""
    await session.execute(delete(PhoneLink).where(PhoneLink.expires_at < clock.now() - KEPT))
