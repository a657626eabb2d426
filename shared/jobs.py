"""Work off a job as a worker: start it, report its effect, or report that there was none."""

import os
import secrets
import socket
import time
from types import TracebackType
from uuid import UUID

import httpx

from shared import codes
from shared.document import AnyDocument, DocumentModel
from shared.errors import Conflict, JobEnded, Unavailable, UpstreamFailed
from shared.identity import Signer
from shared.messages import (
    FailJob,
    FinishDocument,
    FinishNotification,
    JobFinished,
    JobStarted,
    StartJob,
)
from shared.observability import tracing

AUDIENCE = "applications"
# How many seconds a worker rests before it starts anything more, at first and at most: one that is told to stop ends its rest first.
FIRST_REST, LONGEST_REST = 1.0, 15.0
# Made before the fork: the children of one worker share it, so that a redelivered message can tell that the
# attempt which died was its own worker's.
WORKER = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Jobs:
    """HTTP client of `/internal/jobs`, one a process. Raises `JobEnded` for a job that is done or parked, `Conflict`
    for one that somebody else works on, `Unavailable` when applications does not answer, and `UpstreamFailed`, which is
    one of these, when it does but fails over just this.

    When applications is busy, the worker rests before it starts anything more: a second, then twice as long each time, up to what the
    answer says and `longest_rest`. What succeeds halves the next rest, so that one job let through now and then starts no new rush.
    """

    def __init__(self, base_url: str, signer: Signer, *, longest_rest: float = LONGEST_REST) -> None:
        self._signer = signer
        self._longest_rest = longest_rest
        self._rest = 0.0
        self._rests_until = 0.0
        self._http = httpx.Client(base_url=base_url, timeout=httpx.Timeout(10, connect=3), trust_env=False)

    def start(self, job: UUID, *, redelivered: bool) -> JobStarted:
        time.sleep(max(0.0, self._rests_until - time.monotonic()))
        body = StartJob(worker=WORKER, redelivered=redelivered)
        return JobStarted.model_validate_json(self._call("POST", f"/internal/jobs/{job}/start", body))

    def document_model(self, document: UUID) -> AnyDocument:
        return DocumentModel.model_validate_json(self._call("GET", f"/internal/documents/{document}/model")).root

    def finish(self, job: UUID, effect: FinishDocument | FinishNotification) -> JobFinished:
        return JobFinished.model_validate_json(self._call("POST", f"/internal/jobs/{job}/finish", effect))

    def fail(self, job: UUID, failure: FailJob) -> None:
        self._call("POST", f"/internal/jobs/{job}/fail", failure)

    def _note(self, retry_after: str) -> None:
        """Keep in mind how long to rest. An answer that names no time ends the rest."""
        if retry_after.isascii() and retry_after.isdecimal():
            self._rest = min(float(retry_after), self._longest_rest, max(FIRST_REST, self._rest * 2))
            self._rests_until = time.monotonic() + self._rest
        else:
            self._rest, self._rests_until = self._rest / 2, 0.0

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "Jobs":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def _call(
        self,
        method: str,
        path: str,
        body: StartJob | FinishDocument | FinishNotification | FailJob | None = None,
    ) -> bytes:
        headers = self._signer.headers(AUDIENCE, method, path) | tracing.headers()
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = body.model_dump_json().encode()
        try:
            answer = self._http.request(method, path, headers=headers, content=content)
        except httpx.TransportError as error:
            raise Unavailable("申报服务没有响应。") from error
        self._note(answer.headers.get("Retry-After", ""))
        match answer.status_code:
            case 409:
                raise Conflict(code=codes.JOB_LEASED)
            case 404 | 410:
                raise JobEnded
            case 500:
                raise UpstreamFailed(f"申报服务处理 {path} 时出错。")
            case status if status >= 500 or status == 429:
                raise Unavailable(f"申报服务应答 {status}。")
        answer.raise_for_status()
        return answer.content
