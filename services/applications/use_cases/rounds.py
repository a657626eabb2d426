"""申报批次: made and changed by operators, with late acceptance for one enterprise."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications import repository
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.numbers import uscc
from services.applications.models import Extension, Round
from services.applications.schemas import ExtensionInput, NewRound, RoundChange
from services.applications.use_cases.recording import record
from shared.errors import FieldError, Invalid
from shared.identity import Actor


def _must_be_a_window(round_: Round) -> None:
    if round_.closes_at <= round_.opens_at:
        raise Invalid([FieldError(field="closes_at", code="before_opening", message="截止时间应晚于开始时间")])


async def create(session: AsyncSession, actor: Actor, new: NewRound) -> Round:
    """Open a round for a published form."""
    catalogue_form(new.fund_type, new.form_version)
    round_ = Round(id=uuid4(), **new.model_dump())
    _must_be_a_window(round_)
    session.add(round_)
    record(session, actor, "create_round", round=str(round_.id), **new.model_dump(mode="json"))
    await session.flush()
    return round_


async def change(session: AsyncSession, actor: Actor, id: UUID, changes: RoundChange) -> Round:
    """Change what is given; the audit keeps what stood before."""
    round_ = await repository.round_(session, id, lock=True)
    given: dict[str, Any] = changes.model_dump(exclude_none=True)
    before = {name: str(getattr(round_, name)) for name in given}
    for name, value in given.items():
        setattr(round_, name, value)
    _must_be_a_window(round_)
    record(
        session,
        actor,
        "change_round",
        round=str(id),
        before=before,
        after=changes.model_dump(mode="json", exclude_none=True),
    )
    await session.flush()
    return round_


async def extend(session: AsyncSession, actor: Actor, id: UUID, given: ExtensionInput) -> Extension:
    """Late acceptance for one enterprise; a second one replaces the first."""
    await repository.round_(session, id)
    try:
        enterprise = uscc(given.enterprise)
    except ValueError as error:
        raise Invalid([FieldError(field="enterprise", code="not_uscc", message=str(error))]) from error
    extension = await session.merge(
        Extension(
            round_id=id, enterprise=enterprise, until=given.until, reason=given.reason, created_by=actor.account
        )
    )
    record(
        session,
        actor,
        "extend_round",
        round=str(id),
        enterprise=enterprise,
        until=given.until.isoformat(),
        reason=given.reason,
    )
    await session.flush()
    return extension
