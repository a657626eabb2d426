"""Tell what two people did in a year, what one did alone, and every exception (职责分离报告): from the audit, which forgets nothing, and
from what was published."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, cast
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import Application, Audit, Round
from services.applications.tables.decision import Announcement
from services.applications.tables.forms import FormVersion
from services.applications.tables.four_eyes import REPORTED, Proposal
from shared import clock
from shared.contract.four_eyes import SeparatedAct, SeparationReport

AT_MOST = 5000
# The years that a report can be asked of.
YEARS = range(2020, 2100)
LABELS = {
    "publish_round": "发布批次",
    "change_round": "修改已发布的批次",
    "close_round": "立即截止",
    "extend_round": "单独延期",
    "publish_form": "发布表单",
    "publish_list": "发布名单",
    "approve": "逐件批复",
    "extend": "延长补正期限",
    "resend": "改发通知",
}
EXTENSIONS = ("extend_round", "extend")
TIMES = {"opens_at", "closes_at"}
T = TypeVar("T")


@dataclass(frozen=True)
class Known:
    """What the acts are about, by their ids, and who proposed the amount of each application that was approved by itself."""

    rounds: dict[UUID, Round]
    applications: dict[UUID, Application]
    lists: dict[UUID, Announcement]
    forms: dict[tuple[str, int], FormVersion]
    proposers: dict[UUID, Audit]
    names: dict[str, str]


def bounds(year: int) -> tuple[datetime, datetime]:
    """Return the first instant of a year of Beijing's calendar, and the first of the next."""
    begins, ends = (datetime(one, 1, 1, tzinfo=clock.SHANGHAI) for one in (year, year + 1))
    return begins, ends


async def report(session: AsyncSession, settings: ApplicationsSettings, year: int) -> SeparationReport:
    """Return the year's acts, the latest first, with how many two people did and one did alone."""
    begins, ends = bounds(year)
    query = select(Audit).where(Audit.at >= begins, Audit.at < ends, Audit.action.in_(REPORTED)).order_by(Audit.at)
    rows = [row for row in await session.scalars(query) if not _is_of_a_list(row)]
    known = await _known(session, rows)
    seen: Counter[tuple[str, ...]] = Counter()
    acts = [act for row in rows if (act := _act(row, known, seen)) is not None]
    acts.reverse()
    found = Counter(act.finding for act in acts)
    return SeparationReport(
        year=year,
        acts=acts[:AT_MOST],
        left_out=max(0, len(acts) - AT_MOST),
        two=found["two"],
        one=found["one"],
        extensions=sum(act.action in EXTENSIONS for act in acts),
        repeated=sum(act.times > 1 for act in acts),
        rules=rules(settings),
    )


def rules(settings: ApplicationsSettings) -> dict[str, bool]:
    """Return by the name of its setting whether an act takes two people here."""
    return {
        "GM_PUBLICITY_BY_LIST": settings.publicity_by_list,
        "GM_ROUNDS_BY_TWO": settings.rounds_by_two,
        "GM_FORMS_BY_TWO": settings.forms_by_two,
        "GM_EXTENSIONS_BY_TWO": settings.extensions_by_two,
    }


def _is_of_a_list(row: Audit) -> bool:
    """A case that was approved by a list is told with the list; a notice to an address on record is nothing to tell."""
    if row.action == "resend":
        return bool(row.details.get("on_record", True))
    return row.action == "approve" and "announcement" in row.details


async def _known(session: AsyncSession, rows: Sequence[Audit]) -> Known:
    of_applications = {row.application_id for row in rows if row.application_id}
    forms = {str(row.details["form"]) for row in rows if row.action == "publish_form"}
    published = await session.scalars(select(FormVersion).where(FormVersion.fund_type.in_(forms)))
    approved = {row.application_id for row in rows if row.action == "approve"}
    proposed = (
        select(Audit).where(Audit.application_id.in_(approved), Audit.action == "propose").order_by(Audit.id)
    )
    return Known(
        rounds=await _by_id(session, Round, Round.id, {id for row in rows if (id := _uuid(row, "round"))}),
        applications=await _by_id(session, Application, Application.id, of_applications),
        lists=await _by_id(
            session, Announcement, Announcement.id, {i for r in rows if (i := _uuid(r, "announcement"))}
        ),
        forms={(form.fund_type, form.version): form for form in published},
        names={one.proposed_by: one.proposed_by_name for one in await session.scalars(_resends(of_applications))},
        proposers={cast(UUID, row.application_id): row for row in await session.scalars(proposed)},
    )


def _resends(applications: set[UUID]) -> Select[Proposal]:
    """Select who proposed other addresses for these applications: the audit of a notice names an account alone."""
    return select(Proposal).where(Proposal.kind == "resend", Proposal.target.in_(applications))


async def _by_id(
    session: AsyncSession, table: type[T], key: InstrumentedAttribute[UUID], ids: set[UUID]
) -> dict[UUID, T]:
    rows = (await session.execute(select(key, table).where(key.in_(ids)))).all()
    return {row[0]: row[1] for row in rows}


def _uuid(row: Audit, name: str) -> UUID | None:
    return UUID(row.details[name]) if row.details.get(name) else None


def _act(row: Audit, known: Known, seen: Counter[tuple[str, ...]]) -> SeparatedAct | None:
    """Return an act as it is reported, or None for a change that was the drafter's own business."""
    round_ = known.rounds.get(_uuid(row, "round") or UUID(int=0))
    application = known.applications.get(row.application_id or UUID(int=0))
    subject = _subject(row, known, round_, application)
    finding, proposed_by = _found(row, known, round_)
    if finding is None:
        return None
    times = 1
    if row.action in EXTENSIONS:
        about = (
            row.action,
            str(row.application_id),
            str(row.details.get("round")),
            str(row.details.get("enterprise")),
        )
        seen[about] += 1
        times = seen[about]
    return SeparatedAct(
        at=row.at,
        action=row.action,
        label="补时" if "act" in row.details else LABELS[row.action],
        subject=subject,
        proposed_by=proposed_by,
        confirmed_by=row.actor_name,
        finding=finding,
        times=times,
        reason=str(row.details.get("reason") or ""),
        application_id=row.application_id,
        round_id=round_.id if round_ else None,
    )


def _subject(row: Audit, known: Known, round_: Round | None, application: Application | None) -> str:
    if application is not None:
        return f"{application.number or ''} {application.project_name}".strip()
    if row.action == "publish_form":
        return f"{row.details['form']} 第 {row.details['version']} 版"
    if row.action == "publish_list":
        return f"{row.details['title']}（{row.details['reference']}）"
    title = round_.title if round_ else ""
    return f"{title}　{row.details['enterprise']}" if row.action == "extend_round" else title


def _found(
    row: Audit, known: Known, round_: Round | None
) -> tuple[Literal["two", "one", "exception"] | None, str]:
    """Return whether two people did it, and who proposed it."""
    by: tuple[Any, str] | None = None
    match row.action:
        case "close_round":
            return "exception", row.actor_name
        case "publish_round":
            by = (round_.drafted_by, round_.drafted_by_name or "") if round_ else None
        case "publish_list":
            list_ = known.lists.get(_uuid(row, "announcement") or UUID(int=0))
            by = (list_.drafted_by, list_.drafted_by_name) if list_ else None
        case "publish_form":
            form = known.forms.get((row.details["form"], row.details["version"]))
            by = (form.proposed_by, form.proposed_by_name) if form else None
        case "approve":
            proposed = known.proposers.get(row.application_id or UUID(int=0))
            by = (proposed.actor, proposed.actor_name) if proposed else None
        case "change_round":
            if round_ is None or round_.published_at is None or row.at <= round_.published_at:
                return None, ""
            if row.details.get("proposed_by"):
                return "two", str(row.details["proposed_by"])
            if set(row.details.get("after") or ()) <= TIMES:
                return "exception", row.actor_name
        case _:
            if row.details.get("proposed_by"):
                account = str(row.details["proposed_by"])
                by = (account, row.details.get("proposed_by_name") or known.names.get(account, "另一位工作人员"))
    if by is None or by[0] is None or by[0] == row.actor:
        return "one", row.actor_name
    return "two", by[1]
