"""Tell what was decided of applications: read from the move that led into their state, with the letter that says it."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Application, Audit
from services.applications.tables.decision import Letter
from services.applications.workflow import Action, State
from shared.contract.decided import Decided, DecidedLetter
from shared.identity import Actor, Role
from shared.roles import STAFF
from shared.text.capitals import in_words

CONTACT = "业务咨询：010-85235981"
AGAIN = f"本次申报已经办结，不能再修改或提交；符合条件的，可以在以后的批次重新申报。{CONTACT}。"
# What each decision is called, and what comes next.
LABELS = {
    Action.PROPOSE: "拟支持",
    Action.PUBLISH: "拟支持",
    Action.TAKE_OFF: "撤出公示",
    Action.APPROVE: "批复，同意支持",
    Action.DECLINE: "不予支持",
    Action.REFUSE: "不予受理",
    Action.LAPSE: "逾期未补正",
}
PUBLISHED = "公示期满，无异议或异议不成立的，予以批复，并发送批复通知书。"
NEXT = {
    Action.PROPOSE: PUBLISHED,
    Action.PUBLISH: PUBLISHED,
    Action.TAKE_OFF: "该项目将重新审定，结果另行通知。",
    Action.APPROVE: "请按照批复通知书使用资金，专款专用，单独核算。",
    Action.DECLINE: AGAIN,
    Action.REFUSE: AGAIN,
    Action.LAPSE: f"补正期限已过，不能再修改或提交。确需延长补正期限的，请联系受理部门。{CONTACT}。",
}
# The kind of letter that tells a state.
_LETTERS = {State.APPROVED: "approve", State.REJECTED: "reject", State.LAPSED: "return"}
# 待审定 for what was taken off its 公示.
_DECIDED = frozenset({State.DECISION, State.PROPOSED, State.PUBLICITY, *_LETTERS})


async def decided(session: AsyncSession, applications: Sequence[Application], actor: Actor) -> dict[UUID, Decided]:
    """Return what was decided, by application, of those that came to a decision or an end. The enterprise and the bureau are told;
    an expert is not; 拟支持 before it is published is the bureau's alone."""
    outside = not actor.roles & STAFF
    told = _DECIDED - {State.PROPOSED} if outside else _DECIDED
    ended = {a.id: a for a in applications if State(a.state) in told}
    if not ended or not (actor.is_a(Role.APPLICANT) or actor.roles & STAFF):
        return {}
    latest = (
        select(func.max(Audit.id))
        .where(Audit.application_id.in_(ended), Audit.to_state.is_not(None))
        .group_by(Audit.application_id)
    )
    moves = await session.scalars(select(Audit).where(Audit.id.in_(latest)))
    letters = await _letters(session, ended)
    return {
        move.application_id: _decided(ended[move.application_id], move, letters.get(move.application_id))
        for move in moves
        if move.application_id is not None and move.action in LABELS
    }


async def _letters(session: AsyncSession, ended: dict[UUID, Application]) -> dict[UUID, Letter]:
    """Return the letter that tells each application's state, the latest where there are several."""
    written = await session.scalars(
        select(Letter)
        .where(Letter.application_id.in_(ended), Letter.recalled_at.is_(None))
        .order_by(Letter.issued_at, Letter.number)
    )
    return {
        letter.application_id: letter
        for letter in written
        if letter.application_id is not None
        and letter.kind == _LETTERS.get(State(ended[letter.application_id].state))
    }


def _decided(application: Application, move: Audit, letter: Letter | None) -> Decided:
    action = Action(move.action)
    amount: Decimal | None = application.approved_wan
    publicity = State(application.state) is State.PUBLICITY
    return Decided(
        action=action.value,
        label=LABELS[action],
        at=move.at,
        amount_wan=None if amount is None else f"{amount:.2f}",
        amount_words=None if amount is None else in_words(amount),
        reason=move.details.get("reason") or "",
        publicity_from=application.publicity_from if publicity else None,
        publicity_until=application.publicity_until if publicity else None,
        announcement=move.details.get("announcement") if publicity else None,
        missed=application.correct_by if action is Action.LAPSE else None,
        next=NEXT[action]
        if application.state != State.PROPOSED
        else "列入名单、由另一位审定人员发布公示后，对外公开并通知申报单位。",
        letter=DecidedLetter(id=letter.id, name=letter.name, reference=letter.reference) if letter else None,
    )
