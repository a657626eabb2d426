"""Read a case as the page of an expert shows it who scores it."""

from aiohttp import web

from services.applications.core import repository, round_queries, views
from services.applications.core.case import form_of
from services.applications.core.context import CODEC, transaction
from services.applications.core.disclosure import checks_for, shown_to
from services.applications.core.moves import round_facts
from services.applications.decision import experts
from services.applications.decision.views import my_sheet
from services.applications.filling.filled_form import handed_in
from services.applications.filling.judgement import with_reasons
from services.applications.forms.filled.reading_view import materials
from services.applications.messages import reading as messages
from shared.contract.bureau import CaseApplication, ExpertCasePage
from shared.contract.pages import ReadFile
from shared.http.app import actor, uuid_in_path


async def scored_case(request: web.Request) -> ExpertCasePage:
    """Return a case that the expert was given, beside their own sheet; `NotFound` for any other."""
    who = actor(request)
    async with transaction(request) as session:
        assessment, application = await experts.my_assessment(session, who, uuid_in_path(request))
        await messages.see(session, who, application)
        form = form_of(application)
        codec = request.app[CODEC].of(application, form)
        revision = await repository.revision(session, application.id, application.revision)
        opened = {key: codec.open(key, values) for key, values in revision.content["sections"].items()}
        content = shown_to(who, codec, form, {**revision.content, "sections": opened})
        files = {id: ReadFile.model_validate({**file, "id": id}) for id, file in content["attachments"].items()}
        choices = form.choices(round_facts(await round_queries.round_(session, application.round_id)))
        rows = await repository.sections(session, application.id)
        summary = await views.summary(session, application, who)
        return ExpertCasePage(
            application=CaseApplication(**summary.model_dump(), form_title=form.title),
            materials=materials(form, content["sections"], files, choices),
            checks=checks_for(
                who,
                form,
                with_reasons((await handed_in(session, application, form, codec, rows, opened)).checks(), content),
            ),
            mine=my_sheet(assessment),
        )
