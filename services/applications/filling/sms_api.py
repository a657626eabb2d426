"""Serve whether an application's contact is told by short messages."""

from aiohttp import web

from services.applications.core import repository
from services.applications.core.audit import record
from services.applications.core.context import transaction
from shared import clock
from shared.contract.sections import ShortMessages
from shared.http.app import actor, body, uuid_in_path


async def choose(request: web.Request) -> web.Response:
    """Agree to short messages to the mobile telephone of the contact, or take that back. What is on its way already still comes."""
    who, agreed = actor(request), body(request, ShortMessages).agreed
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request), lock=True)
        if agreed is not (application.sms_agreed_at is not None):
            application.sms_agreed_at = clock.now() if agreed else None
            record(session, who, "agree_sms" if agreed else "decline_sms", application_id=application.id)
    return web.Response(status=204)
