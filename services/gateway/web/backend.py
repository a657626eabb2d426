"""Call the other services on behalf of the person who is signed in."""

import asyncio
import logging
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypedDict, TypeVar, Unpack, overload
from uuid import uuid4

from aiohttp import (
    ClientConnectionError,
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientResponse,
    ClientResponseError,
    ClientTimeout,
    MultipartWriter,
    ServerDisconnectedError,
)
from pydantic import BaseModel, TypeAdapter, ValidationError
from yarl import URL

from services.gateway.web.outgoing import Body, Outgoing
from shared import codes, errors, tickets
from shared.http.problem import STATUS
from shared.identity import Actor, Signer
from shared.observability import tracing
from shared.overload import deadline, pressure
from shared.overload.admission import LINE
from shared.overload.breaker import Breaker, Resting, RetryBudget
from shared.text.json_text import dumps, loads

log = logging.getLogger(__name__)

# The first segments of `/api/v1/…` and the service that answers them. What is not listed does not exist.
OWNERS = {
    "rounds": "applications",
    "forms": "applications",
    "form-drafts": "applications",
    "form-versions": "applications",
    "sandbox": "applications",
    "applications": "applications",
    "review": "applications",
    "confirmations": "applications",
    "messages": "applications",
    "separation": "applications",
    "common-returns": "applications",
    "expert": "applications",
    "ops": "applications",
    "audit": "applications",
    "notifications": "notify",
}
AWAY = {
    "applications": "申报服务暂时没有响应，您填写的内容请勿关闭，稍后再试。",
    "notify": "通知服务暂时没有响应，请稍后再试；申报不受影响。",
}
# A file takes as long as the person's line needs; silence may not.
UPLOAD = ClientTimeout(total=None, sock_connect=3, sock_read=60)
# The most that anything else may take, when the request itself has no shorter end.
LONGEST = 20.0
CONNECT = 3.0


def streaming() -> ClientTimeout:
    """For an answer that is passed on as it comes: it has to begin in time, and may then go as slowly as it is read."""
    return ClientTimeout(
        total=None, sock_connect=deadline.left(CONNECT), sock_read=deadline.until_answered(LONGEST)
    )


# What a service is given a rest for. Of a call with a file only that it takes no connection: anything later may be the
# file's doing, or its sender's.
OUTAGE = (ClientOSError, ServerDisconnectedError, TimeoutError)
FILE_OUTAGE = (ClientConnectorError,)

PLAIN_PATH = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+")
_BY_STATUS = {int(status): kind for kind, status in STATUS.items()}


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A service's answer to a page: its status, its tag, and what it says."""

    status: int
    etag: str
    body: T


def away(service: str) -> errors.Unavailable:
    """What a person is told while a service does not answer."""
    return errors.Unavailable(AWAY[service], code=codes.SERVICE_AWAY)


class Options(TypedDict, total=False):
    """What a call may bring: a body as JSON or as a form with a file (`data`), the tag of what it changes (`etag`), the
    idempotency key of its intent, the place in line that it was given before (`ticket`), what
    is known besides (`beside`, a header's text)."""

    request_id: str | None
    json: Any
    etag: str | None
    key: str | None
    ticket: str | None
    query: dict[str, str] | None
    data: MultipartWriter | None
    beside: str


class Services:
    """Where the services are, and our signature."""

    def __init__(
        self,
        outgoing: Outgoing,
        signer: Signer,
        urls: dict[str, str],
        *,
        waited: Callable[[float], None] = lambda _: None,
        line_stands: Callable[[], bool] = lambda: False,
    ) -> None:
        """`waited` hears how many seconds each call stood in line at the service. `line_stands`: whether people wait here, which each
        call says."""
        self.signer = signer
        self._waited = waited
        self._line_stands = line_stands
        self._outgoing = outgoing
        self._urls = {name: url.rstrip("/") for name, url in urls.items()}
        # Files have a breaker of their own: what is slow about one person's file is nobody else's outage.
        lanes = [lane for name in urls for lane in (name, f"{name}-files")]
        self._breakers = {lane: Breaker("gateway", lane) for lane in lanes}
        self._retries = RetryBudget()

    def owner(self, path: str) -> str:
        """The service behind `/api/v1/…`; `NotFound` for anything else."""
        # Nothing that any layer below could read as another path: no dots alone, no escapes, no empty segments.
        if not PLAIN_PATH.fullmatch(path):
            raise errors.NotFound
        segments = path.split("/")
        if segments[:3] != ["", "api", "v1"] or len(segments) < 4 or segments[3] not in OWNERS:
            raise errors.NotFound
        return OWNERS[segments[3]]

    @overload
    async def ask(
        self, actor: Actor | None, method: str, path: str, model: type[T], **options: Unpack[Options]
    ) -> Answer[T]: ...
    @overload
    async def ask(
        self, actor: Actor | None, method: str, path: str, model: None = None, **options: Unpack[Options]
    ) -> Answer[Any]: ...
    async def ask(
        self,
        actor: Actor | None,
        method: str,
        path: str,
        model: Any = None,
        *,
        request_id: str | None = None,
        json: Any = None,
        etag: str | None = None,
        key: str | None = None,
        ticket: str | None = None,
        query: dict[str, str] | None = None,
        data: MultipartWriter | None = None,
        beside: str = "",
    ) -> Answer[Any]:
        """One call of the public contract, `path` without `/api/v1`, and its answer read into `model` (without one as plain
        JSON). Raises the service's problem as our own error, with everything it says. Without a person only what a service
        opens to nobody in particular."""
        full = f"/api/v1{path}"
        headers = {}
        if etag is not None:
            headers["If-Match"] = f'"{etag}"'
        if key is not None:
            headers["Idempotency-Key"] = key
        if ticket:
            headers[tickets.HEADER] = ticket
        async with self.reach(
            self.owner(full),
            method,
            full,
            actor=actor,
            request_id=request_id or (actor.request_id if actor else ""),
            headers=headers,
            query=query,
            body=_json(headers, json) if data is None else data,
            limits=UPLOAD if data is not None else None,
            beside=beside,
        ) as answer:
            return await _read(answer, model)

    async def tell(
        self, service: str, path: str, request_id: str, model: type[T], query: dict[str, str] | None = None
    ) -> T:
        """What a service tells the gateway itself, for nobody in particular."""
        async with self.reach(service, "GET", path, query=query, request_id=request_id) as answer:
            found: T = (await _read(answer, model)).body
            return found

    @overload
    async def tell_back(self, service: str, path: str, request_id: str, body: BaseModel, model: type[T]) -> T: ...
    @overload
    async def tell_back(
        self, service: str, path: str, request_id: str, body: BaseModel, model: None = None
    ) -> Any: ...
    async def tell_back(self, service: str, path: str, request_id: str, body: BaseModel, model: Any = None) -> Any:
        """Something the gateway has a service do for nobody in particular, and what came of it."""
        headers: dict[str, str] = {}
        content = _json(headers, body.model_dump(mode="json"))
        async with self.reach(
            service, "POST", path, headers=headers, body=content, request_id=request_id
        ) as answer:
            return (await _read(answer, model)).body

    async def file(self, service: str, path: str, request_id: str) -> tuple[bytes, dict[str, str]]:
        """A small file that a service gives the gateway itself, whole, with the headers that name it."""
        async with self.reach(service, "GET", path, request_id=request_id) as answer:
            if answer.status != 200:
                await _read(answer)
                raise away(service)
            named = {name: answer.headers[name] for name in ("Content-Type", "Content-Disposition")}
            return await answer.read(), named

    @asynccontextmanager
    async def open_file(self, service: str, path: str, request_id: str) -> AsyncIterator[ClientResponse]:
        """A file that a service gives to everybody, to be read as it comes; whatever else it answers, as our own error."""
        async with self.reach(service, "GET", path, request_id=request_id, limits=streaming()) as answer:
            if answer.status != 200:
                await _read(answer)
                raise away(service)
            yield answer

    async def description(self, service: str) -> dict[str, Any]:
        """OpenAPI of a service's public routes."""
        return await self.tell(service, "/internal/openapi.json", "", dict[str, Any])

    @asynccontextmanager
    async def reach(
        self,
        service: str,
        method: str,
        target: str,
        *,
        actor: Actor | None = None,
        request_id: str = "",
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        body: Body | None = None,
        limits: ClientTimeout | None = None,
        beside: str = "",
    ) -> AsyncIterator[ClientResponse]:
        """One call, whatever it answers; `Unavailable` at once while the service is left alone, and after the time
        that the request has left, which the service is told as well. `target`: path and query as they are sent.

        A GET whose connection broke before an answer is tried once more, as long as few are.
        """
        # Encoded as it came: what was checked is what is asked for, and what the token opens.
        url = URL(self._urls[service] + target, encoded=True)
        if query:
            url = url.update_query(query)
        if not re.fullmatch("[A-Za-z0-9-]*[A-Za-z0-9][A-Za-z0-9-]*", request_id) or len(request_id) > 64:
            request_id = uuid4().hex
        headers = {
            **(headers or {}),
            **self.signer.headers(service, method, url.raw_path_qs, actor, beside),
            "X-Request-Id": request_id,
            **deadline.headers(),
            **pressure.headers(self._line_stands()),
            **tracing.headers(),
        }
        self._retries.earn()
        again = method in {"GET", "HEAD"}
        try:
            lane = f"{service}-files" if limits is UPLOAD else service
            with self._breakers[lane].call(*(FILE_OUTAGE if limits is UPLOAD else OUTAGE)):
                while True:
                    limit = limits or ClientTimeout(
                        total=deadline.until_answered(LONGEST), connect=deadline.left(CONNECT)
                    )
                    began = False
                    try:
                        async with self._outgoing.call(
                            method, url, headers=headers, timeout=limit, body=body, request_id=request_id
                        ) as answer:
                            began = True
                            self._waited(int(answer.headers.get(LINE, 0)) / 1000)
                            yield answer
                            return
                    except ClientConnectionError:
                        if began or not again or deadline.over() or not self._retries.spend():
                            raise
                        again = False
                        await asyncio.sleep(random.uniform(0.02, 0.2))  # noqa: S311  no secret
        except Resting as error:
            raise away(service) from error
        except (ClientError, TimeoutError) as error:
            # What could not be read as an answer may be somebody's file.
            reason = type(error).__name__ if isinstance(error, ClientResponseError) else repr(error)
            log.warning("service does not answer", extra={"target": service, "reason": reason})
            raise away(service) from error


def _json(headers: dict[str, str], value: Any) -> bytes | None:
    if value is None:
        return None
    headers["Content-Type"] = "application/json"
    return dumps(value)


@cache
def _reader(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


async def _read(answer: ClientResponse, model: Any = None) -> Answer[Any]:
    raw = await answer.read()
    if answer.status >= 400:
        said = loads(raw) if "json" in answer.content_type and raw else {}
        raise problem(answer.status, said, answer.headers.get("Retry-After"))
    etag = answer.headers.get("ETag", "").strip('"')
    if model is None:
        return Answer(answer.status, etag, loads(raw) if "json" in answer.content_type and raw else None)
    try:
        # What a newer release of the service says besides is nothing to this one.
        return Answer(answer.status, etag, _reader(model).validate_json(raw, extra="ignore"))
    except ValidationError as error:
        log.exception("an answer is not what the contract says", extra={"path": answer.url.path})
        raise errors.InternalError from error


def problem(status: int, body: dict[str, Any], retry_after: str | None) -> errors.DomainError:
    """A service's `application/problem+json` as our own error."""
    detail, code = body.get("detail"), body.get("type")
    kind = _BY_STATUS.get(status)
    if kind is errors.InternalError:
        return errors.InternalError(detail)
    if kind is None or status >= 500:
        return errors.Unavailable(detail, code=code, retry_after=int(retry_after or 0) or None)
    if kind is errors.TooMany:
        return errors.TooMany(detail, code=code, retry_after=int(retry_after or 5))
    # What is wrong in a text is shown where the text stands, like any other mistake of a form.
    if kind is errors.Invalid or (kind is errors.Malformed and code in errors.IN_TEXTS):
        listed = [errors.FieldError.model_validate(e) for e in body.get("errors", [])]
        return errors.Invalid(listed, detail, code=code)
    extra = {k: v for k, v in body.items() if k not in {"type", "title", "status", "detail", "request_id"}}
    return kind(detail, code=code, **extra)
