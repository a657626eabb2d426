"""Work on runs of 政策沙盘: a few cases at a time, opened in memory, judged by a process that yields the processors to everybody."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID, uuid4

from pebble import ProcessPool
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.codec import Codec
from services.applications.core.processes import fork_server, limit_memory
from services.applications.forms import catalogue
from services.applications.forms.authoring.sandbox import Case, Reason, Sums, Tally, Work
from services.applications.forms.definition import RoundFacts
from services.applications.sandbox import pure, queries
from services.applications.tables.applications import Application, Revision
from services.applications.tables.forms import SandboxRun
from shared import clock
from shared.contract.sandbox import SandboxCase, SandboxReason, SandboxResult, SandboxReturned, SandboxSums
from shared.database import BUSY

log = logging.getLogger(__name__)
T = TypeVar("T")

# Cases that are open at once, and how long they may take together.
FEW, SECONDS = 50, 60.0
LEASE = timedelta(seconds=120)
# While documents or notices are owed, this long passes between one few and the next.
PAUSE = 5.0
NICENESS = 19
# Lines of a list of places.
SHOWN = 40
# What is no fault of a run.
BORNE: tuple[type[Exception], ...] = (*BUSY, DBAPIError)


def _begin() -> None:
    limit_memory()
    os.nice(NICENESS)
    # Where Linux shares the processors among sessions first, this is one of its own, and yields as one (0313).
    os.setsid()
    with suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:
        group.write(str(NICENESS))


class Sandbox:
    """Works on one run after another."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], codec: Codec, *, few: int = FEW, pause: float = PAUSE
    ) -> None:
        self._sessions = sessions
        self._codec = codec
        self._few = few
        self._pause = pause

    async def work(self, stop: asyncio.Event) -> bool:
        """Work on the run that has waited longest until it is over, or somebody stops it; tell whether there was one. What is told to `stop` gives the run back, to
        be begun anew."""
        attempt = uuid4()
        async with self._sessions.begin() as session:
            run = await queries.claim(session, clock.now())
            if run is None:
                return False
            run.state, run.attempt, run.attempt_until = "running", attempt, clock.now() + LEASE
            run.done, run.result = 0, None
        pool = ProcessPool(max_workers=1, initializer=_begin, context=fork_server(pure.__name__))
        try:
            state = await self._judge(run, attempt, pool, stop)
        except BORNE:
            # The database, and not the run: another attempt follows when its lease is over.
            raise
        except Exception as error:
            # Somebody's draft over everybody's cases: whatever it raises ends the run and not the loop that works on runs. What the error
            # says may hold what somebody typed.
            log.warning(
                "a sandbox could not be judged", extra={"run": str(run.id), "reason": type(error).__name__}
            )
            state = "failed"
        finally:
            pool.stop()
            await asyncio.to_thread(pool.join)
        await self._keep(run.id, attempt, state=state, ended_at=None if state == "waiting" else clock.now())
        return True

    async def _judge(self, run: SandboxRun, attempt: UUID, pool: ProcessPool, stop: asyncio.Event) -> str:
        """Judge the cases of a run; return the state that it is left in."""
        forms = await self._forms(run, pool)
        facts = RoundFacts(parameters=run.parameters, closes_on=run.closes_on)
        tally, after = Tally(), UUID(int=0)
        async with self._sessions() as session:
            returned = _returned(run.fund_type, await queries.returned(session, run.rounds))
        while not stop.is_set():
            began = asyncio.get_running_loop().time()
            async with self._sessions() as session:
                few = await queries.some(session, run.rounds, after, self._few)
                waited_for = await queries.others_wait(session, clock.now())
            if not few:
                return "done"
            after = few[-1][0].id
            tally.add(await _ask(pool, pure.judge, forms.work(self._codec, facts, few)))
            result = _result(tally, returned).model_dump(mode="json")
            lease = clock.now() + LEASE
            if not await self._keep(run.id, attempt, done=tally.done, result=result, attempt_until=lease):
                # Somebody stopped it, or took it for left.
                return "stopped"
            if waited_for:
                with suppress(TimeoutError):
                    rest = began + self._pause - asyncio.get_running_loop().time()
                    await asyncio.wait_for(stop.wait(), max(0.0, rest))
        return "waiting"

    async def _forms(self, run: SandboxRun, pool: ProcessPool) -> "_Forms":
        if run.text is None:
            assert run.version is not None
            return _Forms(run.fund_type, run.version, None)
        text = await _ask(pool, pure.form_of_text, run.text)
        if text is None:
            raise catalogue.UnusableForm
        return _Forms(run.fund_type, None, text)

    async def _keep(self, id: UUID, attempt: UUID, **values: Any) -> bool:
        """Keep how far a run has come; tell whether it is still ours."""
        mine = (SandboxRun.id == id, SandboxRun.attempt == attempt, SandboxRun.state == "running")
        async with self._sessions.begin() as session:
            kept = await session.execute(update(SandboxRun).where(*mine).values(**values).returning(SandboxRun.id))
            return kept.first() is not None


async def _ask(pool: ProcessPool, work: Callable[..., T], *given: Any) -> T:
    found: T = await asyncio.wrap_future(pool.schedule(work, args=given, timeout=SECONDS))
    return found


class _Forms:
    """The forms on the way from each version to the one that judges, as texts."""

    def __init__(self, fund_type: str, version: int | None, draft: str | None) -> None:
        self._fund_type = fund_type
        self._version = version
        self._draft = draft
        self._known: dict[int, str] = {}

    def work(self, codec: Codec, facts: RoundFacts, few: Sequence[tuple[Application, Revision]]) -> Work:
        """Return cases opened for judging: what is sealed is read nowhere else."""
        ways = {application.form_version: self._way(application.form_version) for application, _ in few}
        last = self._draft or self._text(self._version or 0)
        needed = sorted({version for way in ways.values() for version in way})
        texts = [*(self._text(version) for version in needed), last]
        at = {version: n for n, version in enumerate(needed)}
        cases = [
            _case(codec, application, revision, (*(at[v] for v in ways[application.form_version]), len(needed)))
            for application, revision in few
        ]
        return Work(tuple(texts), facts, tuple(cases))

    def _way(self, version: int) -> list[int]:
        """Return the versions before the one that judges; none where a case was filled in by that one."""
        if self._draft is not None:
            newest = catalogue.newest(self._fund_type).version
            return (
                [form.version for form in catalogue.between(self._fund_type, version, newest)]
                if version < newest
                else [version]
            )
        assert self._version is not None
        if version == self._version:
            return []
        if version > self._version:
            return [version]
        return [form.version for form in catalogue.between(self._fund_type, version, self._version)][:-1]

    def _text(self, version: int) -> str:
        if version not in self._known:
            self._known[version] = catalogue.form(self._fund_type, version).model_dump_json()
        return self._known[version]


def _case(codec: Codec, application: Application, revision: Revision, way: tuple[int, ...]) -> Case:
    opener = codec.of(application, catalogue.form(application.fund_type, application.form_version))
    return Case(
        id=str(application.id),
        number=application.number or "",
        district=application.district,
        applied=application.applied_wan or Decimal(0),
        day=clock.date_of(revision.received_at),
        way=way,
        sections={key: opener.open(key, values) for key, values in revision.content["sections"].items()},
    )


def _returned(fund_type: str, found: Sequence[tuple[int, str, str | None, int]]) -> list[SandboxReturned]:
    """Return places that opinions named in words, those of the same words in different versions together."""
    counts: dict[str, int] = {}
    for version, section, field, count in found:
        definition = catalogue.form(fund_type, version).section(section)
        part = definition.by_key.get(field or "") if definition else None
        words = " · ".join(filter(None, (definition.label if definition else section, part.label if part else "")))
        counts[words] = counts.get(words, 0) + count
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [SandboxReturned(words=words, count=count) for words, count in ranked[:SHOWN]]


def _result(tally: Tally, returned: list[SandboxReturned]) -> SandboxResult:
    reasons = sorted(tally.reasons.items(), key=lambda item: (-item[1].count, item[0]))
    unfilled = [(name, asked) for name, (asked, filled) in tally.asked.items() if not filled]
    return SandboxResult(
        passed=tally.passed,
        reasons=[_reason(reason) for _, reason in reasons[:SHOWN]],
        all=_sums("合计", tally.groups.get(("all", "合计"), Sums())),
        districts=_of_kind(tally, "district"),
        directions=_of_kind(tally, "direction"),
        unfilled=[
            SandboxReturned(words=name, count=asked)
            for name, asked in sorted(unfilled, key=lambda item: (-item[1], item[0]))[:SHOWN]
        ],
        returned=returned,
    )


def _reason(reason: Reason) -> SandboxReason:
    cases = [SandboxCase(id=UUID(id), number=number) for id, number in reason.cases]
    return SandboxReason(words=reason.words, count=reason.count, cases=cases)


def _of_kind(tally: Tally, kind: str) -> list[SandboxSums]:
    groups = [(name, sums) for (of, name), sums in tally.groups.items() if of == kind]
    return [_sums(name, sums) for name, sums in sorted(groups, key=lambda item: (-item[1].wan, item[0]))]


def _sums(name: str, sums: Sums) -> SandboxSums:
    return SandboxSums(
        name=name, cases=sums.cases, wan=f"{sums.wan:.2f}", left=sums.left, wan_left=f"{sums.wan_left:.2f}"
    )
