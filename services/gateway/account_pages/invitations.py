"""Open an invitation's link: say what it is, and accept it by a button. Looking binds nobody."""

from aiohttp import web

from services.gateway.accounts import invitations
from services.gateway.accounts.accounts import note
from services.gateway.accounts.members import LABELS
from services.gateway.accounts.models import Account, Invitation
from services.gateway.web.addresses import client_address
from services.gateway.web.context import BROWSER_SESSIONS, DATABASE, SESSION
from services.gateway.web.form_data import read_form
from services.gateway.web.rendering import page
from shared.errors import DomainError
from shared.http.app import see_other
from shared.http.problem import status_of


async def show(request: web.Request) -> web.Response:
    """What the invitation is to, or why it cannot be accepted."""
    async with request.app[DATABASE].begin() as session:
        account = await session.get_one(Account, request[SESSION].account)
        try:
            found = await invitations.find(session, request.match_info["secret"], account)
        except DomainError as error:
            return _page(request, None, error)
        return _page(request, found, None)


async def accept(request: web.Request) -> web.Response:
    """接受邀请: from now on it is this person's, and nobody else's."""
    await read_form(request)
    person, address = request[SESSION], client_address(request)
    async with request.app[DATABASE].begin() as session:
        account = await session.get_one(Account, person.account)
        try:
            found, now = await invitations.accept(session, request.match_info["secret"], account)
        except DomainError as error:
            note(session, "invitation_refused", person.subject, address, result="refused", reason=error.code)
            return _page(request, None, error)
        if now:
            note(
                session, "invitation_accepted", person.subject, address, invitation=str(found.id),
                enterprise=found.enterprise, application=str(found.application or ""), company=account.enterprise,
                company_name=account.enterprise_name, duties=found.duties,
            )  # fmt: skip
    # The page that says so leads on: by then every gateway has heard of the new right.
    request.app[BROWSER_SESSIONS].forget(person.id_sha256)
    return see_other(request.path)


def _page(request: web.Request, found: Invitation | None, error: DomainError | None) -> web.Response:
    context = {
        "invitation": found,
        "project": found.application_name if found else None,
        "accepted": found is not None and found.used_by is not None,
        "duties": LABELS,
        "error": error.detail if error else None,
    }
    status = int(status_of(error)) if error else 200
    return page(request, "account_pages/invitation.html", context, status=status)
