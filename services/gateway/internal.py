"""Serve the internal port: profiles and staff for the other services, metrics, readiness."""

from datetime import datetime, timedelta
from uuid import UUID

from aiohttp import web
from prometheus_client import Gauge
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts import people, staff_mail
from services.gateway.operator import promise, promise_queries
from services.gateway.web.context import DATABASE
from services.gateway.web.profiles import PROFILES
from shared import clock, codes
from shared.errors import Malformed
from shared.http.app import CALLER, HEALTH, METRICS, Route, answer, body, uuid_in_path
from shared.identity import Role
from shared.messages import KnownAddresses, Profile, Staff, StaffAddresses, TurnedAway
from shared.roles import TOLD

# Deadlines are judged by the gateway's stamp; further apart than this it must not take requests.
MAX_SKEW = timedelta(seconds=1)
SKEW = Gauge("gm_clock_skew_seconds", "The database's clock minus this machine's, when it was last asked")


async def profile(request: web.Request) -> web.Response:
    """What is known of an account for prefilling a form: the registry's entry and the platform's attributes."""
    caller = request[CALLER].actor
    if caller is not None and caller.agent is not None and caller.enterprise:
        # What is known of the agent's own company belongs into no other enterprise's form.
        return answer(await request.app[PROFILES].of_enterprise(caller.enterprise))
    return answer(await request.app[PROFILES].of(uuid_in_path(request, "account")))


async def staff(request: web.Request) -> web.Response:
    """Everybody who may sign in with a role of the bureau's, by name."""
    role = request.query.get("role", "")
    if role not in TOLD:
        raise Malformed("没有这种角色。", code=codes.UNKNOWN_ROLE)
    async with request.app[DATABASE].begin() as session:
        return answer(Staff(items=await people.with_role(session, Role(role))))


async def staff_addresses(request: web.Request) -> web.Response:
    """Where these accounts are written to, as far as they may sign in and gave an address."""
    accounts = []
    for said in body(request, StaffAddresses).accounts:
        try:
            accounts.append(UUID(said))
        except ValueError:
            continue  # one that never was an account here has no address
    async with request.app[DATABASE].begin() as session:
        return answer(KnownAddresses(items=await staff_mail.known(session, accounts)))


async def turned_away(request: web.Request) -> web.Response:
    """Enterprises whose requests were turned away or failed in a degraded minute of the 24 hours before an instant."""
    try:
        until = datetime.fromisoformat(request.query.get("until", ""))
        since = until - promise.JUDGED_BEFORE
    except (ValueError, OverflowError):
        raise Malformed("until 应为带时区的时间。", code=codes.BAD_INSTANT) from None
    if until.tzinfo is None:
        raise Malformed("until 应为带时区的时间。", code=codes.BAD_INSTANT)
    async with request.app[DATABASE]() as session:
        minutes = await promise_queries.minutes(session, since, until)
        degraded = [one.at for one in minutes if one.degraded]
        return answer(TurnedAway(enterprises=await promise_queries.enterprises(session, degraded)))


async def check_clock(session: AsyncSession) -> None:
    """`RuntimeError` when this machine's clock and the database's are more than a second apart."""
    before = clock.now()
    theirs = await session.scalar(select(func.clock_timestamp()))
    after = clock.now()
    assert theirs is not None
    SKEW.set((theirs - (before + (after - before) / 2)).total_seconds())
    if theirs < before - MAX_SKEW or theirs > after + MAX_SKEW:
        raise RuntimeError(f"clock differs from the database's by {(theirs - after).total_seconds():.1f} s")


ROUTES = [
    Route("GET", "/internal/profiles/{account}", profile, frozenset({"applications"}), answer=Profile),
    Route("GET", "/internal/staff", staff, frozenset({"applications"}), answer=Staff, query=("role",)),
    Route(
        "POST",
        "/internal/staff-addresses",
        staff_addresses,
        frozenset({"applications"}),
        body=StaffAddresses,
        answer=KnownAddresses,
    ),
    Route(
        "GET",
        "/internal/turned-away",
        turned_away,
        frozenset({"applications"}),
        answer=TurnedAway,
        query=("until",),
    ),
    *HEALTH,
    *METRICS,
]
