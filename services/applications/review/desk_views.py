"""Show the desk as the public HTTP contract does: pages of the queue, the counts beside it, what its filters offer."""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import views
from services.applications.forms.catalogue import form
from services.applications.review import case_list, leases, looks
from services.applications.review.case_list import Filter
from shared.contract.applications import ApplicationPage
from shared.contract.review import Choice, DeskCounts, FilterChoices
from shared.identity import Actor

# Cases by state and assignee, as `case_list.counts` gives them.
Counted = Mapping[tuple[str, str], int]


async def page(
    session: AsyncSession, actor: Actor, wanted: Filter, *, cursor: str = "", limit: int = 20
) -> ApplicationPage:
    """Return a page of the queue."""
    found, following = await case_list.page(session, actor, wanted, cursor=cursor, limit=limit)
    items = await views.summaries(session, found, actor)
    asked = await case_list.unlock_requests(session, found)
    news = await looks.news(session, actor, found)
    for item in items:
        item.unlock_requests, item.news = asked.get(item.id, 0), news[item.id]
    return ApplicationPage(items=items, next_cursor=following)


async def counts(session: AsyncSession, actor: Actor, wanted: Filter, counted: Counted) -> DeskCounts:
    """Return how many cases stand in each state, and how many match."""
    matching = await case_list.matching(session, actor, wanted)
    unseen = case_list.unseen_since(actor.received_at - case_list.UNSEEN_AFTER)
    everything: dict[str, int] = defaultdict(int)
    for (state, _), n in counted.items():
        everything[state] += n
    return DeskCounts(
        all=everything,
        mine={state: n for (state, assignee), n in counted.items() if assignee == actor.account},
        unassigned={state: n for (state, assignee), n in counted.items() if not assignee},
        unseen=await case_list.how_many(session, actor, *unseen),
        over=await case_list.how_many(session, actor, *case_list.over_at(actor.received_at)),
        unlock=await case_list.how_many_ask(session, actor),
        matching=matching,
        matching_up_to=case_list.COUNT_UP_TO,
    )


def waiting(counted: Counted) -> dict[str, int]:
    """Return how many cases wait for each reviewer, by account."""
    found: dict[str, int] = defaultdict(int)
    for (state, assignee), n in counted.items():
        if assignee and state in leases.TO_WORK_ON:
            found[assignee] += n
    return found


async def choices(session: AsyncSession) -> FilterChoices:
    """Return what the queue's filters offer."""
    rounds = await case_list.rounds(session)
    types = {r.fund_type: form(r.fund_type, r.form_version).label for r in rounds}
    return FilterChoices(
        rounds=[Choice(key=str(r.id), label=r.title) for r in rounds],
        fund_types=[Choice(key=key, label=label) for key, label in types.items()],
        districts=await case_list.districts(session),
    )
