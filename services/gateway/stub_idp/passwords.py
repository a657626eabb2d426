"""Check passwords of the platform: their rules, and the lock after five failures (GB/T 22239)."""

import asyncio
import hashlib
import re
import string
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.stub_idp.models import StubAccount, StubFailures, StubReview
from shared import clock, codes
from shared.errors import NotAllowed

# After so many within the lock's time a name is locked, whether it exists or not, and so is an address.
MAX_FAILURES = 5
LOCK = timedelta(minutes=15)

# argon2id with the least that OWASP's Password Storage Cheat Sheet names (19 MiB, two passes): the platform is a stand-in, on
# the same machine as all that it is asked by.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Checked when there is no such account, so that the time an answer takes does not tell.
# Written out, of the same cost as the others.
NOBODYS_HASH = "$argon2id$v=19$m=19456,t=2,p=1$iW29JwhMnKOp0qTEBV4YJg$wzbN7Opmp0SxD40JJWRYKCxcUpV5K89NlQwhyGHxfOM"
# The beginnings of what is guessed first, without the digits and marks that people add.
GUESSED = ("password", "admin", "qwerty", "welcome", "beijing", "gongmei", "iloveyou", "abc123", "letmein")
LOCKED = "密码连续错误次数过多，账号已锁定 15 分钟，请稍后再试。"


def fault(password: str, username: str) -> str | None:
    """What a new password lacks, or None."""
    if not 8 <= len(password) <= 64 or not password.isprintable():
        return "密码应为 8 至 64 位"
    classes = (
        any(c.islower() for c in password),
        any(c.isupper() for c in password),
        any(c.isdigit() for c in password),
        any(c in string.punctuation for c in password),
    )
    if sum(classes) < 3:
        return "密码应包含大写字母、小写字母、数字、符号中的至少三种"
    low = password.lower()
    if username and username.lower() in low:
        return "密码不得包含用户名"
    if low.startswith(GUESSED) or re.search(r"(.)\1{3}", password) or "1234" in password:
        return "密码过于常见，请更换"
    return None


async def hashed(password: str) -> str:
    """A new password as it is kept. Beside the event loop: 30 ms each would be everybody's."""
    return await asyncio.to_thread(HASHER.hash, password)


async def _fits(kept: str, password: str) -> bool:
    try:
        return await asyncio.to_thread(HASHER.verify, kept, password)
    except VerificationError:
        return False


async def check(
    session: AsyncSession, username: str, password: str, address: str, *, exempt: bool
) -> StubAccount | None:
    """The account, or None for a wrong name or password; `NotAllowed` while it or the address is locked, and
    when it may not sign in yet. The transaction must be committed either way: failures count. `exempt`: this
    address is never locked, nor made to pay for a stronger hash: a rehearsal's crowd has cheap ones by intent."""
    name = _of_name(username)
    counted = [name] if exempt else [name, address]
    # Guesses at one name wait for each other, whether it exists or not: none is judged before the one before it is counted.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    locked = await _locked(session, counted)
    if address in locked:
        raise NotAllowed(
            "您所在网络地址的密码连续错误次数过多，已锁定 15 分钟，请稍后再试。", code=codes.ADDRESS_LOCKED
        )
    if name in locked:
        raise NotAllowed(LOCKED, code=codes.ACCOUNT_LOCKED)
    account = await session.scalar(select(StubAccount).where(StubAccount.username == username).with_for_update())
    if not await _fits(account.password_hash if account else NOBODYS_HASH, password) or account is None:
        for key in counted:
            await _count(session, key)
        return None
    # What came from this address for other names still counts.
    await forgive(session, username)
    if not exempt and HASHER.check_needs_rehash(account.password_hash):
        account.password_hash = await hashed(password)
    await _may_sign_in(session, account)
    return account


async def forgive(session: AsyncSession, username: str) -> None:
    """Count a name's failures anew."""
    await session.execute(delete(StubFailures).where(StubFailures.address == _of_name(username)))


def _of_name(username: str) -> str:
    # No name is an address; a digest, since anything may be tried as a name.
    return f"name {hashlib.sha256(username.encode()).hexdigest()}"


async def _locked(session: AsyncSession, keys: list[str]) -> set[str]:
    """Which of these are locked."""
    found = await session.scalars(
        select(StubFailures.address).where(StubFailures.address.in_(keys), StubFailures.locked_until > clock.now())
    )
    return set(found)


async def _count(session: AsyncSession, key: str) -> None:
    """One failure more; a quarter of an hour after the first it is the first again. Added up by the database, so that none of
    many at once is forgotten."""
    now = clock.now()
    await session.execute(delete(StubFailures).where(StubFailures.counted_from < now - 2 * LOCK))
    old = StubFailures.counted_from < now - LOCK
    count = case((old, 1), else_=StubFailures.count + 1)
    added = insert(StubFailures).values(address=key, count=1, counted_from=now, locked_until=None)
    more = {
        "count": count,
        "counted_from": case((old, now), else_=StubFailures.counted_from),
        "locked_until": case((count >= MAX_FAILURES, now + LOCK), else_=None),
    }
    await session.execute(added.on_conflict_do_update(index_elements=["address"], set_=more))


async def _may_sign_in(session: AsyncSession, account: StubAccount) -> None:
    if account.status == "active":
        return
    review = await session.scalar(
        select(StubReview)
        .where(StubReview.username == account.username, StubReview.kind == "document")
        .order_by(StubReview.created_at.desc())
        .limit(1)
    )
    if account.status == "refused":
        reason = review.reason if review else ""
        raise NotAllowed(
            f"身份证件未通过审核：{reason}。请重新注册或拨打 010-58511090。", code=codes.DOCUMENT_REFUSED
        )
    due = f"，预计 {clock.show_date(review.due_at)} 前完成" if review else ""
    raise NotAllowed(
        f"身份证件正在审核（需要 1-2 个工作日{due}），审核通过后账号才能登录。", code=codes.DOCUMENT_PENDING
    )
