"""Read the correction deadline that a reviewer gives, as an instant or in working days."""

from datetime import datetime

from aiohttp import web

from services.applications.core.context import WORKDAYS
from shared import codes
from shared.contract.returns import Extend, ReturnApplication
from shared.errors import FieldError, Invalid
from shared.http.app import actor


def deadline(request: web.Request, given: ReturnApplication | Extend) -> datetime:
    """Return the instant that a request names, by itself or in working days; `Invalid` for neither and for both."""
    if given.correct_by is not None and given.working_days is None:
        return given.correct_by
    if given.working_days is None or given.correct_by is not None:
        message = "请填写补正期限，或按工作日计算，只填一项"
        raise Invalid([FieldError(field="correct_by", code=codes.DEADLINE_REQUIRED, message=message)])
    return request.app[WORKDAYS].closing(actor(request).received_at, given.working_days)
