"""Tell what comes next for an application and about when, by how long the bureau took with others of its type."""

import asyncio
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.submission import queries
from services.applications.tables.applications import Application
from services.applications.workflow import State, as_applicants_read
from shared import clock
from shared.contract.pages import NextStep

# What happens in each state, as an applicant reads it.
NEXT = {
    State.PENDING_ACCEPTANCE: "审核人员核对材料，纳入审核批或者退回补正。",
    State.FORM_REVIEW: "形式审查。通过后进入专家评审；材料需要修改的，退回补正。",
    State.EXPERT_REVIEW: "专家评审。全部专家评分汇总后进入审定。",
    State.DECISION: "审定。结果确定后公示拟支持的项目。",
    State.PUBLICITY: "公示。公示期满、异议均已处理后批复。",
}
# Fewer cases than this say nothing of the next one.
LEAST = 5
# What is looked back on, and how long an answer is good for.
SINCE = timedelta(days=400)
_GOOD_FOR = 3600.0


@dataclass(frozen=True)
class Pace:
    """How long a state lasted in the middle of so many cases."""

    cases: int
    median: timedelta


class Paces:
    """The paces of each fund type, asked of the audit once an hour: a question about every case of a year."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, dict[str, Pace]]] = {}
        self._asking = asyncio.Lock()

    async def of(self, session: AsyncSession, fund_type: str) -> dict[str, Pace]:
        """Return the paces by state."""
        async with self._asking:
            at, found = self._known.get(fund_type, (-math.inf, {}))
            if monotonic() - at > _GOOD_FOR:
                rows = await queries.lasted(session, fund_type, clock.now() - SINCE)
                found = {state: Pace(cases, median) for state, cases, median in rows}
                self._known[fund_type] = monotonic(), found
            return found


PACES = web.AppKey("paces", Paces)


async def next_step(
    session: AsyncSession, paces: Paces, application: Application, since: datetime | None
) -> NextStep | None:
    """Return what happens now and about when it is over; None where nothing is to be waited for. `since`: when the application came into
    the state that its applicant reads."""
    state = as_applicants_read(State(application.state))
    if state not in NEXT:
        return None
    pace = (await paces.of(session, application.fund_type)).get(state)
    if pace is None or pace.cases < LEAST:
        return NextStep(text=NEXT[state])
    about = since + pace.median if since else None
    return NextStep(
        text=NEXT[state],
        days=max(1, math.ceil(pace.median / timedelta(days=1))),
        cases=pace.cases,
        about=about if about and about > clock.now() else None,
    )
