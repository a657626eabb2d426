"""Serve what a reviewer sees of a case beside its materials: pages of attachments, where values came from, other
cases."""

from aiohttp import web

from services.applications.core import peers, repository, round_queries, views
from services.applications.core.case import form_of
from services.applications.core.context import CODEC, PEERS, transaction
from services.applications.core.moves import round_facts
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
        round_ = await round_queries.round_(session, application.round_id)
        rows = await repository.sections(session, application.id)
        revision = await repository.revision(session, application.id, application.revision)
        submitted = {key: codec.open(key, values) for key, values in revision.content["sections"].items()}
        choices = form.choices(round_facts(round_))
        return answer(origins(form, codec, rows, submitted, choices, profile))


async def show_others(request: web.Request) -> web.Response:
    """Return the enterprise's other applications that were ever submitted, newest first."""
    who = actor(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
        found = await case_list.others_of(session, who, application.enterprise, application.id)
        return answer(await views.summaries(session, [other for other, _ in found], who))
