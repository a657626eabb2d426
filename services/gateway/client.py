"""Calls to the other services on behalf of the person who is signed in."""

import logging
import re
from typing import Any

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout

from shared import errors
from shared.identity import Actor, Signer
from shared.web import STATUS
from shared.wire import loads

log = logging.getLogger(__name__)

# The first segments of `/api/v1/…` and the service that answers them. What is not listed does not exist.
OWNERS = {
    "rounds": "applications",
    "forms": "applications",
    "applications": "applications",
    "review": "applications",
    "ops": "applications",
    "audit": "applications",
    "notifications": "notify",
}
AWAY = {
    "applications": "申报服务暂时没有响应，您填写的内容请勿关闭，稍后再试。",
    "notify": "通知服务暂时没有响应，请稍后再试；申报不受影响。",
}
UPLOAD = ClientTimeout(total=None, sock_connect=3, sock_read=60)
PLAIN_PATH = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+")
_BY_STATUS = {int(status): kind for kind, status in STATUS.items()}


class Answer:
    """A service's answer to a page: JSON, its tag, its status."""

    def __init__(self, status: int, etag: str, body: Any) -> None:
        self.status = status
        self.etag = etag
        self.body = body


def away(service: str) -> errors.Unavailable:
    """What a person is told while a service does not answer."""
    return errors.Unavailable(AWAY[service], code="service_away")


class Services:
    """Where the services are, and our signature."""

    def __init__(self, http: ClientSession, signer: Signer, urls: dict[str, str]) -> None:
        self.http = http
        self._signer = signer
        self._urls = {name: url.rstrip("/") for name, url in urls.items()}

    def owner(self, path: str) -> str:
        """The service behind `/api/v1/…`; `NotFound` for anything else."""
        # Nothing that any layer below could read as another path: no dots alone, no escapes, no empty segments.
        if not PLAIN_PATH.fullmatch(path):
            raise errors.NotFound
        segments = path.split("/")
        if segments[:3] != ["", "api", "v1"] or len(segments) < 4 or segments[3] not in OWNERS:
            raise errors.NotFound
        return OWNERS[segments[3]]

    def url(self, service: str, path: str) -> str:
        return self._urls[service] + path

    def headers(self, service: str, actor: Actor | None, request_id: str) -> dict[str, str]:
        return {**self._signer.headers(service, actor), "X-Request-Id": request_id}

    async def ask(
        self,
        actor: Actor | None,
        method: str,
        path: str,
        *,
        request_id: str | None = None,
        json: Any = None,
        etag: str | None = None,
        key: str | None = None,
        query: dict[str, str] | None = None,
        data: Any = None,
    ) -> Answer:
        """One call of the public contract, `path` without `/api/v1`; raises the service's problem as our own
        error, with everything it says. Without a person only what a service opens to nobody in particular."""
        full = f"/api/v1{path}"
        service = self.owner(full)
        headers = self.headers(service, actor, request_id or (actor.request_id if actor else ""))
        if etag is not None:
            headers["If-Match"] = f'"{etag}"'
        if key is not None:
            headers["Idempotency-Key"] = key
        # A file takes as long as the person's line needs; everything else has to be quick.
        timeout = UPLOAD if data is not None else self.http.timeout
        try:
            async with self.http.request(
                method,
                self.url(service, full),
                headers=headers,
                json=json,
                params=query,
                data=data,
                timeout=timeout,
            ) as answer:
                return await _read(answer)
        except (ClientError, TimeoutError) as error:
            log.warning("service does not answer", extra={"target": service, "reason": repr(error)})
            raise away(service) from error

    async def tell(
        self, service: str, path: str, request_id: str, query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """What a service tells the gateway itself, for nobody in particular."""
        headers = self.headers(service, None, request_id)
        try:
            async with self.http.get(self.url(service, path), params=query, headers=headers) as answer:
                found: dict[str, Any] = (await _read(answer)).body
                return found
        except (ClientError, TimeoutError) as error:
            log.warning("service does not answer", extra={"target": service, "reason": repr(error)})
            raise away(service) from error

    async def description(self, service: str) -> dict[str, Any]:
        """OpenAPI of a service's public routes."""
        headers = self._signer.headers(service)
        try:
            async with self.http.get(self.url(service, "/internal/openapi.json"), headers=headers) as answer:
                found: dict[str, Any] = (await _read(answer)).body
                return found
        except (ClientError, TimeoutError) as error:
            raise away(service) from error


async def _read(answer: ClientResponse) -> Answer:
    raw = await answer.read()
    body = loads(raw) if "json" in answer.content_type and raw else None
    if answer.status >= 400:
        raise problem(answer.status, body or {}, answer.headers.get("Retry-After"))
    return Answer(answer.status, answer.headers.get("ETag", "").strip('"'), body)


def problem(status: int, body: dict[str, Any], retry_after: str | None) -> errors.DomainError:
    """A service's `application/problem+json` as our own error."""
    detail, code = body.get("detail"), body.get("type")
    kind = _BY_STATUS.get(status)
    if kind is None or status >= 500:
        return errors.Unavailable(detail, code=code)
    if kind is errors.TooMany:
        return errors.TooMany(detail, code=code, retry_after=int(retry_after or 5))
    if kind is errors.Invalid:
        listed = [errors.FieldError.model_validate(e) for e in body.get("errors", [])]
        return errors.Invalid(listed, detail, code=code)
    extra = {k: v for k, v in body.items() if k not in {"type", "title", "status", "detail", "request_id"}}
    return kind(detail, code=code, **extra)
