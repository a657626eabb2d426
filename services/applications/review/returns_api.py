"""Serve 退回补正: opinions noted while reading, a look at what a return would do, and the return itself; the library of
phrases."""

from aiohttp import web

from services.applications.core import peers, repository, views
from services.applications.core.context import CODEC, PEERS, SETTINGS, WORKDAYS, transaction
from services.applications.review import phrases, returns
from services.applications.review.correction_deadline import deadline
from services.applications.review.views import opinion_view
from shared import clock
from shared.contract.returns import ChangeOpinion, OpinionInput, ReturnApplication
from shared.contract.review import MailView, PhraseInput, PhraseView, ReturnPreview, UnlockedView
from shared.http.app import actor, answer, body, if_match, uuid_in_path


async def send_back(request: web.Request) -> web.Response:
    """退回补正 with opinions and a correction deadline; unlocks what they concern and what checks tie to it."""
    who, given = actor(request), body(request, ReturnApplication)
    async with transaction(request) as session:
        application = await returns.send_back(
            session,
            request.app[CODEC],
            who,
            uuid_in_path(request),
            if_match(request),
            correct_by=deadline(request, given),
            opinions=given.opinions,
            unlock=given.unlock,
        )
        view = await views.summary(session, application, who)
    return answer(view, ETag=f'"{view.version}"')


async def preview(request: web.Request) -> web.Response:
    """Return what a return would open, until when, and the mail that would be sent; nothing is returned."""
    given = body(request, ReturnApplication)
    until = deadline(request, given)
    async with transaction(request) as session:
        unlocked, event = await returns.preview(
            session,
            request.app[CODEC],
            actor(request),
            uuid_in_path(request),
            correct_by=until,
            opinions=given.opinions,
            unlock=given.unlock,
        )
    mail = await peers.preview(request.app[PEERS], event)
    return answer(
        ReturnPreview(
            correct_by=until,
            holidays_known=request.app[WORKDAYS].known(until.astimezone(clock.SHANGHAI).year),
            unlocked=[UnlockedView.model_validate(u, from_attributes=True) for u in unlocked],
            to=event.to.name,
            email=event.to.email,
            mail=MailView(subject=mail.subject, text=mail.text) if mail else None,
        )
    )


async def note(request: web.Request) -> web.Response:
    """Note an opinion while reading; the applicant hears of it with the return."""
    who, id = actor(request), uuid_in_path(request)
    async with transaction(request) as session:
        given, minutes = body(request, OpinionInput), request.app[SETTINGS].review_lease_minutes
        opinion = await returns.note(session, request.app[CODEC], who, id, given, lease_minutes=minutes)
        application = await repository.application(session, who, id)
        return answer(opinion_view(application, opinion, persons=True), 201)


async def change(request: web.Request) -> web.Response:
    """Replace the words of a noted opinion; 409 once it was sent."""
    who, id = actor(request), uuid_in_path(request)
    async with transaction(request) as session:
        text = body(request, ChangeOpinion).text
        opinion = await returns.change(session, who, id, uuid_in_path(request, "opinion"), text)
        application = await repository.application(session, who, id)
        return answer(opinion_view(application, opinion, persons=True))


async def forget(request: web.Request) -> web.Response:
    """Take a noted opinion away; 409 once it was sent."""
    async with transaction(request) as session:
        await returns.forget(session, actor(request), uuid_in_path(request), uuid_in_path(request, "opinion"))
    return web.Response(status=204)


async def list_phrases(request: web.Request) -> web.Response:
    """Return the library of phrases for opinions."""
    async with transaction(request) as session:
        found = await phrases.listed(session)
        return answer([PhraseView.model_validate(p, from_attributes=True) for p in found])


async def add_phrase(request: web.Request) -> web.Response:
    """Add a phrase; 409 when it is there already."""
    async with transaction(request) as session:
        added = await phrases.add(session, actor(request), body(request, PhraseInput))
        return answer(PhraseView.model_validate(added, from_attributes=True), 201)


async def change_phrase(request: web.Request) -> web.Response:
    """Replace a phrase."""
    async with transaction(request) as session:
        changed = await phrases.change(session, actor(request), uuid_in_path(request), body(request, PhraseInput))
        return answer(PhraseView.model_validate(changed, from_attributes=True))


async def remove_phrase(request: web.Request) -> web.Response:
    """Take a phrase out of the library."""
    async with transaction(request) as session:
        await phrases.remove(session, actor(request), uuid_in_path(request))
    return web.Response(status=204)
