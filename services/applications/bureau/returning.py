"""Read what the page needs on which a return is written."""

from aiohttp import web

from services.applications.bureau.places import name_of, words_for, writing
from services.applications.core import repository, round_queries, views
from services.applications.core.case import form_of
from services.applications.core.context import CODEC, transaction
from services.applications.core.disclosure import shown_to
from services.applications.core.moves import round_facts
from services.applications.forms.definition import Form
from services.applications.review.returns import noted_opinions
from services.applications.rounds.parameters import working_days
from services.applications.tables.applications import Opinion
from shared.contract.bureau import NotedOpinion, OpinionWriting, ReturnPage
from shared.contract.review import Choice
from shared.http.app import actor, uuid_in_path


async def returning(request: web.Request) -> ReturnPage:
    """Return the opinions noted for a return still to come, each with the words for its place, and what can be opened with it."""
    who = actor(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
        form = form_of(application)
        codec = request.app[CODEC].of(application, form)
        revision = await repository.revision(session, application.id, application.revision)
        opened = {key: codec.open(key, values) for key, values in revision.content["sections"].items()}
        content = shown_to(who, codec, form, {**revision.content, "sections": opened})
        round_ = await round_queries.round_(session, application.round_id)
        places = await writing(session, form, content, form.choices(round_facts(round_)))
        return ReturnPage(
            application=await views.summary(session, application, who),
            sections=[Choice(key=section.key, label=section.label) for section in form.sections],
            working_days=working_days(round_.parameters),
            noted=[_noted(form, places, opinion) for opinion in await noted_opinions(session, application)],
            writing=places,
        )


def _noted(form: Form, known: OpinionWriting, opinion: Opinion) -> NotedOpinion:
    section = form.section(opinion.section) if opinion.section else None
    words = words_for(known.places, name_of(opinion.section, opinion.field, opinion.row))
    return NotedOpinion(
        id=opinion.id,
        place=words or (section.label if section else ""),
        text=opinion.text,
        author=opinion.author_name,
    )
