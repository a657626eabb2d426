"""Propose how many of each process should run in the coming days, by when rounds close and who may still come; and say what runs now."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, any_, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import round_queries
from services.applications.outbox import throughput
from services.applications.tables.applications import Application, ClassExtension, Round
from services.applications.workbench.known_forms import LISTENING
from services.applications.workflow import State
from shared import clock
from shared.contract.operations import PlannedProcesses, Processes, ProcessPlan
from shared.messages import NOTIFY, RENDER_DOCUMENT
from shared.overload.sizing import BEFORE, Closing, Stretch, stretches

# How far ahead is looked.
AHEAD = timedelta(days=7)
# Every process has one connection of this name; a role sees its own.
_RUNNING = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name")
# What KEDA scales; the others have a HorizontalPodAutoscaler (`deploy/k8s`).
WORKERS = frozenset({"documents", "notify-worker"})
NONE = f"未来 {AHEAD.days} 天没有批次截止，各进程按平时的数量运行。"
HEADER = ("从", "到", "企业", "gateway", "applications", "documents", "notify-worker", "批次")


async def plan(session: AsyncSession) -> ProcessPlan:
    """Return what is proposed for the next days, the first time first, and what runs."""
    return ProcessPlan(planned=[_shown(one) for one in await planned(session)], running=await _running(session))


async def planned(session: AsyncSession) -> list[Stretch]:
    """Return the times in which more may be needed, of closes and ends of extensions from now on."""
    now = clock.now()
    return [one for one in stretches(await _closings(session, now)) if one.until > now]


async def _closings(session: AsyncSession, now: datetime) -> list[Closing]:
    begins, ends = now - BEFORE, now + AHEAD + BEFORE
    found = []
    query = select(Round).where(Round.published_at.is_not(None), Round.closes_at.between(begins, ends))
    for round_ in await session.scalars(query):
        found.append(Closing(round_.title, round_.closes_at, await _expected(session, round_)))
    acts = select(ClassExtension, Round.title).join(Round, Round.id == ClassExtension.round_id)
    # An extension for everybody is the round's close.
    ending = acts.where(ClassExtension.until.between(begins, ends), ClassExtension.whom != "all")
    for act, title in await session.execute(ending):
        waiting = await session.scalar(
            _drafts(act.round_id).join(ClassExtension, ClassExtension.id == act.id).where(
                Application.enterprise == any_(ClassExtension.enterprises)
            )
        )  # fmt: skip
        found.append(Closing(f"{title}（补时）", act.until, int(waiting or 0)))
    return found


async def _expected(session: AsyncSession, round_: Round) -> int:
    """Return how many enterprises may come: those with a draft, but as many as took part in the round before, until they have begun."""
    waiting = int(await session.scalar(_drafts(round_.id)) or 0)
    taken_part = select(func.count(Application.enterprise.distinct())).where(
        Application.submitted_at.is_not(None), Application.deleted_at.is_(None)
    )
    done = int(await session.scalar(taken_part.where(Application.round_id == round_.id)) or 0)
    before = await round_queries.previous(session, round_)
    last = await session.scalar(taken_part.where(Application.round_id == before.id)) if before else 0
    return max(waiting, int(last or 0) - done)


def _drafts(round_id: UUID) -> Select[int]:
    """Select how many enterprises have a draft in a round that was not submitted."""
    return select(func.count(Application.enterprise.distinct())).where(
        Application.round_id == round_id, Application.state == State.DRAFT, Application.deleted_at.is_(None)
    )


async def _running(session: AsyncSession) -> Processes:
    return Processes(
        applications=int(await session.scalar(_RUNNING, {"name": LISTENING}) or 0),
        documents=len(await throughput.workers(session, RENDER_DOCUMENT)),
        notify_worker=len(await throughput.workers(session, NOTIFY)),
    )


def _shown(one: Stretch) -> PlannedProcesses:
    sizes = one.sizes
    return PlannedProcesses(
        since=one.since,
        until=one.until,
        titles=list(one.titles),
        enterprises=one.enterprises,
        gateway=sizes["gateway"],
        applications=sizes["applications"],
        documents=sizes["documents"],
        notify_worker=sizes["notify-worker"],
    )


def lines(found: list[Stretch]) -> Iterator[str]:
    """Write the plan as a table for a terminal, a line each."""
    if not found:
        yield NONE
        return
    yield "\t".join(HEADER)
    for one in found:
        sizes = [str(size) for size in one.sizes.values()]
        times = (clock.show(one.since), clock.show(one.until))
        yield "\t".join([*times, str(one.enterprises), *sizes, "、".join(one.titles)])


def kubectl(found: list[Stretch]) -> Iterator[str]:
    """Write what an operator's scheduler runs at each time: fewer than these never run from then on, and two as before afterwards."""
    if not found:
        yield f"# {NONE}"
    for one in found:
        for at, sizes in ((one.since, one.sizes), (one.until, dict.fromkeys(one.sizes, 2))):
            yield f"# {clock.show(at)}（北京时间）"
            for name, size in sizes.items():
                kind, field = ("scaledobject", "minReplicaCount") if name in WORKERS else ("hpa", "minReplicas")
                yield f'kubectl -n gongmei patch {kind} {name} --type merge -p \'{{"spec":{{"{field}":{size}}}}}\''
