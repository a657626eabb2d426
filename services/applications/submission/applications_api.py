"""我的项目 and one application: list, create, show, delete, submit, withdraw, checks."""

from aiohttp import web

from services.applications.core import repository, round_queries, views
from services.applications.core.context import CODEC, PEERS, SETTINGS, STORE, transaction
from services.applications.core.idempotency import once
from services.applications.core.peers import NOTHING_KNOWN, PROFILES
from services.applications.core.schemas import ApplicationPage, StartApplication, Submit, Submitted
from services.applications.filling.carried_over_schemas import Prefill, PrefillReport
from services.applications.filling.copying import copy_into
from services.applications.filling.filled_form import newer, of_rows
from services.applications.filling.prefill import waiting
from services.applications.filling.registry_refresh import refresh
from services.applications.filling.start import start
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.review.opinions import mark_seen
from services.applications.submission.judgement import judge
from services.applications.submission.obstacles import problems
from services.applications.submission.submit import Keys, submit
from services.applications.submission.tickets import note_use
from services.applications.submission.withdraw import delete, withdraw
from services.applications.workflow import State
from shared import clock, tickets
from shared.errors import Malformed
from shared.http.app import BODY_SHA256, VERIFIER, actor, answer, body, if_match, uuid_in_path
from shared.http.query_params import number
from shared.identity import Role


def page_limit(request: web.Request) -> int:
    """`limit`, 1 to 100, 20 when it is not given."""
    text = request.query.get("limit", "20")
    try:
        return number(text, 100)
    except Malformed as error:
        raise Malformed("limit 应为 1 至 100 的整数。", code="bad_limit") from error


def states(request: web.Request) -> list[State]:
    """`state`, one or several separated by commas."""
    names = [name for name in request.query.get("state", "").split(",") if name]
    try:
        return [State(name) for name in names]
    except ValueError:
        raise Malformed("没有这种状态。", code="unknown_state") from None


def must_be_short(request: web.Request) -> None:
    """`Malformed` for a query that no list of ours makes."""
    given = request.query.values()
    if any(len(value) > 400 for value in given) or "\x00" in "".join([request.query_string, *given]):
        raise Malformed


async def list_applications(request: web.Request) -> web.Response:
    """My enterprise's applications, newest first, keyset-paged."""
    who = actor(request)
    must_be_short(request)
    async with transaction(request) as session:
        found, cursor = await repository.applications(
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
    known = await request.app[PROFILES].of(request.app[PEERS], who, anew=True)
    async with transaction(request) as session:

        async def act() -> dict[str, object]:
            wanted = body(request, StartApplication)
            codec, settings = request.app[CODEC], request.app[SETTINGS]
            total_mb = settings.attachments_total_mb
            round_ = await round_queries.round_(session, wanted.round_id)
            application = await start(session, codec, who, round_, known, most_drafts=settings.drafts_per_round)
            if wanted.copy_from is not None:
                store = request.app[STORE]
                await copy_into(session, store, codec, who, application, wanted.copy_from, total_mb=total_mb)
            view = await views.full(session, request.app[CODEC], application, who)
            return view.model_dump(mode="json")

        first = await once(session, who, "create", request.headers["Idempotency-Key"], request[BODY_SHA256], act)
    return answer(first, 201, ETag=f'"{first["version"]}"', Location=f"/api/v1/applications/{first['id']}")


async def get_application(request: web.Request) -> web.Response:
    """One application with the state of each material; its ETag is its version."""
    who = actor(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
        await mark_seen(session, application, who)
        view = await views.full(session, request.app[CODEC], application, who)
    return answer(view, ETag=f'"{view.version}"')


async def delete_application(request: web.Request) -> web.Response:
    """删除申请: hide a draft."""
    async with transaction(request) as session:
        await delete(session, actor(request), uuid_in_path(request), if_match(request))
    return web.Response(status=204)


async def submit_application(request: web.Request) -> web.Response:
    """提交申请. The answer, sent after the commit, carries a signed receipt."""
    who = actor(request)
    id = uuid_in_path(request)
    known = await request.app[PROFILES].of(request.app[PEERS], who)
    ticket = tickets.read(request.app[VERIFIER], request.headers.get(tickets.HEADER), at=who.received_at)
    if ticket is not None:
        async with transaction(request) as session:
            await note_use(session, who, id, ticket)
    async with transaction(request) as session:

        async def act() -> dict[str, object]:
            settings = request.app[SETTINGS]
            keys = Keys(request.app[CODEC], settings.receipt_key, str(settings.public_url))
            discard: dict[str, str | None] = {
                named if isinstance(named, str) else named.section: None if isinstance(named, str) else named.etag
                for named in body(request, Submit).discard_drafts
            }
            receipt, warnings = await submit(
                session,
                keys,
                who,
                id,
                if_match(request),
                discard,
                known,
                ticket=ticket,
            )
            application = await repository.application(session, who, id)
            view = await views.full(session, request.app[CODEC], application, who)
            told = Submitted(receipt=receipt, application=view, warnings=warnings)
            return told.model_dump(mode="json")

        # Scoped to the application, and only after it is known to be the actor's.
        await repository.application(session, who, id)
        first = await once(
            session, who, f"submit:{id}", request.headers["Idempotency-Key"], request[BODY_SHA256], act
        )
    return answer(first, ETag=f'"{first["application"]["version"]}"')


async def withdraw_application(request: web.Request) -> web.Response:
    """撤销申请, until it is taken into review."""
    who = actor(request)
    async with transaction(request) as session:
        application = await withdraw(session, who, uuid_in_path(request), if_match(request))
        view = await views.full(session, request.app[CODEC], application, who)
    return answer(view, ETag=f'"{view.version}"')


async def get_checks(request: web.Request) -> web.Response:
    """Every cross-form check on what is saved, with both sides and their difference, and what the registry has
    changed since it was filled in; `?typed=1` asks the applicant's own on what they have typed, 暂存 included, as far as
    it can be read."""
    who = actor(request)
    known = await request.app[PROFILES].of(request.app[PEERS], who) if who.is_a(Role.APPLICANT) else NOTHING_KNOWN
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
        form = catalogue_form(application.fund_type, application.form_version)
        codec = request.app[CODEC].of(application.id, application.wrapped_key, form)
        rows = await repository.sections(session, application.id)
        filled = (await of_rows(session, application, form, codec, rows)).with_profile(known)
        if who.is_a(Role.APPLICANT) and request.query.get("typed") == "1":
            filled = filled.with_saved(judge(filled, {**filled.saved, **newer(rows, codec)})[0])
        elif not who.is_a(Role.APPLICANT) and application.revision:
            # Staff judge what was handed in, not what is being corrected.
            revision = await repository.revision(session, application.id, application.revision)
            submitted = revision.content["sections"]
            filled = filled.with_saved({key: codec.open(key, values) for key, values in submitted.items()})
    return answer(filled.checks())


async def prefill(request: web.Request) -> web.Response:
    """Ask the registry again: fill what is still empty, and take over `adopt` as it is registered now. A registry that
    does not answer is no error: `answered` is false, and `waiting` says what it has still to fill."""
    who = actor(request)
    adopt = {(place.section, place.field) for place in body(request, Prefill).adopt}
    known = await request.app[PROFILES].of(request.app[PEERS], who, anew=True)
    async with transaction(request) as session:
        done = await refresh(session, request.app[CODEC], who, uuid_in_path(request), known, adopt)
        report = PrefillReport(
            answered=known.registry_answered,
            asked_at=done.application.registry_asked_at or clock.now(),
            filled=views.places(done.form, done.filled),
            adopted=views.places(done.form, done.adopted),
            changed=views.places(done.form, done.changed),
            waiting=views.places(done.form, waiting(done.application, done.form, done.rows)),
        )
    return answer(report)


async def get_problems(request: web.Request) -> web.Response:
    """Everything that stands in the way of submitting now, at its place, and the warnings that do not."""
    who = actor(request)
    known = await request.app[PROFILES].of(request.app[PEERS], who)
    async with transaction(request) as session:
        return answer(await problems(session, request.app[CODEC], who, uuid_in_path(request), known))
