"""Put 统计 together from the sums, whatever the number of cases: nothing here reads a case."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.forms import catalogue
from services.applications.forms.definition import Form
from services.applications.statistics.facts import STAGES, WAY, quantile
from services.applications.tables.applications import Round
from services.applications.tables.statistics import StatisticsCell, StatisticsProgress
from services.applications.workflow import LABELS, Action, State
from shared import clock
from shared.contract.review import Choice
from shared.contract.statistics import Budget, DayLoad, Line, ReturnReason, StageDays, Statistics, Step
from shared.errors import DomainError, NotFound

DAYS = 14
# Places of opinions: the most frequent.
SHOWN = 20
NOWHERE = "未填写"
Sum = tuple[int, Decimal, Decimal]


@dataclass(frozen=True)
class Wanted:
    """Which cases: of a round, of the `latest` that has opened or of all, of a type, of a district."""

    round_id: UUID | None = None
    latest: bool = False
    fund_type: str = ""
    district: str = ""


async def overview(session: AsyncSession, wanted: Wanted) -> Statistics:
    """Return what the wanted cases come to. `NotFound` for a round that nobody has published."""
    rounds = list(
        await session.scalars(
            select(Round).where(Round.published_at.is_not(None)).order_by(Round.opens_at.desc(), Round.id)
        )
    )
    if wanted.latest and rounds:
        # One that opens only later has no cases to be counted.
        opened = [one.id for one in rounds if one.opens_at <= clock.now()]
        wanted = replace(wanted, round_id=[*opened, rounds[0].id][0])
    if wanted.round_id is not None and wanted.round_id not in {one.id for one in rounds}:
        raise NotFound("没有这个申报批次。")
    meant = [
        one for one in rounds if wanted.round_id in (None, one.id) and wanted.fund_type in ("", one.fund_type)
    ]
    progress = await session.get(StatisticsProgress, 1)
    cells = await _cells(session, [one.id for one in meant], wanted.district)
    kinds: defaultdict[str, dict[str, Sum]] = defaultdict(dict)
    for kind, key, sum_ in cells:
        kinds[kind][key] = sum_
    places = await _places(session, [one.id for one in meant], wanted.district)
    types = {one.id: one.fund_type for one in meant}
    by_type: defaultdict[str, list[Sum]] = defaultdict(list)
    by_district: defaultdict[str, list[Sum]] = defaultdict(list)
    for round_id, district, sum_ in places:
        by_type[types[round_id]].append(sum_)
        by_district[district].append(sum_)
    labels = {fund_type: type_label(fund_type) for fund_type in sorted({one.fund_type for one in rounds})}
    return Statistics(
        round=wanted.round_id,
        rounds=[Choice(key=str(one.id), label=one.title) for one in rounds],
        fund_types=[Choice(key=key, label=label) for key, label in labels.items()],
        districts=await _districts(session),
        as_of=progress.at if progress else None,
        filling=progress is None or progress.filling is not None,
        all=line("", "合计", (total(sums) for sums in by_type.values())),
        budget=_budget(meant, by_type.values()) if not wanted.district else None,
        states=[line(state, LABELS[state], [kinds["state"][state]]) for state in State if state in kinds["state"]],
        way=[Step(state=state, label=LABELS[state], n=kinds["reached"].get(state, (0,))[0]) for state in WAY],
        by_type=_lines(by_type, labels),
        by_district=_lines(by_district, {"": NOWHERE}),
        by_direction=_lines({key: [sum_] for key, sum_ in kinds["direction"].items()}, {"": NOWHERE}),
        stages=_stages(kinds["stage"]),
        reasons=_reasons(kinds["reason"], {one.fund_type for one in meant}),
        days=_days(kinds["day"], clock.today()),
        forms=[Choice(key=key, label=form_label(key)) for key in sorted(kinds["form"])],
    )


def total(sums: Iterable[Sum]) -> Sum:
    """Return the sum of sums."""
    number, applied, approved = 0, Decimal(0), Decimal(0)
    for n, more, given in sums:
        number, applied, approved = number + n, applied + more, approved + given
    return number, applied, approved


def line(key: str, label: str, sums: Iterable[Sum]) -> Line:
    n, applied, approved = total(sums)
    return Line(key=key, label=label, n=n, applied_wan=applied, approved_wan=approved)


def type_label(fund_type: str) -> str:
    """Return what people call a type; its name where its form cannot be read."""
    try:
        return catalogue.newest(fund_type).label
    except DomainError:
        return fund_type


def form_label(key: str) -> str:
    """Return what people call a version of a form, given as `type.2`."""
    fund_type, _, version = key.rpartition(".")
    return f"{type_label(fund_type)} 第 {version} 版"


def _lines(sums: Mapping[str, Iterable[Sum]], labels: Mapping[str, str]) -> list[Line]:
    """The most first; what nobody filled in last."""
    lines = [line(key, labels.get(key, key), some) for key, some in sums.items()]
    return sorted(lines, key=lambda one: (not one.key, -one.n, one.label))


def _meant(rounds: list[UUID], district: str) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [StatisticsCell.round_id.in_(rounds)]
    if district:
        where.append(StatisticsCell.district == district)
    return where


async def _cells(session: AsyncSession, rounds: list[UUID], district: str) -> list[tuple[str, str, Sum]]:
    since = (clock.today() - timedelta(days=DAYS - 1)).isoformat()
    query = (
        select(
            StatisticsCell.kind,
            StatisticsCell.key,
            func.sum(StatisticsCell.n),
            func.sum(StatisticsCell.applied_wan),
            func.sum(StatisticsCell.approved_wan),
        )
        .where(*_meant(rounds, district), (StatisticsCell.kind != "day") | (StatisticsCell.key >= since))
        .group_by(StatisticsCell.kind, StatisticsCell.key)
    )
    return [
        (kind, key, (int(n), applied, approved))
        for kind, key, n, applied, approved in await session.execute(query)
    ]


async def _places(session: AsyncSession, rounds: list[UUID], district: str) -> list[tuple[UUID, str, Sum]]:
    query = (
        select(
            StatisticsCell.round_id,
            StatisticsCell.district,
            func.sum(StatisticsCell.n),
            func.sum(StatisticsCell.applied_wan),
            func.sum(StatisticsCell.approved_wan),
        )
        .where(*_meant(rounds, district), StatisticsCell.kind == "state")
        .group_by(StatisticsCell.round_id, StatisticsCell.district)
    )
    return [
        (id, place, (int(n), applied, approved))
        for id, place, n, applied, approved in await session.execute(query)
    ]


async def _districts(session: AsyncSession) -> list[str]:
    query = select(StatisticsCell.district).where(StatisticsCell.kind == "state", StatisticsCell.district != "")
    return sorted(await session.scalars(query.distinct()))


def _budget(rounds: Iterable[Round], sums: Iterable[Iterable[Sum]]) -> Budget | None:
    known = [one.budget_wan for one in rounds]
    if not known or any(budget is None for budget in known):
        return None
    used = total(total(some) for some in sums)[2]
    return Budget(total_wan=sum((b for b in known if b is not None), Decimal(0)), used_wan=used)


def _stages(cells: Mapping[str, Sum]) -> list[StageDays]:
    days: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for key, (n, *_) in sorted(cells.items()):
        stage, _, spent = key.rpartition(":")
        days[stage].append((int(spent), n))
    return [
        StageDays(
            state=stage,
            label=LABELS[stage],
            n=sum(n for _, n in days[stage]),
            median=quantile(days[stage], 0.5) or 0,
            p90=quantile(days[stage], 0.9) or 0,
            longest=days[stage][-1][0],
        )
        for stage in STAGES
        if days[stage]
    ]


def _reasons(cells: Mapping[str, Sum], fund_types: Iterable[str]) -> list[ReturnReason]:
    """The most frequent places, as the newest form that has them calls them."""
    forms = []
    for fund_type in sorted(fund_types):
        try:
            forms.append(catalogue.newest(fund_type))
        except DomainError:
            continue
    named: defaultdict[tuple[str, str | None], int] = defaultdict(int)
    for place, (n, *_) in cells.items():
        named[_place(place, forms)] += n
    most = sorted(named.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or ""))
    return [ReturnReason(section=section, field=field, n=n) for (section, field), n in most[:SHOWN]]


def _place(place: str, forms: Iterable[Form]) -> tuple[str, str | None]:
    key, _, field = place.partition(".")
    for form in forms:
        section = form.section(key)
        if section is not None and (not field or field in section.by_key):
            return section.label, section.by_key[field].label if field else None
    return ("整份材料", None) if not key else (key, field or None)


def _days(cells: Mapping[str, Sum], today: date) -> list[DayLoad]:
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    for key, (n, *_) in cells.items():
        day, _, action = key.partition(":")
        found[day, action] += n
    days = [today - timedelta(days=n) for n in reversed(range(DAYS))]
    return [
        DayLoad(
            day=day,
            submitted=found[day.isoformat(), Action.SUBMIT],
            accepted=found[day.isoformat(), Action.ACCEPT],
            returned=found[day.isoformat(), Action.RETURN],
            passed=found[day.isoformat(), Action.PASS],
            decided=sum(
                found[day.isoformat(), action]
                for action in (Action.PROPOSE, Action.APPROVE, Action.DECLINE, Action.REFUSE)
            ),
        )
        for day in days
    ]
