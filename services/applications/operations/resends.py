"""Record that a notice is sent again by hand, for notify, which keeps no audit."""

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import proposals, repository
from services.applications.core.audit import record
from services.applications.core.context import transaction
from shared.http.app import actor, body
from shared.identity import Actor
from shared.messages import NoteResend


async def note_resend(request: web.Request) -> web.Response:
    """Write the audit row of a resend, or of an address that was proposed."""
    done, who = body(request, NoteResend), actor(request)
    async with transaction(request) as session:
        application = await repository.application_for_system(session, done.application_id)
        record(
            session,
            who,
            "resend_proposed" if done.proposed else "resend",
            application_id=application.id,
            event=str(done.event_id),
            notice=done.kind,
            address=done.address,
            on_record=done.on_record,
            reason=done.reason,
            **({"proposed_by": done.proposed_by} if done.proposed_by else {}),
        )
        await _keep(session, who, done)
    return web.Response(status=204)


async def _keep(session: AsyncSession, who: Actor, done: NoteResend) -> None:
    """Let whoever may agree to another address find it among what waits for a second person, as long as it waits."""
    event = str(done.event_id)
    if done.proposed:
        await proposals.propose(session, who, "resend", done.application_id, event, reason=done.reason)
    elif waiting := await proposals.waiting_for(session, "resend", done.application_id, event, lock=True):
        proposals.settle(waiting, who, "confirmed" if done.proposed_by else "replaced")
