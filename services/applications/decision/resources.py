"""Gather what decisions need of the running service."""

from aiohttp import web

from services.applications.core.context import CODEC, SETTINGS, WORKDAYS
from services.applications.decision.decisions import Office


def office(request: web.Request) -> Office:
    """Return what decisions need of the office."""
    settings = request.app[SETTINGS]
    return Office(
        codec=request.app[CODEC],
        calendar=request.app[WORKDAYS],
        publicity_working_days=settings.publicity_working_days,
        publicity_by_list=settings.publicity_by_list,
        lease_minutes=settings.review_lease_minutes,
    )
