"""Serve the review desk: the queue and its counts, who has which case, and the views that reviewers keep."""

from aiohttp import web

from services.applications.core import peers, views
from services.applications.core.context import PEERS, SETTINGS, transaction
from services.applications.core.params import page_limit
from services.applications.review import assignment, case_list, desk_views, leases, saved_filters
from services.applications.review.case_list_params import FILTERS, wanted
from shared import codes
from shared.contract.review import (
    Assign,
    Assigned,
    Away,
    FilterView,
    KeepFilter,
    StaffView,
    TakeLease,
)
from shared.errors import Malformed
from shared.http.app import actor, answer, body, uuid_in_path
from shared.identity import Role


async def show_queue(request: web.Request) -> web.Response:
    """Submitted applications, oldest submission first (`order=newest` for the other way), keyset-paged."""
    who, filter_ = actor(request), wanted(request)
    async with transaction(request) as session:
        cursor, limit = request.query.get("cursor", ""), page_limit(request)
        return answer(await desk_views.page(session, who, filter_, cursor=cursor, limit=limit))


async def show_counts(request: web.Request) -> web.Response:
    """Return how many cases stand in each state, and how many match the same parameters as the queue's."""
    who, filter_ = actor(request), wanted(request)
    async with transaction(request) as session:
        return answer(await desk_views.counts(session, who, filter_, await case_list.counts(session)))


async def show_choices(request: web.Request) -> web.Response:
    """Return what the queue's filters offer: rounds, fund types and districts."""
    async with transaction(request) as session:
        return answer(await desk_views.choices(session))


async def list_reviewers(request: web.Request) -> web.Response:
    """To whom cases can be given, and how many wait for each."""
    who = actor(request)
    reviewers = await peers.staff(request.app[PEERS], Role.REVIEWER)
    async with transaction(request) as session:
        waiting = desk_views.waiting(await case_list.counts(session))
        away = await assignment.who_is_away(session)
    return answer(
        [
            StaffView(
                account=member.account,
                name=member.name,
                away=member.account in away,
                mine=member.account == who.account,
                waiting=waiting.get(member.account, 0),
            )
            for member in reviewers
        ]
    )


async def assign(request: web.Request) -> web.Response:
    """Give cases to one reviewer, to nobody, or to the reviewers in turn; a result for each."""
    who, given = actor(request), body(request, Assign)
    reviewers = await peers.staff(request.app[PEERS], Role.REVIEWER) if given.in_turn or given.assignee else []
    ids = list(dict.fromkeys(given.applications))
    async with transaction(request) as session:
        if given.in_turn:
            outcomes = await assignment.assign_in_turn(session, who, ids, reviewers)
        else:
            to = assignment.member_of(reviewers, given.assignee) if given.assignee else None
            outcomes = await assignment.assign(session, who, ids, to)
    return answer([Assigned.model_validate(o, from_attributes=True) for o in outcomes])


async def take_next(request: web.Request) -> web.Response:
    """Take the oldest waiting case that nobody has into work; 404 when there is none."""
    who = actor(request)
    async with transaction(request) as session:
        found = await leases.take_next(session, who, request.app[SETTINGS].review_lease_minutes)
        view = await views.summary(session, found, who)
    return answer(view, ETag=f'"{view.version}"')


async def take_lease(request: web.Request) -> web.Response:
    """Take a case into work, or renew; 409 names the holder, `takeover` with a reason takes it over."""
    who, given = actor(request), body(request, TakeLease)
    minutes = request.app[SETTINGS].review_lease_minutes
    async with transaction(request) as session:
        found = await leases.take(
            session, who, uuid_in_path(request), minutes, takeover=given.takeover, reason=given.reason
        )
        view = await views.summary(session, found, who)
    return answer(view, ETag=f'"{view.version}"')


async def drop_lease(request: web.Request) -> web.Response:
    """Let go of it."""
    async with transaction(request) as session:
        await leases.drop(session, actor(request), uuid_in_path(request))
    return web.Response(status=204)


async def set_away(request: web.Request) -> web.Response:
    """暂停接件 or 恢复接件: whether one is left out when cases are dealt in turn."""
    async with transaction(request) as session:
        await assignment.set_away(session, actor(request), body(request, Away).away)
    return web.Response(status=204)


async def list_filters(request: web.Request) -> web.Response:
    """Return the views of the queue that one keeps, by name."""
    async with transaction(request) as session:
        found = await saved_filters.mine(session, actor(request))
        return answer([FilterView.model_validate(f, from_attributes=True) for f in found])


async def keep_filter(request: web.Request) -> web.Response:
    """Keep a view of the queue under a name; one of the same name is replaced."""
    given = body(request, KeepFilter)
    unknown = given.query.keys() - set(FILTERS)
    if unknown:
        raise Malformed("常用筛选含有未知的条件。", code=codes.UNKNOWN_FILTER)
    async with transaction(request) as session:
        kept = await saved_filters.keep(session, actor(request), given.name, dict(given.query))
        return answer(FilterView.model_validate(kept, from_attributes=True), 201)


async def forget_filter(request: web.Request) -> web.Response:
    """Give up a kept view."""
    async with transaction(request) as session:
        await saved_filters.forget(session, actor(request), uuid_in_path(request))
    return web.Response(status=204)
