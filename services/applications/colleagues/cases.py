"""Open the case that colleagues speak of."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.tables.applications import Application
from shared import codes
from shared.errors import Conflict, FieldError, Invalid
from shared.identity import Actor


async def open_to(session: AsyncSession, actor: Actor, id: UUID) -> Application:
    """Return a case, locked, to which the actor may add something; `Conflict` where it has been forgotten: nothing about a person is to
    come back."""
    application = await repository.application(session, actor, id, lock=True)
    if not application.wrapped_key:
        raise Conflict("该申请保存期限届满，资料已删除，不能再添加内容。", code=codes.FORGOTTEN)
    return application


def required(text: str, field: str, message: str) -> None:
    """Raise `Invalid` at `field` where nothing was written."""
    if not text:
        raise Invalid([FieldError(field=field, code=codes.REQUIRED, message=message)], f"{message}。")
