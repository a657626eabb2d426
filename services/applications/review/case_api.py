"""Serve what a reviewer sees of a case beside its materials: pages of attachments, where values came from, other
cases."""

from aiohttp import web

from services.applications.core import peers, repository, views
from services.applications.core.case import form_of
from services.applications.core.context import CODEC, PEERS, transaction
from services.applications.filling.provenance import origins
from services.applications.review import case_list
from shared.http.app import actor, answer, uuid_in_path
from shared.messages import Profile


async def show_origins(request: web.Request) -> web.Response:
    """Return every prefilled value: what its source said then, what was submitted, what the source says now."""
    who = actor(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
    profile: Profile = await peers.profile(request.app[PEERS], who, application.created_by)
    async with transaction(request) as session:
        application = await repository.application(session, who, application.id)
        form = form_of(application)
        codec = request.app[CODEC].of(application, form)
        return answer(await origins(session, application, form, codec, profile))


async def show_others(request: web.Request) -> web.Response:
    """Return the enterprise's other applications that were ever submitted, newest first."""
    who = actor(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
        found = await case_list.others_of(session, who, application.enterprise, application.id)
        return answer(await views.summaries(session, found, who))
