"""Open the case that colleagues speak of."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.tables.applications import Application
from shared import codes
from shared.contract.colleagues import MOST_CHARACTERS
from shared.errors import Conflict, FieldError, Invalid
from shared.identity import Actor


async def open_to(session: AsyncSession, actor: Actor, id: UUID) -> Application:
    """Return a case, locked, to which the actor may add something; `Conflict` where it has been forgotten: nothing about a person is to
    come back."""
    application = await repository.application(session, actor, id, lock=True)
    if not application.wrapped_key:
        raise Conflict("该申请保存期限届满，资料已删除，不能再添加内容。", code=codes.FORGOTTEN)
    return application


def must_be_written(text: str, field: str, what: str) -> None:
    """Raise `Invalid` at `field` where nothing was written, or more than can be kept; `what` it is, in Chinese."""
    if not text:
        raise _wrong(field, codes.REQUIRED, f"请填写{what}")
    if len(text) > MOST_CHARACTERS:
        raise _wrong(
            field, codes.TOO_LONG, f"{what}不能超过 {MOST_CHARACTERS} 字，现为 {len(text)} 字，请分开填写"
        )


def _wrong(field: str, code: str, message: str) -> Invalid:
    return Invalid([FieldError(field=field, code=code, message=message)], f"{message}。")
