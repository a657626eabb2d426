"""Extend a round for a class of enterprises by one act (补时). The class is resolved when the act is confirmed, and kept; each enterprise of it
then has what late acceptance gives to one, so that one rule says what is in time (`core.deadlines.accepts_until`).

What has passed is judged by the database's clock: a gateway whose clock jumps confirms nothing that is over.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from pydantic import BaseModel
from sqlalchemy import ARRAY, Text, and_, case, func, literal, null, or_, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import peers, proposals, round_queries
from services.applications.core.audit import record
from services.applications.core.context import Peers
from services.applications.tables.applications import Application, ClassExtension, Extension, Round
from services.applications.tables.four_eyes import Proposal
from services.applications.workflow import State
from shared import clock, codes
from shared.contract.rounds import ClassExtensionInput, ClassExtensionView, Whom
from shared.errors import Conflict, FieldError, Invalid
from shared.identity import Actor
from shared.text.identifiers import uscc

# Of a list that cannot be taken, so many mistakes are told.
TOLD_MISTAKES = 5


class Terms(BaseModel):
    """A class as a proposal keeps it. `measured`: the end of the day in which those who were turned away are looked for; `count`: how many
    enterprises it was then."""

    whom: Whom
    begun_before: datetime | None
    enterprises: list[str]
    measured: datetime
    count: int


@dataclass(frozen=True)
class _Act:
    """An act that may be made: the enterprises in order, and what it says."""

    terms: Terms
    until: datetime
    reason: str
    enterprises: list[str]


def in_words(whom: str, begun_before: datetime | None, count: int) -> str:
    """Say whom an act is for."""
    match whom:
        case "all":
            return "全部企业"
        case "drafts":
            assert begun_before is not None
            return f"{clock.show(begun_before)} 前已开始填写且尚未提交的 {count} 家企业"
        case "turned_away":
            return f"请求被婉拒或失败的 {count} 家企业"
    return f"名单所列的 {count} 家企业"


def proposed_in_words(proposal: Proposal) -> str:
    """Say whom a proposed act is for."""
    terms = Terms.model_validate(proposal.terms)
    return in_words(terms.whom, terms.begun_before, terms.count)


def digest(enterprises: Sequence[str]) -> str:
    """Return the SHA-256 of a class: its enterprises' codes in order, a line each."""
    return hashlib.sha256("".join(f"{one}\n" for one in enterprises).encode()).hexdigest()


async def propose(
    session: AsyncSession, known: Peers, actor: Actor, id: UUID, given: ClassExtensionInput
) -> Proposal:
    """Propose an act, which another person confirms; it takes the place of one that waits. What could not be made is refused as `extend` does."""
    _, act = await _judged(session, known, id, given)
    made = await proposals.propose(
        session, actor, "class_extension", id, until=act.until, reason=act.reason,
        terms=act.terms.model_dump(mode="json"),
    )  # fmt: skip
    record(
        session, actor, "propose_extension", round=str(id), act=str(made.id), until=act.until.isoformat(), reason=act.reason,
        enterprise=in_words(act.terms.whom, act.terms.begun_before, act.terms.count),
    )  # fmt: skip
    return made


async def confirm(session: AsyncSession, known: Peers, actor: Actor, proposal: Proposal) -> ClassExtension:
    """Make the act that somebody else proposed, for the class as it is now."""
    terms = Terms.model_validate(proposal.terms)
    assert proposal.until is not None
    given = ClassExtensionInput(
        whom=terms.whom,
        until=proposal.until,
        begun_before=terms.begun_before,
        enterprises=terms.enterprises,
        reason=proposal.reason,
    )
    return await extend(session, known, actor, proposal.target, given, proposed=proposal, measured=terms.measured)


async def extend(
    session: AsyncSession,
    known: Peers,
    actor: Actor,
    id: UUID,
    given: ClassExtensionInput,
    *,
    proposed: Proposal | None = None,
    measured: datetime | None = None,
) -> ClassExtension:
    """Extend the round for the class; nobody loses time that they had. `Invalid` names what keeps it from being made."""
    round_, act = await _judged(session, known, id, given, measured)
    terms, before = act.terms, round_.closes_at
    made = ClassExtension(
        id=proposed.id if proposed else uuid4(),
        round_id=id,
        whom=terms.whom,
        begun_before=terms.begun_before,
        until=act.until,
        reason=act.reason,
        enterprises=act.enterprises,
        sha256=digest(act.enterprises),
        confirmed_by=actor.account,
        confirmed_by_name=actor.name,
        confirmed_at=actor.received_at,
    )
    session.add(made)
    await session.flush()
    if terms.whom == "all":
        # Also whoever comes for the first time: the close itself.
        round_.closes_at = act.until
        round_.version += 1
    else:
        await session.execute(_giving(made))
    record(
        session, actor, "extend_round", round=str(id), act=str(made.id), until=act.until.isoformat(), reason=act.reason,
        enterprise=in_words(terms.whom, terms.begun_before, len(act.enterprises)),
        enterprises=len(act.enterprises), sha256=made.sha256,
        before=before.isoformat() if terms.whom == "all" else None, **proposals.said(proposed),
    )  # fmt: skip
    await session.flush()
    return made


async def of_round(session: AsyncSession, id: UUID) -> list[ClassExtension]:
    """Return a round's acts, oldest first."""
    query = select(ClassExtension).where(ClassExtension.round_id == id)
    return list(await session.scalars(query.order_by(ClassExtension.confirmed_at, ClassExtension.id)))


def view(act: ClassExtension) -> ClassExtensionView:
    """Return an act as the contract shows it."""
    return ClassExtensionView(
        id=act.id,
        said=in_words(act.whom, act.begun_before, len(act.enterprises)),
        until=act.until,
        reason=act.reason,
        enterprises=len(act.enterprises),
        sha256=act.sha256,
        by=act.confirmed_by_name,
        at=act.confirmed_at,
    )


async def _judged(
    session: AsyncSession, known: Peers, id: UUID, given: ClassExtensionInput, measured: datetime | None = None
) -> tuple[Round, _Act]:
    """Return the locked round, and the act with its class as it is now; `Conflict` or `Invalid` where it cannot be made."""
    found = await round_queries.round_(session, id)
    now = await session.scalar(select(func.clock_timestamp()))
    assert now is not None
    measured = measured or min(now, found.closes_at)
    # Asked before anything is locked: while a round is, nobody begins an application in it.
    away = await peers.turned_away(known, measured) if given.whom == "turned_away" else []
    round_ = await round_queries.round_(session, id, lock=True)
    if round_.published_at is None or now < round_.opens_at:
        raise Conflict("申报尚未开始，请直接修改批次的截止时间。", code=codes.NOT_PUBLISHED)
    until, reason, errors = given.until.replace(microsecond=0), given.reason.strip(), list[FieldError]()
    if until <= now:
        errors.append(FieldError(field="until", code=codes.IN_THE_PAST, message="补时应晚于现在"))
    elif until <= round_.closes_at:
        errors.append(FieldError(field="until", code=codes.BEFORE_CLOSING, message="补时应晚于批次的截止时间"))
    if not reason:
        errors.append(FieldError(field="reason", code=codes.REQUIRED, message="请填写补时的理由"))
    begun_before = given.begun_before if given.whom == "drafts" else None
    if given.whom == "drafts" and (begun_before is None or begun_before > now):
        errors.append(FieldError(field="begun_before", code=codes.NOT_TIME, message="请填写不晚于现在的时间"))
    listed, mistakes = _read(given.enterprises) if given.whom == "listed" else ([], [])
    errors += mistakes
    if errors:
        raise Invalid(errors)
    enterprises = sorted(await _class(session, round_, given.whom, begun_before, {*away, *listed}))
    if given.whom != "all":
        await _must_gain(session, round_, enterprises, until, begun_before, now)
    terms = Terms(
        whom=given.whom, begun_before=begun_before, enterprises=listed, measured=measured, count=len(enterprises)
    )
    return round_, _Act(terms, until, reason, enterprises)


def _read(given: Sequence[str]) -> tuple[list[str], list[FieldError]]:
    """Return the codes of a list in its order, each once, and what is wrong with it."""
    found: dict[str, None] = {}
    wrong: list[str] = []
    for text in given:
        try:
            found[uscc(text)] = None
        except ValueError as error:
            wrong.append(f"{text[:30]}：{error}")
    if wrong:
        told = "；".join(wrong[:TOLD_MISTAKES]) + (f"；等共 {len(wrong)} 处" if len(wrong) > TOLD_MISTAKES else "")
        return [], [FieldError(field="enterprises", code=codes.NOT_USCC, message=told)]
    if not found:
        return [], [FieldError(field="enterprises", code=codes.REQUIRED, message="请填写企业的统一社会信用代码")]
    return list(found), []


async def _class(
    session: AsyncSession, round_: Round, whom: Whom, begun_before: datetime | None, named: set[str]
) -> Collection[str]:
    """Return the enterprises of a class: those `named`, or those with an unsubmitted draft."""
    if whom in ("turned_away", "listed"):
        return named
    query = select(Application.enterprise).where(
        Application.round_id == round_.id, Application.state == State.DRAFT, Application.deleted_at.is_(None)
    )
    if begun_before is not None:
        query = query.where(Application.created_at < begun_before)
    return list(await session.scalars(query.distinct()))


async def _must_gain(
    session: AsyncSession,
    round_: Round,
    enterprises: Sequence[str],
    until: datetime,
    begun_before: datetime | None,
    now: datetime,
) -> None:
    """`Invalid` for a class of nobody, and for one of which nobody would have more time than before."""
    if not enterprises:
        said = "没有符合条件的企业"
        raise Invalid([FieldError(field="whom", code=codes.CLASS_EMPTY, message=said)], f"{said}，没有补时。")
    as_wide = and_(
        Extension.until >= until,
        or_(Extension.begun_before.is_(None), Extension.begun_before >= begun_before)
        if begun_before is not None
        else Extension.begun_before.is_(None),
    )
    query = select(Extension.enterprise).where(Extension.round_id == round_.id, Extension.until > now, as_wide)
    if not set(enterprises) - set(await session.scalars(query)):
        said = "这些企业已延期至该时间或更晚"
        raise Invalid(
            [FieldError(field="until", code=codes.EXTENSION_OVERLAPS, message=said)], f"{said}，没有补时。"
        )


def _giving(act: ClassExtension) -> Insert:
    """Build the statement that gives an act's time to each enterprise of its class. Where one has an extension that still runs, the wider of
    each holds: the later end, and every draft or the later beginning."""
    names = ("round_id", "enterprise", "until", "reason", "created_by", "begun_before", "act")
    rows = select(
        literal(act.round_id),
        func.unnest(literal(act.enterprises, ARRAY(Text))),
        literal(act.until, Extension.until.type),
        literal(act.reason),
        literal(act.confirmed_by),
        literal(act.begun_before, Extension.until.type),
        literal(act.id),
    )
    giving = insert(Extension).from_select(names, rows)
    new, runs = giving.excluded, Extension.until > func.clock_timestamp()
    # Late acceptance of the enterprise itself stays named as such.
    itself = and_(runs, Extension.act.is_(None))
    whole = and_(runs, or_(Extension.begun_before.is_(None), new.begun_before.is_(None)))
    return giving.on_conflict_do_update(
        index_elements=["round_id", "enterprise"],
        set_={
            "until": case((runs, func.greatest(Extension.until, new.until)), else_=new.until),
            "begun_before": case(
                (whole, null()),
                (runs, func.greatest(Extension.begun_before, new.begun_before)),
                else_=new.begun_before,
            ),
            "reason": case((itself, Extension.reason), else_=new.reason),
            "created_by": case((itself, Extension.created_by), else_=new.created_by),
            "act": case((itself, null()), else_=new.act),
        },
    )
