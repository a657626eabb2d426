"""Manage rounds (申报批次): prepared by an officer, published by somebody else, opened by their time, extended or closed, with late
acceptance for one enterprise. Every change is audited with what stood before."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import notice_queries, proposals, round_queries
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.forms.authoring import eligibility
from services.applications.rounds.parameters import fitted, must_be_complete, must_be_ticked, numbers_missing
from services.applications.tables.applications import Extension, Round
from services.applications.tables.four_eyes import Proposal
from shared import clock, codes
from shared.contract.rounds import ExtensionInput, NewRound, RoundChange
from shared.errors import Conflict, FieldError, Invalid, Stale
from shared.identity import Actor, Role
from shared.roles import ROUND_READERS
from shared.text.identifiers import uscc


@dataclass(frozen=True)
class Shown:
    """A round, and the extension of whoever looks at it."""

    round: Round
    extension: Extension | None = None


async def shown_to(session: AsyncSession, actor: Actor | None, at: datetime) -> list[Shown]:
    """By closing time: to those who write, publish or serve rounds every one; to everybody else what is published and open or coming, and to an
    enterprise what was extended for it."""
    if actor is not None and actor.roles & ROUND_READERS:
        return [Shown(round_) for round_ in await round_queries.rounds(session)]
    enterprise = actor.enterprise if actor is not None and actor.is_a(Role.APPLICANT) else None
    late = await round_queries.extensions_of(session, enterprise, at) if enterprise else {}
    found = await round_queries.rounds(session, closing_after=at, or_among=set(late))
    return [Shown(round_, late.get(round_.id)) for round_ in found]


def _whole_second(values: dict[str, Any]) -> dict[str, Any]:
    """Windows open and close on a second, as people are told."""
    return {k: v.replace(microsecond=0) if isinstance(v, datetime) else v for k, v in values.items()}


def _must_be_a_window(round_: Round) -> None:
    if round_.closes_at <= round_.opens_at:
        raise Invalid([FieldError(field="closes_at", code=codes.BEFORE_OPENING, message="截止时间应晚于开始时间")])


def must_match(round_: Round, version: str | None) -> None:
    if version is not None and version != str(round_.version):
        raise Stale("批次刚刚被其他人修改，请核对后重试。", current={"etag": str(round_.version)})


def must_be_somebody_else(round_: Round, actor: Actor) -> None:
    """`Conflict` where whoever acts wrote the round or changed it last: two people have read what is published."""
    if round_.drafted_by == actor.account:
        raise Conflict("批次由您拟定或最后修改，须由另一位业务管理人员或审定人员发布。", code=codes.SECOND_PERSON)


async def must_not_be_retired(session: AsyncSession, fund_type: str, version: int) -> None:
    """`Invalid` at the form for a version that no new round takes."""
    if (fund_type, version) in await round_queries.retired_forms(session):
        said = f"表单第 {version} 版已停用，请选择其他版本"
        raise Invalid([FieldError(field="form_version", code=codes.FORM_RETIRED, message=said)], f"{said}。")


async def create(
    session: AsyncSession, actor: Actor, new: NewRound, *, follows: UUID | None = None, by_two: bool = False
) -> Round:
    """Return a round for a form of the catalogue, prepared or (`publish`) published at once: checks whose numbers it lacks
    are then left out, and the audit names them; refused where publishing takes two people (`by_two`). One that `follows` another may have its mistakes; they are mended before it is published."""
    form = form_of(new)
    if follows is None:
        await must_not_be_retired(session, new.fund_type, new.form_version)
    values = new.model_dump(exclude={"publish"}) | {"parameters": fitted(form, new.parameters)}
    round_ = Round(id=uuid4(), version=1, **_whole_second(values))
    _drafted(round_, actor)
    if follows is None:
        must_be_ticked(form, round_.parameters)
    _must_be_a_window(round_)
    session.add(round_)
    details = new.model_dump(mode="json", exclude={"publish"}) | ({"follows": str(follows)} if follows else {})
    record(session, actor, "create_round", round=str(round_.id), **details)
    await session.flush()
    if new.publish:
        await publish(session, actor, round_.id, None, accept_missing=True, by_two=by_two)
    return round_


async def change(
    session: AsyncSession, actor: Actor, id: UUID, version: str | None, changes: RoundChange
) -> Round:
    """Change what is given; the audit keeps what stood before.

    Once published a round keeps its fund type, and its form but for a newer version, which drafts may then be moved to;
    once open it keeps its opening, and closes later or not at all: who wants it closed at once says so (`close`).
    """
    round_ = await round_queries.round_(session, id, lock=True)
    must_match(round_, version)
    changed = different(round_, changes)
    if not changed:
        return round_
    if round_.published_at is not None:
        must_be_allowed(round_, changed, actor.received_at)
    if "form_version" in changed:
        await must_not_be_retired(session, changed.get("fund_type", round_.fund_type), changed["form_version"])
    await must_have_notice(session, round_, changed, actor.received_at)
    apply(session, round_, actor, changed, reason=changes.reason or "")
    round_.version += 1
    await session.flush()
    return round_


def different(round_: Round, changes: RoundChange) -> dict[str, Any]:
    """Return the attributes that a change would really change, with their new values."""
    given = _whole_second(changes.model_dump(exclude_none=True, exclude={"reason"}))
    if "budget_wan" in changes.model_fields_set:
        given["budget_wan"] = changes.budget_wan
    return {name: value for name, value in given.items() if getattr(round_, name) != value}


def apply(session: AsyncSession, round_: Round, actor: Actor, changed: dict[str, Any], **details: Any) -> None:
    """Change a round and audit what stood before; `Invalid` where it would lack what its form needs."""
    before = {name: getattr(round_, name) for name in changed}
    put(round_, changed)
    if round_.published_at is None:
        _drafted(round_, actor)
    record(
        session, actor, "change_round", round=str(round_.id), before=plain(before), after=plain(changed), **details
    )


def put(round_: Round, changed: dict[str, Any]) -> None:
    """Give a round new values; `Invalid` where it would lack what its form needs."""
    accepted = numbers_missing(form_of(round_), round_.parameters)
    for name, value in changed.items():
        setattr(round_, name, value)
    form = form_of(round_)
    round_.parameters = fitted(form, round_.parameters)
    if {"parameters", "form_version"} & changed.keys():
        must_be_ticked(form, round_.parameters)
    if round_.published_at is not None:
        # What was accepted as missing stays so; what stood does not vanish unsaid.
        anew = {"parameters", "form_version"} & changed.keys()
        must_be_complete(
            form, round_.parameters, accept_missing=not anew, accepted=() if "parameters" in anew else accepted
        )
    _must_be_a_window(round_)


def _drafted(round_: Round, actor: Actor) -> None:
    round_.drafted_by, round_.drafted_by_name = actor.account, actor.name


def must_be_allowed(round_: Round, changed: dict[str, Any], at: datetime) -> None:
    if "fund_type" in changed or changed.get("form_version", round_.form_version) < round_.form_version:
        raise Conflict("已发布的批次只能换用同一类表单的更新版本。", code=codes.FORM_PINNED)
    begun = at >= round_.opens_at
    if begun and "opens_at" in changed:
        raise Conflict("申报已经开始，不能修改开始时间。", code=codes.ALREADY_OPEN)
    if begun and "closes_at" in changed and changed["closes_at"] < round_.closes_at:
        raise Conflict("申报已经开始，截止时间只能延后；需要立即截止时请使用“立即截止”。", code=codes.ONLY_LATER)


async def must_have_notice(session: AsyncSession, round_: Round, changed: dict[str, Any], at: datetime) -> None:
    """`Invalid` where a change names a notice that the round does not have. `Conflict` where it asks those who apply something else than
    those who began before them: once a round has opened its questions stay, and what must hold is at most left out."""
    if not (number := changed.get("notice")):
        return
    wanted = await notice_queries.notice(session, round_.id, number)
    if wanted is None:
        raise Invalid([FieldError(field="notice", code=codes.NOT_FOUND, message="没有这一稿申报通知")])
    if round_.published_at is None or at < round_.opens_at:
        return
    before = await notice_queries.notice(session, round_.id, round_.notice)
    if not eligibility.no_stricter(before.questions if before else "", wanted.questions):
        raise Conflict(
            "申报已经开始，申报条件的问题不能改，也不能增加条件；可以删去某条核对，或者全部不再询问。",
            code=codes.ELIGIBILITY_FIXED,
        )


def plain(values: dict[str, Any]) -> dict[str, Any]:
    def one(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.isoformat()
        return f"{value:.2f}" if isinstance(value, Decimal) else value

    return {name: one(value) for name, value in values.items()}


async def publish(
    session: AsyncSession,
    actor: Actor,
    id: UUID,
    version: str | None,
    *,
    accept_missing: bool,
    by_two: bool = False,
) -> Round:
    """Let applicants see it. `Invalid` names every parameter the form needs and the round lacks; `accept_missing`
    leaves out the checks that lack a number, never a list of options. `by_two`: not by who drafted it."""
    round_ = await round_queries.round_(session, id, lock=True)
    must_match(round_, version)
    if round_.published_at is not None:
        return round_
    if by_two:
        must_be_somebody_else(round_, actor)
    if round_.closes_at <= actor.received_at:
        raise Invalid(
            [FieldError(field="closes_at", code=codes.IN_THE_PAST, message="截止时间已过，请先修改截止时间")]
        )
    form = form_of(round_)
    await must_not_be_retired(session, round_.fund_type, round_.form_version)
    must_be_ticked(form, round_.parameters)
    missing = must_be_complete(form, round_.parameters, accept_missing=accept_missing)
    round_.published_at = actor.received_at
    round_.version += 1
    record(session, actor, "publish_round", round=str(id), missing=missing, drafted_by=round_.drafted_by)
    await session.flush()
    return round_


async def close(session: AsyncSession, actor: Actor, id: UUID, version: str | None, *, reason: str) -> Round:
    """立即截止: it closes at the second the gateway received this. Late acceptances stay."""
    round_ = await round_queries.round_(session, id, lock=True)
    must_match(round_, version)
    now = actor.received_at.replace(microsecond=0)
    if round_.published_at is None or not round_.opens_at < now < round_.closes_at:
        raise Conflict("只有正在申报的批次可以立即截止。", code=codes.NOT_OPEN)
    before, round_.closes_at = round_.closes_at, now
    round_.version += 1
    record(
        session, actor, "close_round", round=str(id), reason=reason,
        before=before.isoformat(), after=now.isoformat(),
    )  # fmt: skip
    await session.flush()
    return round_


async def propose_extension(session: AsyncSession, actor: Actor, id: UUID, given: ExtensionInput) -> Proposal:
    """Propose late acceptance for one enterprise, which another person confirms. What could not be made is refused as `extend` does."""
    round_ = await round_queries.round_(session, id, lock=True)
    enterprise, until = _may_be_extended(round_, given)
    made = await proposals.propose(
        session, actor, "late_acceptance", id, enterprise, until=until, reason=given.reason.strip()
    )
    record(
        session, actor, "propose_extension", round=str(id), enterprise=enterprise,
        until=until.isoformat(), reason=made.reason,
    )  # fmt: skip
    return made


async def extend(
    session: AsyncSession, actor: Actor, id: UUID, given: ExtensionInput, *, proposed: Proposal | None = None
) -> Extension:
    """Late acceptance for one enterprise; a second one replaces the first. `proposed`: what the actor confirms."""
    round_ = await round_queries.round_(session, id, lock=True)
    enterprise, until = _may_be_extended(round_, given)
    before = await round_queries.extension(session, id, enterprise)
    if before is not None and before.act is not None and until <= before.until:
        said = f"该企业已补时至 {clock.show(before.until)}，单独延期应更晚"
        raise Invalid([FieldError(field="until", code=codes.EXTENSION_OVERLAPS, message=said)])
    replaced = before.until.isoformat() if before else None
    extension = await session.merge(
        Extension(
            round_id=id,
            enterprise=enterprise,
            until=until,
            reason=given.reason,
            created_by=actor.account,
            begun_before=None,
            act=None,
        )
    )
    record(
        session, actor, "extend_round", round=str(id), enterprise=enterprise,
        before=replaced, until=until.isoformat(), reason=given.reason, **proposals.said(proposed),
    )  # fmt: skip
    await session.flush()
    return extension


def _may_be_extended(round_: Round, given: ExtensionInput) -> tuple[str, datetime]:
    """Return the enterprise and the second until which it is late; `Conflict` or `Invalid` where it cannot be."""
    if round_.published_at is None:
        raise Conflict("批次尚未发布，请直接修改截止时间。", code=codes.NOT_PUBLISHED)
    errors = []
    try:
        enterprise = uscc(given.enterprise)
    except ValueError as error:
        errors.append(FieldError(field="enterprise", code=codes.NOT_USCC, message=str(error)))
    until = given.until.replace(microsecond=0)
    if until <= round_.closes_at:
        errors.append(
            FieldError(field="until", code=codes.BEFORE_CLOSING, message="延期截止时间应晚于批次的截止时间")
        )
    if not given.reason.strip():
        errors.append(FieldError(field="reason", code=codes.REQUIRED, message="请填写延期理由"))
    if errors:
        raise Invalid(errors)
    return enterprise, until
