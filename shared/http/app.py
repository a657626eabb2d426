"""Build the aiohttp base of every service: a table of routes, the checks each route asks for, and one place where
errors become `application/problem+json` (RFC 9457)."""

import asyncio
import hashlib
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar
from uuid import UUID, uuid4

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import REGISTRY, Counter, Histogram, generate_latest
from pydantic import BaseModel, ValidationError

from shared import codes, errors
from shared.http import framing
from shared.http.problem import problem, refusal_of
from shared.identity import BESIDE, Actor, Caller, Duty, Role, Verifier
from shared.observability import logs, metrics, tracing
from shared.text.json_text import dumps, loads, storable

log = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024

SERVICE = web.AppKey("service", str)
VERIFIER = web.AppKey("verifier", Verifier)
ROUTES: web.AppKey["list[Route]"] = web.AppKey("routes", list)
Check = Callable[[], Awaitable[None]]
CHECKS: web.AppKey[dict[str, Check]] = web.AppKey("checks", dict)
# Less than any prober's patience.
READY_SECONDS = 2.0
# Checks that nobody waits for any more, held until they have ended.
_abandoned: set[asyncio.Future[None]] = set()
# Whether anybody at all can reach the application, and not only our own services.
EDGE = web.AppKey("edge", bool)

REQUESTS = Counter("gm_http_requests", "Answers by route and status", ["service", "method", "route", "status"])
# With a boundary at each aim: 暂存 within a second, 提交申请 within two.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)
SECONDS = Histogram("gm_http_seconds", "Time to answer by route", ["service", "method", "route"], buckets=BUCKETS)

# As many as there are routes and statuses; looking one up costs more than counting.
_requests, _seconds = cache(REQUESTS.labels), cache(SECONDS.labels)


@dataclass(frozen=True)
class Route:
    """One line of a service's route table.

    `callers`: the services whose token opens it; none means open to anybody (public pages, health).
    `roles`: the person a call is made for must have one of them; none means that no person is needed.
    `duty`: what a member of an enterprise must be allowed to do for it; nobody else has duties.
    `by_phone`: opens to a file that comes through a telephone link, too.
    `body`: the JSON body's model, found at `request[BODY]`. `answer`: the model of a 2xx answer, for OpenAPI.
    """

    method: str
    path: str
    handler: Handler
    callers: frozenset[str] = frozenset()
    roles: frozenset[Role] = frozenset()
    body: type[BaseModel] | None = None
    answer: Any = None
    status: int = 200
    if_match: bool = False
    idempotent: bool = False
    query: tuple[str, ...] = field(default=())
    # The model of a 202 while the answer is being made; whether the body is a file in a multipart form.
    waits: Any = None
    takes_file: bool = False
    media_type: str = "application/json"
    duty: Duty | None = None
    by_phone: bool = False


def from_services(request: web.Request, name: str) -> str | None:
    """Return a header that only our own services send each other; at the edge it is None, for anybody could have written it: nobody
    outside chooses the trace of a click, or how long we work for an answer."""
    return None if request.app[EDGE] else request.headers.get(name)


def _error_middleware(service: str, busy: tuple[type[Exception], ...]) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request_id = request.headers.get("X-Request-Id", "")
        # An id from outside goes into logs: only a plain one is kept.
        if not (0 < len(request_id) <= 64 and request_id.replace("-", "").isalnum() and request_id.isascii()):
            request_id = uuid4().hex
        token = logs.request_id.set(request_id)
        request[REQUEST_ID] = request_id
        started = time.perf_counter()
        status = 500
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "-"
        about = _application(route, request)
        try:
            of = from_services(request, tracing.HEADER)
            with tracing.request(request.method, route, of, about) as span:
                answer = await _answer(request, handler, request_id, busy)
                status = answer.status
                tracing.answered(span, status)
            return answer
        finally:
            took = time.perf_counter() - started
            _requests(service, request.method, route, status).inc()
            _seconds(service, request.method, route).observe(took)
            log.info(
                "request",
                extra={
                    "method": request.method,
                    "route": route,
                    "status": status,
                    "ms": round(took * 1000, 1),
                    **about,
                },
            )
            logs.request_id.reset(token)

    return middleware


def _application(route: str, request: web.Request) -> dict[str, str]:
    """Return the application a request is about, for the log; only what looks like an id gets there."""
    id = request.match_info.get("id", "")
    about = "/applications/{id}" in route or route.startswith("/review/{id}")
    return {"application": id} if about and re.fullmatch("[0-9a-fA-F-]{36}", id) else {}


async def _answer(
    request: web.Request, handler: Handler, request_id: str, busy: tuple[type[Exception], ...]
) -> web.StreamResponse:
    try:
        framing.check(request)
    except errors.DomainError as error:
        refused = problem(error, request_id)
        refused.force_close()
        return refused
    try:
        storable(request.path, *(t for pair in request.query.items() for t in pair), code=codes.MALFORMED)
        return await handler(request)
    except (asyncio.CancelledError, ConnectionResetError):
        raise
    except Exception as error:
        if framing.BEGUN in request:
            log.warning("an answer broke off", exc_info=True)
            framing.abort(request)
            raise ConnectionResetError from error
        return refusal_of(error, request_id, busy)


REQUEST_ID = web.RequestKey("request_id", str)
CALLER = web.RequestKey("caller", Caller)
BODY: web.RequestKey[Any] = web.RequestKey("body", BaseModel)
BODY_SHA256 = web.RequestKey("body_sha256", str)


def caller_of(request: web.Request) -> Caller:
    """Return who signed a request's token, verified once; `NotSignedIn` unless it was made for this very request."""
    if CALLER not in request:
        token, beside = request.headers.get("Authorization"), request.headers.get(BESIDE, "")
        request[CALLER] = request.app[VERIFIER].caller(token, request.method, request.raw_path, beside)
    return request[CALLER]


def guarded(route: Route) -> Handler:
    """Return the route's handler behind the checks its line of the table asks for."""

    async def checked(request: web.Request) -> web.StreamResponse:
        if route.callers:
            caller = caller_of(request)
            if caller.service not in route.callers:
                raise errors.NotAllowed(code=codes.CALLER_NOT_TRUSTED)
            if route.roles and (caller.actor is None or not (caller.actor.roles & route.roles)):
                raise errors.NotAllowed
            if caller.actor is not None:
                _check_duty(route, caller.actor, request)
        if route.if_match and not request.headers.get("If-Match"):
            raise errors.PreconditionMissing
        if route.idempotent:
            key = request.headers.get("Idempotency-Key", "")
            if not re.fullmatch(r"[\x21-\x7e]{8,128}", key):
                raise errors.Malformed(
                    "缺少有效的 Idempotency-Key（8 至 128 个可见字符）。", code=codes.IDEMPOTENCY_KEY
                )
        if route.body is not None:
            await _read_body(request, route.body, digest=route.idempotent)
        return await route.handler(request)

    checked.__doc__ = route.handler.__doc__
    return checked


OF_APPLICATION = "/api/v1/applications/{id}"
DUTIES = {
    Duty.FILL: "您没有填报权限，只能查看。需要填报的，请本单位管理员在“本单位成员”中设置。",
    Duty.CHECK: "您没有审核权限。需要审核的，请本单位管理员在“本单位成员”中设置。",
    Duty.SIGN: "您没有签署权限，不能代表单位提交、撤销、删除或评价，请由申报单位有签署权限的人员办理。",
}


def _check_duty(route: Route, who: Actor, request: web.Request) -> None:
    """Raise `NotFound` for an agent who asks for anything but the one application, and for a telephone link on a route that is not opened
    to it; `NotYourDuty` for a member without the route's duty."""
    if who.phone is not None and not route.by_phone:
        raise errors.NotFound
    if who.agent is not None:
        inside = route.path == OF_APPLICATION or route.path.startswith(f"{OF_APPLICATION}/")
        # The gateway asks for an agent's profile, for which no application is named.
        if route.path.startswith("/api/") and not (inside and uuid_in_path(request) == who.agent.application):
            raise errors.NotFound
    if route.duty is not None and not who.may(route.duty):
        raise errors.NotYourDuty(DUTIES[route.duty])


async def _read_body(request: web.Request, model: type[BaseModel], *, digest: bool) -> None:
    raw = await request.read()
    if digest:
        request[BODY_SHA256] = hashlib.sha256(raw).hexdigest()
    if raw and request.content_type != "application/json":
        raise errors.UnsupportedMedia("请求内容应为 application/json。")
    try:
        request[BODY] = model.model_validate(loads(raw or b"{}"))
    except ValidationError as error:
        raise _refused(error) from error


def _refused(error: ValidationError) -> errors.Malformed:
    """Say what a body's model does not take, each at its place; what is wrong in a text is said in words for people."""
    found = [
        {"field": ".".join(str(p) for p in fault["loc"]), "code": fault["type"], "message": fault["msg"]}
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    told = next((fault for fault in found if fault["code"] in errors.IN_TEXTS), None)
    if told is None:
        return errors.Malformed("请求内容不符合接口约定。", errors=found)
    return errors.Malformed(told["message"], code=told["code"], errors=found)


M = TypeVar("M", bound=BaseModel)


def body(request: web.Request, model: type[M]) -> M:
    """Return the request's validated JSON body."""
    value = request[BODY]
    assert isinstance(value, model)
    return value


def actor(request: web.Request) -> Actor:
    """Return the person the request is made for; the route's roles have been checked."""
    found = request[CALLER].actor
    if found is None:
        raise errors.NotSignedIn
    return found


def if_match(request: web.Request) -> str:
    """Return the tag of `If-Match`, without quotes or the weak mark."""
    return request.headers["If-Match"].strip().removeprefix("W/").strip('"')


def uuid_in_path(request: web.Request, name: str = "id") -> UUID:
    """Return a UUID out of the path; what is none cannot name anything, so it is not found."""
    try:
        return UUID(request.match_info[name])
    except ValueError:
        raise errors.NotFound from None


def answer(
    value: BaseModel | Sequence[BaseModel] | dict[str, Any], status: int = 200, **headers: str
) -> web.Response:
    """Return a JSON answer; header names are written with underscores: `answer(x, ETag='"3"')`."""
    if isinstance(value, BaseModel):
        text = value.model_dump_json().encode()
    elif isinstance(value, dict):
        text = dumps(value)
    else:
        text = b"[" + b",".join(item.model_dump_json().encode() for item in value) + b"]"
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return web.Response(status=status, body=text, content_type="application/json", headers=named)


def see_other(location: str) -> web.Response:
    """Send a browser on to another page (303), as after a form was taken."""
    return web.Response(status=303, headers={"Location": location})


class Leaving:
    """Whether this process was told to end and only finishes what still comes in."""

    begun = False


LEAVING = web.AppKey("leaving", Leaving)


def _is_leaving(request: web.Request) -> bool:
    return LEAVING in request.config_dict and request.config_dict[LEAVING].begun


async def healthz(request: web.Request) -> web.Response:
    """Alive, and whether it is about to end: what a balancer asks twice a second."""
    return answer({"status": "leaving" if _is_leaving(request) else "ok"})


async def readyz(request: web.Request) -> web.Response:
    """Its dependencies answer within two seconds, all of them together, and it is not about to end."""
    if _is_leaving(request):
        return answer({"status": "leaving", "faults": {}}, 503)
    faults: dict[str, str] = {}
    asked = {asyncio.ensure_future(check()): name for name, check in request.app[CHECKS].items()}
    if asked:
        await asyncio.wait(asked, timeout=READY_SECONDS)
    for task, name in asked.items():
        if not task.done():
            # A query that is cancelled waits for its server, which hangs: for many seconds, and without whoever asked here.
            _abandoned.add(task)
            task.add_done_callback(_forget)
            task.cancel()
        error = task.exception() if task.done() else TimeoutError(f"no answer in {READY_SECONDS:.0f} s")
        if error is not None:
            log.warning("not ready", extra={"dependency": name, "reason": repr(error)})
            faults[name] = type(error).__name__
    return answer({"status": "not ready" if faults else "ready", "faults": faults}, 503 if faults else 200)


def _forget(task: asyncio.Future[None]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        # Looked at, so that nobody reports it.
        task.exception()


async def show_metrics(request: web.Request) -> web.Response:
    """Prometheus metrics of this process."""
    await metrics.sample(request.app, request.app[SERVICE])
    return web.Response(body=generate_latest(REGISTRY), content_type="text/plain")


HEALTH = [Route("GET", "/healthz", healthz), Route("GET", "/readyz", readyz)]
METRICS = [Route("GET", "/metrics", show_metrics)]


def base_app(
    service: str,
    verifier: Verifier,
    routes: Sequence[Route],
    *,
    busy: tuple[type[Exception], ...] = (),
    middlewares: Sequence[Middleware] = (),
    max_body: int = MAX_BODY,
    edge: bool = False,
) -> web.Application:
    """Return an application that serves a table of routes. `busy`: exceptions that mean 503, try again. `edge`: what people
    reach, where headers of our own services count for nothing."""
    app = web.Application(
        middlewares=[_error_middleware(service, busy), *middlewares],
        client_max_size=max_body,
        handler_args=framing.SERVER_OPTIONS,
    )
    app[VERIFIER] = verifier
    app[ROUTES] = list(routes)
    app[CHECKS] = {}
    app[SERVICE] = service
    app[EDGE] = edge
    app[metrics.SAMPLERS] = []
    app.cleanup_ctx.append(metrics.watch_loop(service))
    app.on_response_prepare.append(_name)
    for route in routes:
        add_route(app, route.method, route.path, guarded(route))
    return app


def add_route(app: web.Application, method: str, path: str, handler: Handler) -> None:
    """Serve a path; what answers GET answers HEAD."""
    for each in (method, "HEAD") if method == "GET" else (method,):
        app.router.add_route(each, path, handler)


async def _unsent(_: object) -> None:
    """What an answer to HEAD does not hold."""


async def _name(request: web.Request, response: web.StreamResponse) -> None:
    """Say on every answer which request it belongs to."""
    request[framing.BEGUN] = True
    if request.method == "HEAD" and not isinstance(response, web.Response):
        # aiohttp would send what a handler writes, and the next answer would begin in the middle of it.
        response.write = _unsent  # type: ignore[assignment, method-assign]
    if id := request.get(REQUEST_ID):
        response.headers["X-Request-Id"] = id
