"""Invite people by a link: a colleague to the whole enterprise, a person of another company to one application.

A link's secret is kept as a digest. It opens nothing by itself: the person signs in, belongs to the company that is meant, and
accepts; from then on the invitation is theirs alone.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.gateway.accounts.models import Account, Invitation
from shared import clock, codes
from shared.errors import Conflict, NotAllowed, NotFound, TooMany
from shared.identity import Duty, Role

LASTS = timedelta(hours=48)
# Links of one enterprise that nobody has accepted yet.
MOST_OPEN = 20
# Applications of others that one account may be invited to: each of them travels with the session.
MOST_GRANTS = 50


@dataclass(frozen=True)
class Invited:
    """An invitation with the person who accepted it, and the one who made it."""

    invitation: Invitation
    person: Account | None
    made_by: str

    @property
    def made_at(self) -> datetime:
        return self.invitation.made_at

    @property
    def accepted_at(self) -> datetime | None:
        return self.invitation.used_at

    @property
    def company(self) -> str:
        """Whose people may accept it: a 统一社会信用代码."""
        return self.invitation.for_enterprise

    @property
    def over(self) -> bool:
        """Whether the link was not accepted in time."""
        return self.person is None and self.invitation.expires_at <= clock.now()


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


async def make(
    session: AsyncSession,
    by: Account,
    id: UUID,
    *,
    for_enterprise: str,
    duties: Collection[Duty],
    application: UUID | None = None,
    application_name: str | None = None,
) -> str:
    """Make an invitation and return its link's secret, which is kept nowhere. The same `id` again, as after a reload, is the same
    invitation with a new secret; the one from before is void."""
    assert by.enterprise
    secret = secrets.token_urlsafe(32)
    # The account's row is locked by the caller: two requests do not count side by side.
    waiting = select(func.count()).where(
        Invitation.enterprise == by.enterprise,
        Invitation.used_by.is_(None),
        Invitation.ended_at.is_(None),
        Invitation.expires_at > clock.now(),
        Invitation.id != id,
    )
    if (await session.scalar(waiting) or 0) >= MOST_OPEN:
        raise TooMany(
            f"本单位已有 {MOST_OPEN} 个邀请链接等待接受，请先收回不再需要的。", code=codes.TOO_MANY_INVITATIONS
        )
    row = {
        "id": id,
        "secret_sha256": digest(secret),
        "enterprise": by.enterprise,
        "enterprise_name": by.enterprise_name or "",
        "application": application,
        "application_name": application_name,
        "for_enterprise": for_enterprise,
        "duties": sorted(duties),
        "made_by": by.id,
        "expires_at": clock.now() + LASTS,
    }
    made = await session.scalar(
        insert(Invitation)
        .values(row)
        .on_conflict_do_update(
            index_elements=[Invitation.id],
            set_=row,
            where=(Invitation.made_by == by.id) & Invitation.used_by.is_(None) & Invitation.ended_at.is_(None),
        )
        .returning(Invitation.id)
    )
    if made is None:
        raise Conflict("此邀请已被接受或收回，请重新邀请。", code=codes.INVITATION_USED)
    return secret


async def listed(session: AsyncSession, enterprise: str, application: UUID | None = None) -> Sequence[Invited]:
    """List the invitations of an enterprise that stand: to an application, or to the whole of it. What was accepted for the whole
    enterprise is a member's right now and stands no longer here."""
    maker = aliased(Account)
    query = (
        select(Invitation, Account, maker.name)
        .join(maker, maker.id == Invitation.made_by)
        .outerjoin(Account, Account.id == Invitation.used_by)
        .where(Invitation.enterprise == enterprise, Invitation.ended_at.is_(None))
        .order_by(Invitation.made_at.desc(), Invitation.id)
    )
    if application is None:
        query = query.where(Invitation.application.is_(None), Invitation.used_by.is_(None))
    else:
        query = query.where(Invitation.application == application)
    return [Invited(found, person, name) for found, person, name in await session.execute(query)]


async def find(session: AsyncSession, secret: str, who: Account, *, lock: bool = False) -> Invitation:
    """Return the invitation behind a link as somebody may accept it. `NotFound` for a secret that nobody was given; `Conflict` when it
    was accepted by somebody else, taken back or is over; `NotAllowed` when another company's people are meant."""
    query = select(Invitation).where(Invitation.secret_sha256 == digest(secret))
    found = await session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound("此邀请链接无效。请核对链接是否完整，或请邀请人重新发送。")
    if found.ended_at is not None:
        raise Conflict("此邀请已被收回。确需办理的，请联系邀请人。", code=codes.INVITATION_ENDED)
    if found.made_by == who.id:
        raise Conflict("这是您自己发出的邀请，请将链接发给被邀请人。", code=codes.INVITATION_OWN)
    if found.used_by is not None and found.used_by != who.id:
        raise Conflict(
            "此邀请已由他人接受，链接只能使用一次。确需办理的，请联系邀请人重新邀请。", code=codes.INVITATION_USED
        )
    if found.used_by is None and found.expires_at <= clock.now():
        raise Conflict(
            f"此邀请已于 {clock.show(found.expires_at)} 过期。请联系邀请人重新邀请。", code=codes.INVITATION_OVER
        )
    if Role.APPLICANT not in who.roles or who.enterprise != found.for_enterprise:
        raise NotAllowed(
            "此邀请是发给另一单位的人员的，您登录的账号不属于该单位，不能接受。请转交被邀请人，或退出后用该单位的账号登录。",
            code=codes.INVITATION_FOR_OTHERS,
        )
    return found


async def accept(session: AsyncSession, secret: str, who: Account) -> tuple[Invitation, bool]:
    """Bind an invitation to whoever accepts it first; the second click of the same person finds it accepted. Returns the invitation
    and whether it was accepted just now."""
    found = await find(session, secret, who, lock=True)
    if found.used_by is not None:
        return found, False
    # After the invitation, as whoever takes one back does.
    await session.refresh(who, with_for_update=True)
    if found.application is not None and len(who.grants) >= MOST_GRANTS:
        raise Conflict(f"一个账号最多同时受托办理 {MOST_GRANTS} 个项目。", code=codes.TOO_MANY_INVITATIONS)
    found.used_by, found.used_at = who.id, clock.now()
    if found.application is None:
        who.duties = None if frozenset(found.duties) == frozenset(Duty) else found.duties
    await session.flush()
    await renew_grants(session, who)
    return found, True


async def end(session: AsyncSession, enterprise: str, id: UUID, application: UUID | None) -> Invitation:
    """Take an invitation back. Whoever had accepted it is refused within a second, in whatever they are doing; `NotFound` for another
    enterprise's."""
    query = select(Invitation).where(
        Invitation.id == id, Invitation.enterprise == enterprise, Invitation.ended_at.is_(None)
    )
    same = Invitation.application.is_(None) if application is None else Invitation.application == application
    found = await session.scalar(query.where(same).with_for_update())
    if found is None:
        raise NotFound("没有这个邀请，或已收回。")
    found.ended_at = clock.now()
    if found.used_by is not None and found.application is not None:
        await session.flush()
        whose = await session.get_one(Account, found.used_by, with_for_update=True)
        await renew_grants(session, whose)
    return found


async def renew_grants(session: AsyncSession, account: Account) -> None:
    """Write into an account's row the applications that its accepted invitations open, for as long as it belongs to the company that
    was invited."""
    query = (
        select(Invitation)
        .where(
            Invitation.used_by == account.id,
            Invitation.application.is_not(None),
            Invitation.ended_at.is_(None),
            Invitation.for_enterprise == account.enterprise,
        )
        .order_by(Invitation.used_at)
    )
    account.grants = [
        {
            "application": str(found.application),
            "name": found.application_name or "",
            "enterprise": found.enterprise,
            "enterprise_name": found.enterprise_name,
        }
        for found in await session.scalars(query)
    ]
    await session.flush()
