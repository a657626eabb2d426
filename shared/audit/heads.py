"""Anchor the audit's heads outside its database, and compare the chain with them.

An anchor is one line: where a chain ended, when, and a keyed hash of both. It goes into the object store as an object of
that name, and into the log. Who can write the database alone can neither remove nor forge it.
"""

import hmac
import logging
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from shared import clock
from shared.audit import chain
from shared.audit.chain import START, ChainBroken, Head, Ledger, Verdict

log = logging.getLogger(__name__)

FOLDER = "audit-heads/"
# How often a head that moved is anchored: so much of the end of a chain could be cut off unseen.
SECONDS = 300.0
LINE = re.compile(r"(\d{12})_([0-9a-f]{64})_(\d{8}T\d{6}Z)(_accepted)?_([0-9a-f]{64})")
_AT = "%Y%m%dT%H%M%SZ"


class Forged(ValueError):
    """A line that was not made with the audit's key."""


@dataclass(frozen=True)
class Anchor:
    """Where a chain ended at an instant. `accepted`: a shorter chain counts from here on, after a restore."""

    schema: str
    head: Head
    at: datetime
    accepted: bool = False

    def line(self, key: bytes) -> str:
        """Return the anchor as it is kept."""
        mark = "_accepted" if self.accepted else ""
        told = f"{self.head.position:012d}_{self.head.hash.hex()}_{self.at.strftime(_AT)}{mark}"
        return f"{told}_{_mac(key, self.schema, told)}"


def read(key: bytes, schema: str, line: str) -> Anchor:
    """Return the anchor of a line; `Forged` for one that is not ours."""
    found = LINE.fullmatch(line)
    told, _, mac = line.rpartition("_")
    if found is None or not hmac.compare_digest(mac, _mac(key, schema, told)):
        raise Forged(line[:200])
    head = Head(int(found[1]), bytes.fromhex(found[2]))
    return Anchor(schema, head, datetime.strptime(found[3], _AT).replace(tzinfo=UTC), bool(found[4]))


def _mac(key: bytes, schema: str, told: str) -> str:
    return hmac.new(key, f"audit head {schema} {told}".encode(), "sha256").hexdigest()


class Heads(Protocol):
    """Where anchors are kept; raises `OSError` when it is not reached."""

    async def put(self, schema: str, line: str) -> None: ...

    async def all(self, schema: str) -> list[str]: ...


def standing(anchors: Iterable[Anchor]) -> list[Anchor]:
    """Return the anchors that count, by position: an accepted one takes the place of what was beyond it before."""
    counting: list[Anchor] = []
    for anchor in sorted(anchors, key=lambda a: (a.at, a.accepted)):
        if anchor.accepted:
            counting = [a for a in counting if a.head.position < anchor.head.position]
        counting.append(anchor)
    return sorted(counting, key=lambda a: a.head.position)


async def known(heads: Heads, schema: str, key: bytes) -> list[Anchor]:
    """Return the anchors of a chain that count; `Forged` when one is not ours."""
    return standing(read(key, schema, line) for line in await heads.all(schema))


async def verify(
    session: AsyncSession, ledger: Ledger, key: bytes, heads: Heads, noted: Sequence[str] = ()
) -> Verdict:
    """Walk the whole chain, and compare it with every anchor and with the heads noted by hand."""
    try:
        anchors = await known(heads, ledger.schema, key)
    except OSError as error:
        return Verdict(0, str(START), f"无法读取库外保存的链头：{error}")
    except Forged as forged:
        return Verdict(0, str(START), f"库外保存的链头不是本系统签名的：{forged}")
    verdict = await chain.verify(session, ledger, key, [*(str(a.head) for a in anchors), *noted])
    if verdict.fault is None and not anchors and await _old(session, ledger):
        return Verdict(verdict.links, verdict.head, "库外没有任何链头，无法确认链尾完整")
    return verdict


async def report(
    session: AsyncSession, ledger: Ledger, key: bytes, heads: Heads, noted: Sequence[str], accepted: str | None
) -> int:
    """Print what `verify` finds, after accepting a shorter chain for the reason `accepted`. 0 when everything holds, else 1."""
    if accepted:
        await accept(session, ledger, key, heads, accepted)
    verdict = await verify(session, ledger, key, heads, noted)
    lines = [f"{verdict.links} links hold, head {verdict.head}", *filter(None, [verdict.fault])]
    sys.stdout.write("\n".join([*lines, ""]))
    return 1 if verdict.fault else 0


async def _old(session: AsyncSession, ledger: Ledger) -> bool:
    """Tell whether the chain has existed for long enough to have been anchored."""
    query = f"SELECT min(at) < now() - make_interval(secs => :age) FROM {ledger.schema}.audit"  # noqa: S608
    return bool(await session.scalar(text(query), {"age": SECONDS * 3}))


class Sequencer:
    """Seals one audit as it grows, and anchors its head. Once it finds less than was sealed before it seals nothing more,
    and says so each time."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], ledger: Ledger, key: bytes, heads: Heads
    ) -> None:
        self._sessions = sessions
        self._ledger = ledger
        self._key = key
        self._heads = heads
        self._known: Head | None = None
        self._anchored: Head = START
        self._anchor_at = datetime.min.replace(tzinfo=UTC)

    async def step(self) -> int:
        """Seal a batch; how many rows. `ChainBroken` when the chain is not what it was, `OSError` when the anchors are
        not reached before anything was ever sealed by this process."""
        if self._known is None:
            anchors = await known(self._heads, self._ledger.schema, self._key)
            self._known = self._anchored = anchors[-1].head if anchors else START
        async with self._sessions.begin() as session:
            sealed = await chain.seal(session, self._ledger, self._key, self._known)
            now = await chain.head(session, self._ledger)
        if now.position < self._known.position:
            raise ChainBroken(f"{self._ledger.schema}: it ends at position {now.position}")
        # Only what is committed was sealed.
        self._known = now
        return sealed

    async def anchor(self) -> bool:
        """Put the present head outside, if it moved and it is time; whether it was."""
        if self._known in {None, self._anchored} or (clock.now() - self._anchor_at).total_seconds() < SECONDS:
            return False
        assert self._known is not None
        self._anchor_at = clock.now()
        await put(self._heads, Anchor(self._ledger.schema, self._known, self._anchor_at), self._key)
        self._anchored = self._known
        return True


async def put(heads: Heads, anchor: Anchor, key: bytes, reason: str = "") -> None:
    """Anchor a head, in the log and in the store."""
    line = anchor.line(key)
    log.info(
        "audit head", extra={"schema": anchor.schema, "anchor": line, **({"reason": reason} if reason else {})}
    )
    await heads.put(anchor.schema, line)


async def accept(session: AsyncSession, ledger: Ledger, key: bytes, heads: Heads, reason: str) -> Verdict:
    """Let the chain count as it is, shorter than it was, after a restore from a backup: by whoever holds the audit's key,
    with a reason in the log. A chain that is broken in itself is not accepted."""
    verdict = await chain.verify(session, ledger, key)
    if verdict.fault is None:
        head = await chain.head(session, ledger)
        await put(heads, Anchor(ledger.schema, head, clock.now(), accepted=True), key, reason)
    return verdict


async def keep_sealing(sequencer: Sequencer) -> float:
    """Return one round of a service's loop: seal what there is, anchor when it is time; seconds to wait before the next."""
    try:
        sealed = await sequencer.step()
        await sequencer.anchor()
    except (ChainBroken, Forged) as broken:
        log.critical("the audit was tampered with; nothing is sealed on top of it", extra={"reason": str(broken)})
        return 60.0
    return 0.0 if sealed == chain.BATCH else 2.0
