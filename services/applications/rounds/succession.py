"""Make a round from an earlier one (沿用上一批次): everything stays, what is a date moves by whole years; and tell what differs."""

import re
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import notice_queries, round_queries
from services.applications.core.case import form_of
from services.applications.forms.authoring.round_needs import needs
from services.applications.forms.formulas.functions import day
from services.applications.rounds import manage
from services.applications.rounds.parameters import USUAL_WORKING_DAYS, WORKING_DAYS, parameter_label
from services.applications.tables.applications import Round
from services.applications.tables.notices import Notice, NoticeFile
from shared.contract.rounds import NewRound, RoundDifference
from shared.identity import Actor

# A year that a title names: 2026年度.
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?=年)")
_Day = TypeVar("_Day", bound=date)
_COMPARED = ("title", "form_version", "opens_at", "closes_at", "budget_wan")


async def succeed(session: AsyncSession, actor: Actor, id: UUID) -> Round:
    """Return a prepared round like this one, in the first year in which it would open later than now."""
    before = await round_queries.round_(session, id)
    following = successor(before, actor.received_at)
    made = await manage.create(session, actor, following, follows=before.id)
    await _notice(session, actor, before, made)
    return made


async def _notice(session: AsyncSession, actor: Actor, before: Round, after: Round) -> None:
    """Begin the notice of a round with that of the one it follows: its files come along, the years that its text names move as those of the title do."""
    known = await notice_queries.notice(session, before.id, before.notice)
    if known is None:
        return
    years = after.opens_at.year - before.opens_at.year
    files = []
    for file in await notice_queries.files(session, before.id, known.files):
        kept = {
            name: getattr(file, name)
            for name in ("name", "size", "media_type", "sha256", "scanned_at", "infected")
        }
        session.add(made := NoticeFile(id=uuid4(), round_id=after.id, created_by=actor.account, **kept))
        files.append(str(made.id))
    session.add(
        Notice(
            round_id=after.id,
            number=1,
            text=_years_later(known.text, years),
            questions=known.questions,
            files=files,
            created_by=actor.account,
            created_by_name=actor.name,
        )
    )
    after.notice = 1
    await session.flush()


def successor(before: Round, at: datetime) -> NewRound:
    """Return what follows a round: its window, the years of its title and its dates so many years later that it opens after `at`,
    at least one; all else as it was. A round of the time before returns had a usual length gets one."""
    years = 1
    while _later(before.opens_at, years) <= at:
        years += 1
    dates = {need.name for need in needs(form_of(before)) if need.kind == "date"}
    return NewRound(
        fund_type=before.fund_type,
        form_version=before.form_version,
        title=_years_later(before.title, years),
        opens_at=_later(before.opens_at, years),
        closes_at=_later(before.closes_at, years),
        parameters={WORKING_DAYS: USUAL_WORKING_DAYS}
        | {name: _moved(value, years) if name in dates else value for name, value in before.parameters.items()},
        budget_wan=before.budget_wan,
        publish=False,
    )


def _years_later(text: str, years: int) -> str:
    return _YEAR.sub(lambda found: str(int(found[0]) + years), text)


def _later(when: _Day, years: int) -> _Day:
    """Return the same day of a later year; the 28th for the 29th of February where that year has none."""
    try:
        return when.replace(year=when.year + years)
    except ValueError:
        return when.replace(year=when.year + years, day=28)


def _moved(value: Any, years: int) -> Any:
    found = day(value)
    return _later(found, years).isoformat() if found else value


def differences(before: Round, after: Round) -> list[RoundDifference]:
    """Return what a round has otherwise than an earlier one: attributes first, then parameters by name."""
    form = form_of(after)
    found = [
        RoundDifference(
            name=name, label=None, before=_plain(getattr(before, name)), after=_plain(getattr(after, name))
        )
        # Numbers of notices are compared within a round: of two rounds they say nothing.
        for name in (*_COMPARED, *(("notice",) if before.id == after.id else ()))
    ]
    found += [
        RoundDifference(
            name=f"parameters.{name}",
            label=parameter_label(form, name),
            before=before.parameters.get(name),
            after=after.parameters.get(name),
        )
        for name in sorted(before.parameters.keys() | after.parameters.keys())
    ]
    return [difference for difference in found if difference.before != difference.after]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int) else f"{value:.2f}"
