"""Serve 我的项目 and one application: list, create, show, checks, prefill."""

from aiohttp import web

from services.applications.core import repository, round_queries, synthetic, views
from services.applications.core.case import form_of
from services.applications.core.context import CODEC, SETTINGS, STORE, transaction
from services.applications.core.disclosure import checks_for
from services.applications.core.idempotency import once
from services.applications.core.params import must_be_short, page_limit, states
from services.applications.core.peers import NOTHING_KNOWN
from services.applications.core.profiles import profile_of
from services.applications.core.return_seen import mark_seen
from services.applications.filling import queries
from services.applications.filling.copying import copy_into
from services.applications.filling.filled_form import handed_in, newer, of_rows
from services.applications.filling.judgement import judge, with_reasons
from services.applications.filling.prefill import waiting
from services.applications.filling.registry_refresh import refresh
from services.applications.filling.start import start
from services.applications.filling.views import full, places
from shared import clock
from shared.contract.applications import ApplicationPage
from shared.contract.carried_over import Prefill, PrefillReport
from shared.contract.sections import StartApplication
from shared.http.app import BODY_SHA256, actor, answer, body, uuid_in_path
from shared.identity import Role


async def list_applications(request: web.Request) -> web.Response:
    """My enterprise's applications, newest first, keyset-paged."""
    who = actor(request)
    must_be_short(request)
    async with transaction(request) as session:
        found, cursor = await queries.applications(
            session,
            who,
            states=states(request),
            text=request.query.get("q", "").strip(),
            fund_type=request.query.get("fund_type", ""),
            cursor=request.query.get("cursor", ""),
            limit=page_limit(request),
        )
        items = await views.summaries(session, found, who)
    return answer(ApplicationPage(items=items, next_cursor=cursor))


async def create_application(request: web.Request) -> web.Response:
    """Start an application in an open round. Sections come prefilled from the registry where it knows; with
    `copy_from` they hold what an earlier application of the enterprise has, as 暂存, and `GET …/reports` says what
    became of it."""
    who = actor(request)
    known = await profile_of(request, anew=True)
    async with transaction(request) as session:

        async def act() -> dict[str, object]:
            wanted = body(request, StartApplication)
            codec, settings = request.app[CODEC], request.app[SETTINGS]
            total_mb = settings.attachments_total_mb
            if synthetic.acts(who):
                await synthetic.remove_old(session)
                await synthetic.prepare_round(session)
            round_ = await round_queries.round_(session, wanted.round_id)
            application = await start(
                session, codec, who, round_, known, most_drafts=settings.drafts_per_round, answers=wanted.answers
            )
            if wanted.copy_from is not None:
                store = request.app[STORE]
                await copy_into(session, store, codec, who, application, wanted.copy_from, total_mb=total_mb)
            view = await full(session, request.app[CODEC], application, who)
            return view.model_dump(mode="json")

        first = await once(session, who, "create", request.headers["Idempotency-Key"], request[BODY_SHA256], act)
    return answer(first, 201, ETag=f'"{first["version"]}"', Location=f"/api/v1/applications/{first['id']}")


async def get_application(request: web.Request) -> web.Response:
    """Return one application with the state of each material; its ETag is its version."""
    who = actor(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
        await mark_seen(session, application, who)
        view = await full(session, request.app[CODEC], application, who)
    return answer(view, ETag=f'"{view.version}"')


async def get_checks(request: web.Request) -> web.Response:
    """Return every cross-form check on what is saved, with both sides and their difference, and what the registry has
    changed since it was filled in; `?typed=1` asks the applicant's own on what they have typed, 暂存 included, as far as
    it can be read."""
    who = actor(request)
    known = await profile_of(request) if who.is_a(Role.APPLICANT) else NOTHING_KNOWN
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
        form = form_of(application)
        codec = request.app[CODEC].of(application, form)
        rows = await repository.sections(session, application.id)
        if not who.is_a(Role.APPLICANT) and application.revision:
            revision = await repository.revision(session, application.id, application.revision)
            submitted = {key: codec.open(key, values) for key, values in revision.content["sections"].items()}
            outcomes = (await handed_in(session, application, form, codec, rows, submitted)).checks()
            return answer(checks_for(who, form, with_reasons(outcomes, revision.content)))
        filled = (await of_rows(session, application, form, codec, rows)).with_profile(known)
        if who.is_a(Role.APPLICANT) and request.query.get("typed") == "1":
            filled = filled.with_saved(judge(filled, {**filled.saved, **newer(rows, codec)})[0])
    return answer(filled.checks())


async def prefill(request: web.Request) -> web.Response:
    """Ask the registry again: fill what is still empty, and take over `adopt` as it is registered now. A registry that
    does not answer is no error: `answered` is false, and `waiting` says what it has still to fill."""
    who = actor(request)
    adopt = {(place.section, place.field) for place in body(request, Prefill).adopt}
    known = await profile_of(request, anew=True)
    async with transaction(request) as session:
        done = await refresh(session, request.app[CODEC], who, uuid_in_path(request), known, adopt)
        report = PrefillReport(
            answered=known.registry_answered,
            asked_at=done.application.registry_asked_at or clock.now(),
            filled=places(done.form, done.filled),
            adopted=places(done.form, done.adopted),
            changed=places(done.form, done.changed),
            waiting=places(done.form, waiting(done.application, done.form, done.rows)),
        )
    return answer(report)
