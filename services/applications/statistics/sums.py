"""Keep the sums of 统计 current, and prove them. One process at a time follows the audit's chain, in which a row gets its place once it is committed: no
case is missed, whatever the order of commits."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.forms import catalogue
from services.applications.statistics.facts import WITH_SUMS, Case, Counts, Move, counts
from services.applications.tables.applications import Application, Audit, AuditLink, Opinion, Revision
from services.applications.tables.statistics import StatisticsCase, StatisticsCell, StatisticsProgress
from shared import clock
from shared.errors import DomainError

# Rows of the audit, or cases, of one step.
BATCH = 1000
NOBODY = UUID(int=0)
# Whose list of options is a round's directions.
DIRECTIONS = "directions"
Key = tuple[UUID, str, str, str]
Sum = tuple[int, Decimal, Decimal]
ZERO: Sum = (0, Decimal(0), Decimal(0))


@dataclass(frozen=True)
class Counted:
    """What a case counts for, and where."""

    round_id: UUID
    district: str
    counts: Counts


async def step(session: AsyncSession) -> int:
    """Follow the audit by one batch; how much there was. 0 also while another process is at it."""
    if not await session.scalar(text("SELECT pg_try_advisory_xact_lock(hashtext('applications statistics'))")):
        return 0
    progress = await session.get(StatisticsProgress, 1)
    if progress is None:
        # All cases there are, then what happens from here on; what happens meanwhile is counted twice over, which changes nothing.
        head = await session.scalar(select(func.coalesce(func.max(AuditLink.position), 0)))
        progress = StatisticsProgress(id=1, position=int(head or 0), filling=NOBODY)
        session.add(progress)
    if progress.filling is not None:
        some = (
            select(Application.id).where(Application.id > progress.filling).order_by(Application.id).limit(BATCH)
        )
        ids = list(await session.scalars(some))
        await _count(session, ids)
        progress.filling = ids[-1] if ids else None
        progress.at = clock.now()
        # The end of filling is a step too: the audit comes next.
        return len(ids) or 1
    query = (
        select(AuditLink.position, Audit.application_id)
        .join(Audit, Audit.id == AuditLink.audit_id)
        .where(AuditLink.position > progress.position)
        .order_by(AuditLink.position)
        .limit(BATCH)
    )
    rows = (await session.execute(query)).all()
    await _count(session, {id for _, id in rows if id is not None})
    if rows:
        progress.position = rows[-1][0]
    progress.at = clock.now()
    return len(rows)


async def rebuild(session: AsyncSession) -> None:
    """Forget all sums; the following steps count every case anew."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('applications statistics'))"))
    for table in (StatisticsCell, StatisticsCase, StatisticsProgress):
        await session.execute(delete(table))


async def _count(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Count these cases as they are now: take out of the sums what they counted for before."""
    if not ids:
        return
    found = await counted(session, ids)
    before = await kept(session, ids)
    changed = {id for id in ids if found.get(id) != before.get(id)}
    sums: defaultdict[Key, Sum] = defaultdict(lambda: ZERO)
    for id in changed:
        _add(sums, before.get(id), -1)
        _add(sums, found.get(id), 1)
    await session.execute(delete(StatisticsCase).where(StatisticsCase.application_id.in_(changed - found.keys())))
    if fresh := [_row(id, found[id]) for id in changed if id in found]:
        row = insert(StatisticsCase)
        values = {name: row.excluded[name] for name in fresh[0] if name != "application_id"}
        await session.execute(row.on_conflict_do_update(index_elements=["application_id"], set_=values), fresh)
    await _apply(session, {key: sum_ for key, sum_ in sums.items() if sum_ != ZERO})


async def _apply(session: AsyncSession, sums: Mapping[Key, Sum]) -> None:
    if not sums:
        return
    names = ("round_id", "kind", "key", "district", "n", "applied_wan", "approved_wan")
    rows = [dict(zip(names, (*key, *sum_), strict=True)) for key, sum_ in sorted(sums.items(), key=_order)]
    row = insert(StatisticsCell)
    grown = {name: getattr(StatisticsCell, name) + row.excluded[name] for name in names[4:]}
    await session.execute(row.on_conflict_do_update(index_elements=list(names[:4]), set_=grown), rows)
    cell = tuple_(StatisticsCell.round_id, StatisticsCell.kind, StatisticsCell.key, StatisticsCell.district)
    shrunk = [key for key, sum_ in sums.items() if sum_[0] < 0]
    await session.execute(delete(StatisticsCell).where(cell.in_(shrunk), StatisticsCell.n == 0))


def _order(item: tuple[Key, Sum]) -> tuple[str, ...]:
    return tuple(str(part) for part in item[0])


def _add(sums: defaultdict[Key, Sum], case: Counted | None, sign: int) -> None:
    if case is None:
        return
    for (kind, key), n in case.counts.cells.items():
        place = (case.round_id, kind, key, case.district)
        number, applied, approved = sums[place]
        money = sign if kind in WITH_SUMS else 0
        sums[place] = (
            number + sign * n,
            applied + money * case.counts.applied,
            approved + money * case.counts.approved,
        )


def _row(id: UUID, case: Counted) -> dict[str, Any]:
    return {
        "application_id": id,
        "round_id": case.round_id,
        "district": case.district,
        "applied_wan": case.counts.applied,
        "approved_wan": case.counts.approved,
        "cells": [[kind, key, n] for (kind, key), n in sorted(case.counts.cells.items())],
    }


async def kept(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Counted]:
    """Return what the sums hold of these cases."""
    rows = select(StatisticsCase).where(StatisticsCase.application_id.in_(ids))
    return {
        row.application_id: Counted(
            row.round_id,
            row.district,
            Counts(row.applied_wan, row.approved_wan, {(kind, key): n for kind, key, n in row.cells}),
        )
        for row in await session.scalars(rows.execution_options(populate_existing=True))
    }


async def counted(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Counted]:
    """Return what these cases count for as they are now; none that counts for nothing."""
    columns = (
        Application.id, Application.round_id, Application.district, Application.state, Application.applied_wan,
        Application.approved_wan, Application.fund_type, Application.form_version,
    )  # fmt: skip
    query = select(*columns).where(
        Application.id.in_(ids), Application.deleted_at.is_(None), Application.submitted_at.is_not(None)
    )
    rows = (await session.execute(query)).all()
    listed = [row.id for row in rows]
    moves = await _moves(session, listed)
    reasons = await _reasons(session, listed)
    directions = await _directions(session, listed)
    return {
        row.id: Counted(
            row.round_id,
            row.district,
            counts(
                Case(
                    listed=True,
                    state=row.state,
                    applied=row.applied_wan or Decimal(0),
                    approved=row.approved_wan or Decimal(0),
                    direction=directions.get(row.id, ""),
                    form=f"{row.fund_type}.{row.form_version}",
                    moves=moves[row.id],
                    reasons=reasons[row.id],
                )
            ),
        )
        for row in rows
    }


async def _moves(session: AsyncSession, ids: Collection[UUID]) -> defaultdict[UUID, list[Move]]:
    query = (
        select(Audit.application_id, Audit.at, Audit.action, Audit.to_state)
        .where(Audit.application_id.in_(ids), Audit.to_state.is_not(None))
        .order_by(Audit.id)
    )
    found: defaultdict[UUID, list[Move]] = defaultdict(list)
    for id, at, action, to in await session.execute(query):
        assert id is not None
        found[id].append(Move(at, action, to))
    return found


async def _reasons(session: AsyncSession, ids: Collection[UUID]) -> defaultdict[UUID, list[str]]:
    """Places of the opinions that were sent and not taken back."""
    query = (
        select(Opinion.application_id, Opinion.section, Opinion.field)
        .join(Application, Application.id == Opinion.application_id)
        .where(Opinion.application_id.in_(ids), Opinion.round_trip <= Application.round_trips)
    )
    found: defaultdict[UUID, list[str]] = defaultdict(list)
    for id, section, field in await session.execute(query):
        found[id].append(f"{section or ''}.{field or ''}")
    return found


def direction_of(fund_type: str, version: int) -> tuple[str, str] | None:
    """Return the section and the field of a form where a project's 支持方向 stands: what chooses from a round's directions."""
    try:
        form = catalogue.form(fund_type, version)
    except DomainError:
        # A form that cannot be read any more keeps nobody from counting its cases.
        return None
    for section in form.sections:
        for key, part in section.by_key.items():
            if getattr(part, "options_from", None) == DIRECTIONS:
                return section.key, key
    return None


async def _directions(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, str]:
    """Directions as the latest submissions say them."""
    query = select(Application.fund_type, Application.form_version).where(Application.id.in_(ids)).distinct()
    found: dict[UUID, str] = {}
    for fund_type, version in (await session.execute(query)).all():
        place = direction_of(fund_type, version)
        if place is None:
            continue
        said = Revision.content["sections"][place[0]][place[1]].astext
        latest = (
            select(Application.id, said)
            .join(
                Revision, (Revision.application_id == Application.id) & (Revision.number == Application.revision)
            )
            .where(
                Application.id.in_(ids), Application.fund_type == fund_type, Application.form_version == version
            )
        )
        found |= {id: direction for id, direction in await session.execute(latest) if direction}
    return found


async def differences(session: AsyncSession) -> list[str]:
    """Count all cases anew, and name what the sums have otherwise: cells of each case, and the sums over them. Cases of which the audit tells what
    was not followed yet are left as they are."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('applications statistics'))"))
    found: list[str] = []
    pending = await _pending(session)
    sums: defaultdict[Key, Sum] = defaultdict(lambda: ZERO)
    after = NOBODY
    while ids := list(
        await session.scalars(
            select(Application.id).where(Application.id > after).order_by(Application.id).limit(BATCH)
        )
    ):
        after = ids[-1]
        anew, before = await counted(session, ids), await kept(session, ids)
        for id in pending.intersection(ids):
            anew.pop(id, None)
            if id in before:
                anew[id] = before[id]
        found += [
            f"{id}：应为 {anew.get(id)}，统计为 {before.get(id)}" for id in ids if anew.get(id) != before.get(id)
        ]
        for case in anew.values():
            _add(sums, case, 1)
        session.expunge_all()
    rows = await session.execute(
        select(
            StatisticsCell.round_id, StatisticsCell.kind, StatisticsCell.key, StatisticsCell.district,
            StatisticsCell.n, StatisticsCell.applied_wan, StatisticsCell.approved_wan,
        )
    )  # fmt: skip
    held: dict[Key, Sum] = {(row[0], row[1], row[2], row[3]): (row[4], row[5], row[6]) for row in rows}
    for key in sorted(sums.keys() | held.keys(), key=str):
        if sums.get(key, ZERO) != held.get(key, ZERO):
            found.append(
                f"{' '.join(map(str, key))}：应为 {_said(sums.get(key, ZERO))}，统计为 {_said(held.get(key, ZERO))}"
            )
    return found


async def _pending(session: AsyncSession) -> set[UUID]:
    progress = await session.get(StatisticsProgress, 1)
    position = progress.position if progress is not None else 0
    query = (
        select(Audit.application_id)
        .outerjoin(AuditLink, AuditLink.audit_id == Audit.id)
        .where(
            Audit.application_id.is_not(None),
            Audit.at > func.now() - timedelta(days=1),
            or_(AuditLink.position.is_(None), AuditLink.position > position),
        )
    )
    return {id for id in await session.scalars(query.distinct()) if id is not None}


def _said(sum_: Sum) -> str:
    return "/".join(map(str, sum_))
