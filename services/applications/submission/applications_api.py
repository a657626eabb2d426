"""Serve the acts on a whole application: submit, withdraw, delete, and the checks before them."""

from aiohttp import web

from services.applications.core import repository
from services.applications.core.context import CODEC, SETTINGS, transaction
from services.applications.core.idempotency import once
from services.applications.core.profiles import profile_of
from services.applications.filling.views import full
from services.applications.submission.obstacles import problems
from services.applications.submission.submit import Keys, submit
from services.applications.submission.tickets import note_use
from services.applications.submission.withdraw import delete, withdraw
from shared import tickets
from shared.contract.submission import Submit, Submitted
from shared.http.app import BODY_SHA256, VERIFIER, actor, answer, body, if_match, uuid_in_path


async def delete_application(request: web.Request) -> web.Response:
    """删除申请: hide a draft."""
    async with transaction(request) as session:
        await delete(session, actor(request), uuid_in_path(request), if_match(request))
    return web.Response(status=204)


async def submit_application(request: web.Request) -> web.Response:
    """提交申请. The answer, sent after the commit, carries a signed receipt."""
    who = actor(request)
    id = uuid_in_path(request)
    known = await profile_of(request)
    ticket = tickets.read(request.app[VERIFIER], request.headers.get(tickets.HEADER), at=who.received_at)

    async def act() -> dict[str, object]:
        settings = request.app[SETTINGS]
        keys = Keys(request.app[CODEC], settings.receipt_key, str(settings.public_url))
        discard: dict[str, str | None] = {
            named if isinstance(named, str) else named.section: None if isinstance(named, str) else named.etag
            for named in body(request, Submit).discard_drafts
        }
        reasons = {given.check: given.reason for given in body(request, Submit).reasons}
        taken = await submit(
            session,
            keys,
            who,
            id,
            if_match(request),
            discard,
            known,
            reasons,
            ticket=ticket,
        )
        view = await full(session, request.app[CODEC], taken.application, who, taken.rows, taken.filled)
        told = Submitted(receipt=taken.receipt, application=view, warnings=taken.warnings)
        return told.model_dump(mode="json")

    try:
        async with transaction(request) as session:
            # Scoped to the application, and only after it is known to be the actor's.
            application = await repository.application(session, who, id)
            if ticket is not None:
                await note_use(session, who, application, ticket)
            first = await once(
                session, who, f"submit:{id}", request.headers["Idempotency-Key"], request[BODY_SHA256], act
            )
    except Exception:
        if ticket is not None:
            # What was written of the ticket has been undone with the submission; that it was brought stays.
            async with transaction(request) as session:
                await note_use(session, who, await repository.application(session, who, id), ticket)
        raise
    return answer(first, ETag=f'"{first["application"]["version"]}"')


async def withdraw_application(request: web.Request) -> web.Response:
    """撤销申请, until it is taken into review."""
    who = actor(request)
    async with transaction(request) as session:
        application = await withdraw(session, who, uuid_in_path(request), if_match(request))
        view = await full(session, request.app[CODEC], application, who)
    return answer(view, ETag=f'"{view.version}"')


async def get_problems(request: web.Request) -> web.Response:
    """Return everything that stands in the way of submitting now, at its place, and the warnings that do not."""
    who = actor(request)
    known = await profile_of(request)
    async with transaction(request) as session:
        return answer(await problems(session, request.app[CODEC], who, uuid_in_path(request), known))
