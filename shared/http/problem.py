"""Write errors as `application/problem+json` (RFC 9457)."""

import logging
from http import HTTPStatus

from aiohttp import web

from shared import codes, errors
from shared.text.json_text import dumps

log = logging.getLogger(__name__)

STATUS: dict[type[errors.DomainError], HTTPStatus] = {
    errors.Malformed: HTTPStatus.BAD_REQUEST,
    errors.NotSignedIn: HTTPStatus.UNAUTHORIZED,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.TooSlow: HTTPStatus.REQUEST_TIMEOUT,
    errors.JobEnded: HTTPStatus.GONE,
    errors.Stale: HTTPStatus.PRECONDITION_FAILED,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMedia: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PreconditionMissing: HTTPStatus.PRECONDITION_REQUIRED,
    errors.TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.InternalError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def status_of(error: errors.DomainError) -> HTTPStatus:
    """Return the status with which an error is answered."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(error: errors.DomainError, request_id: str) -> web.Response:
    """Return an error as a person and a program can read it."""
    status = status_of(error)
    body = {
        "type": error.code,
        "title": (type(error).__doc__ or "").strip(),
        "status": int(status),
        "detail": error.detail,
        "request_id": request_id,
        **error.extra,
    }
    headers = {}
    if isinstance(error, errors.TooMany | errors.Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.Conflict) and "retry_after" in error.extra:
        headers["Retry-After"] = str(error.extra["retry_after"])
    answer = web.Response(
        status=status, body=dumps(body), content_type="application/problem+json", headers=headers
    )
    if isinstance(error, errors.TooSlow):
        # The rest of it is not waited for.
        answer.force_close()
    return answer


def _from_http(error: web.HTTPException) -> errors.DomainError | None:
    match error.status:
        case 404:
            return errors.NotFound()
        case 405:
            return errors.NotFound(
                f"此地址不支持 {getattr(error, 'method', '该')} 方法。", code=codes.METHOD_NOT_ALLOWED
            )
        case 413:
            return errors.TooLarge()
        case 415:
            return errors.UnsupportedMedia()
        case status if 400 <= status < 500:
            return errors.Malformed()
    return None


def refusal_of(error: Exception, request_id: str, busy: tuple[type[Exception], ...]) -> web.Response:
    """Return the answer to whatever a handler raised. `busy`: exceptions that mean 503, try again."""
    match error:
        case errors.DomainError():
            return problem(error, request_id)
        case web.HTTPException():
            translated = _from_http(error)
            if translated is None:
                raise error
            return problem(translated, request_id)
        case web.RequestPayloadError():
            # What was announced is not what came.
            return problem(errors.Malformed(code=codes.BODY_BROKEN), request_id)
    if isinstance(error, busy):
        # Without its stack: when there is too much to do, writing stacks is a good part of it.
        log.warning("busy", extra={"reason": repr(error)[:500]})
        return problem(errors.Unavailable(), request_id)
    log.error("unexpected error", exc_info=error)
    return problem(errors.InternalError(), request_id)
