"""Seal the audit's rows into a chain of hashes, each over the one before, so that the audit shows what was done to
it.

Nobody waits for the chain. Rows are written in the transactions they tell of, in any order; a sequencer (one at a
time, by an advisory lock) takes those that are committed, gives each the next position, and stores
`HMAC(key, hash before + row)`. A row that is changed, removed, or put in between breaks the chain at its position,
and whoever cannot read the key cannot mend it.

The head is anchored outside the database (`shared.audit.heads`): a verification compares the chain with every anchor,
and a sequencer that finds less than was sealed before seals nothing (`ChainBroken`). What was sealed once is never
sealed again.
"""

import hashlib
import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

log = logging.getLogger(__name__)

BATCH = 1000
# Rows committed out of order are this close together; a verification looks at all of them.
NEAR = 100_000
# A row that has not been sealed for so long is a fault. No transaction lives as long.
LATE = timedelta(minutes=10)
GENESIS = b"\0" * 32


@dataclass(frozen=True)
class Ledger:
    """Where an audit stands, and which of its columns are sealed. A column added later is not: what was sealed must
    stay what it was."""

    schema: str
    columns: tuple[str, ...]

    @property
    def row(self) -> str:
        """SQL of one row as text: PostgreSQL's own jsonb, which has one form."""
        pairs = ", ".join(f"'{name}', a.{name}" for name in self.columns)
        return f"jsonb_build_object({pairs})::text"


@dataclass(frozen=True)
class Head:
    """The end of a chain, or where it ended once."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"


START = Head(0, GENESIS)


class ChainBroken(Exception):
    """The chain no longer holds what it held; nothing may be sealed on top of it."""


@dataclass(frozen=True)
class Verdict:
    """What a verification found: how many links hold, the head to note down, and what is wrong first."""

    links: int
    head: str
    fault: str | None


def link(key: bytes, before: bytes, row: str) -> bytes:
    """Return the hash of one link."""
    return hmac.new(key, before + hashlib.sha256(row.encode()).digest(), "sha256").digest()


async def head(session: AsyncSession, ledger: Ledger) -> Head:
    """Return where the chain ends now."""
    query = f"SELECT position, hash FROM {ledger.schema}.audit_chain ORDER BY position DESC LIMIT 1"  # noqa: S608
    last = (await session.execute(text(query))).one_or_none()
    return Head(last.position, last.hash) if last else START


async def must_hold(session: AsyncSession, ledger: Ledger, known: Head) -> None:
    """Raise `ChainBroken` unless `known` is still in the chain."""
    if known == START:
        return
    query = f"SELECT hash FROM {ledger.schema}.audit_chain WHERE position = :position"  # noqa: S608
    found = await session.scalar(text(query), {"position": known.position})
    if found != known.hash:
        raise ChainBroken(f"{ledger.schema}: position {known.position} is not what it was")


async def seal(session: AsyncSession, ledger: Ledger, key: bytes, known: Head = START) -> int:
    """Seal a batch of rows; how many. 0 also when another sequencer is at it. `ChainBroken` unless `known`, sealed before,
    is still there."""
    # Also while another holds the lock: it may be the one that cuts.
    await must_hold(session, ledger, known)
    name = f"audit chain {ledger.schema}"
    if not await session.scalar(text("SELECT pg_try_advisory_xact_lock(hashtext(:name))"), {"name": name}):
        return 0
    last = await head(session, ledger)
    position, before = last.position, last.hash
    # Below the newest sealed row only what can have been under way when that was written: an older one without a link
    # has lost it.
    rows = await session.execute(
        text(
            f"WITH newest AS (SELECT a.id, a.at FROM {ledger.schema}.audit a"  # noqa: S608
            f" WHERE a.id = (SELECT max(audit_id) FROM {ledger.schema}.audit_chain))"
            f" SELECT a.id, {ledger.row} AS row FROM {ledger.schema}.audit a LEFT JOIN newest ON true"
            " WHERE a.id > coalesce(newest.id, 0) - :near"
            " AND (newest.id IS NULL OR a.id > newest.id OR a.at > newest.at - make_interval(secs => :late))"
            f" AND NOT EXISTS (SELECT 1 FROM {ledger.schema}.audit_chain c WHERE c.audit_id = a.id)"
            " ORDER BY a.id LIMIT :batch"
        ),
        {"near": NEAR, "batch": BATCH, "late": LATE.total_seconds()},
    )
    links = []
    for row in rows:
        position, before = position + 1, link(key, before, row.row)
        links.append({"position": position, "audit_id": row.id, "hash": before})
    if links:
        insert = f"INSERT INTO {ledger.schema}.audit_chain (position, audit_id, hash) VALUES (:position, :audit_id, :hash)"  # noqa: S608
        await session.execute(text(insert), links)
    return len(links)


async def verify(session: AsyncSession, ledger: Ledger, key: bytes, noted: Sequence[str] = ()) -> Verdict:
    """Walk the whole chain. `noted`: heads of before, `position:hash`, which must still be in it."""
    wanted = dict(head.partition(":")[::2] for head in noted)
    count, before = 0, GENESIS
    fault: str | None = None
    links = await session.stream(
        text(
            f"SELECT c.position, c.audit_id, c.hash, a.id IS NULL AS gone, {ledger.row} AS row"  # noqa: S608
            f" FROM {ledger.schema}.audit_chain c LEFT JOIN {ledger.schema}.audit a ON a.id = c.audit_id"
            " ORDER BY c.position"
        )
    )
    try:
        async for found in links:
            where = f"第 {found.position} 环（审计记录 {found.audit_id}）"
            if found.position != count + 1:
                fault = f"第 {count + 1} 环缺失"
            elif found.gone:
                fault = f"{where}：记录已被删除"
            elif not hmac.compare_digest(link(key, before, found.row), found.hash):
                fault = f"{where}：记录或环已被改动"
            elif wanted.pop(str(found.position), found.hash.hex()) != found.hash.hex():
                fault = f"{where}：与此前记下的不符"
            if fault:
                break
            count, before = found.position, found.hash
    finally:
        await links.close()
    if not fault and wanted:
        fault = f"链尾缺失：此前记下的第 {next(iter(wanted))} 环已不存在"
    if not fault:
        fault = await _unsealed(session, ledger)
    return Verdict(count, str(Head(count, before)), fault)


async def _unsealed(session: AsyncSession, ledger: Ledger) -> str | None:
    late = await session.scalar(
        text(
            f"SELECT count(*) FROM {ledger.schema}.audit a WHERE a.at < now() - make_interval(secs => :late)"  # noqa: S608
            f" AND NOT EXISTS (SELECT 1 FROM {ledger.schema}.audit_chain c WHERE c.audit_id = a.id)"
        ),
        {"late": LATE.total_seconds()},
    )
    return f"{late} 条记录未入链" if late else None
