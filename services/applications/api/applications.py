"""我的项目 and one application: list, create, show, delete, submit, withdraw, checks."""

from aiohttp import web

from services.applications import peers, repository, views
from services.applications.context import CODEC, PEERS, SETTINGS, transaction
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.schemas import ApplicationPage, StartApplication, Submit, Submitted
from services.applications.use_cases.filled import load
from services.applications.use_cases.idempotency import once
from services.applications.use_cases.opinions import mark_seen
from services.applications.use_cases.problems import problems
from services.applications.use_cases.start import start
from services.applications.use_cases.submit import Keys, submit
from services.applications.use_cases.withdraw import delete, withdraw
from services.applications.workflow import State
from shared import tickets
from shared.errors import Malformed
from shared.identity import Role
from shared.web import BODY_SHA256, VERIFIER, actor, answer, body, if_match, uuid_in_path


def page_limit(request: web.Request) -> int:
    """`limit`, 1 to 100, 20 when it is not given."""
    text = request.query.get("limit", "20")
    if not text.isdecimal() or not 1 <= int(text[:6]) <= 100:
        raise Malformed("limit 应为 1 至 100 的整数。", code="bad_limit")
    return int(text)


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
    """Start an application in an open round. Sections come prefilled from the registry where it knows."""
    who = actor(request)
    known = await peers.profile(request.app[PEERS], who)
    async with transaction(request) as session:

        async def act() -> dict[str, object]:
            round_ = await repository.round_(session, body(request, StartApplication).round_id)
            application = await start(session, request.app[CODEC], who, round_, known)
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
    async with transaction(request) as session:

        async def act() -> dict[str, object]:
            settings = request.app[SETTINGS]
            keys = Keys(request.app[CODEC], settings.receipt_key, str(settings.public_url))
            receipt = await submit(
                session,
                keys,
                who,
                id,
                if_match(request),
                body(request, Submit).discard_drafts,
                ticket=tickets.read(request.app[VERIFIER], request.headers.get(tickets.HEADER)),
            )
            application = await repository.application(session, who, id)
            view = await views.full(session, request.app[CODEC], application, who)
            return Submitted(receipt=receipt, application=view).model_dump(mode="json")

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
    """Every cross-form check on what is saved, with both sides and their difference."""
    who = actor(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
        form = catalogue_form(application.fund_type, application.form_version)
        codec = request.app[CODEC].of(application.id, application.wrapped_key, form)
        filled = await load(session, application, form, codec)
        if not who.is_a(Role.APPLICANT) and application.revision:
            # Staff judge what was handed in, not what is being corrected.
            revision = await repository.revision(session, application.id, application.revision)
            submitted = revision.content["sections"]
            filled = filled.with_saved({key: codec.open(key, values) for key, values in submitted.items()})
    return answer(filled.checks())


async def get_problems(request: web.Request) -> web.Response:
    """Everything that stands in the way of submitting now, at its place, and the warnings that do not."""
    async with transaction(request) as session:
        return answer(await problems(session, request.app[CODEC], actor(request), uuid_in_path(request)))
