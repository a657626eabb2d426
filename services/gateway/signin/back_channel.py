"""End sessions when the provider says so: `POST /login/backchannel-logout`.

The provider calls when a person signs out there, changes the password, or is locked. Its signature alone proves the call.
"""

from datetime import timedelta

from aiohttp import web
from sqlalchemy.dialects.postgresql import insert

from services.gateway.accounts.accounts import note
from services.gateway.accounts.models import SpentState
from services.gateway.accounts.sessions import digest
from services.gateway.signin.client import SIGN_IN
from services.gateway.signin.logout_token import LONGEST, OLDEST_SECONDS
from services.gateway.web.addresses import client_address, is_allowed, line
from services.gateway.web.context import BROWSER_SESSIONS, DATABASE, LIMITS
from services.gateway.web.form_data import FORM, Values, keep_form, one
from services.gateway.web.limits import VERIFY
from shared import clock, codes
from shared.errors import DomainError, Malformed

# A token is remembered until it has expired, plus the difference that clocks may have.
SPENT_FOR = timedelta(seconds=OLDEST_SECONDS * 3)


async def logout(request: web.Request) -> web.Response:
    """End what the provider names. 200 when it is over, also if nothing was there; 400 for what is no logout token of ours."""
    await keep_form(request)
    form: Values = request[FORM]
    token = one(form, "logout_token")
    if not token or len(token) > LONGEST:
        raise Malformed(code=codes.INVALID_REQUEST)
    address = client_address(request)
    try:
        said = await request.app[SIGN_IN].provider.signed_out(token)
    except DomainError as refused:
        if not is_allowed(request):
            await request.app[LIMITS].take_address(VERIFY, request.path, line(request))
        async with request.app[DATABASE].begin() as database:
            note(
                database,
                "provider_sign_out_refused",
                None,
                address,
                result="refused",
                reason=getattr(refused, "reason", refused.code),
            )
        raise
    # The provider may say it twice; once it was carried out, a token that somebody kept ends nothing more. Noted afterwards:
    # what failed in between is carried out when the provider says it again.
    spent = digest(f"logout:{said.id}")
    async with request.app[DATABASE].begin() as database:
        carried_out = await database.get(SpentState, spent)
    if carried_out is None:
        ended = await request.app[BROWSER_SESSIONS].end_at_provider(said.subject, said.session)
        async with request.app[DATABASE].begin() as database:
            row = {"state_sha256": spent, "expires_at": clock.now() + SPENT_FOR}
            await database.execute(insert(SpentState).values(row).on_conflict_do_nothing())
            for subject in ended:
                note(database, "provider_sign_out", subject, address)
    return web.Response(headers={"Cache-Control": "no-store"})
