"""Define the states of an application and every move between them: one table of data, and the guards it names.

Pure: a guard looks at `Facts` and nothing else. What a person may do is computed from the guards, never from
the state alone. The words are those of the 2024-05 manual; states after 退回补正 are our own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from shared import codes
from shared.errors import Conflict, NotAllowed
from shared.identity import Role


class State(StrEnum):
    DRAFT = "draft"
    PENDING_ACCEPTANCE = "pending_acceptance"
    RETURNED = "returned"
    LAPSED = "lapsed"
    FORM_REVIEW = "form_review"
    EXPERT_REVIEW = "expert_review"
    DECISION = "decision"
    PROPOSED = "proposed"
    PUBLICITY = "publicity"
    APPROVED = "approved"
    REJECTED = "rejected"


LABELS = {
    State.DRAFT: "待提交",
    State.PENDING_ACCEPTANCE: "待纳批",
    State.RETURNED: "退回补正",
    State.LAPSED: "逾期未补正",
    State.FORM_REVIEW: "形式审查中",
    State.EXPERT_REVIEW: "专家评审中",
    State.DECISION: "待审定",
    State.PROPOSED: "拟支持",
    State.PUBLICITY: "公示中",
    State.APPROVED: "已批复",
    State.REJECTED: "不予支持",
}


def as_applicants_read(state: State) -> State:
    """Return the state that the applicant reads: what is 拟支持 and not published yet is the bureau's own business."""
    return State.DECISION if state is State.PROPOSED else state


# States in which the applicant may change sections.
EDITABLE = frozenset({State.DRAFT, State.RETURNED})
# States that nothing leads out of.
ENDED = frozenset({State.APPROVED, State.REJECTED, State.LAPSED})


class Action(StrEnum):
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    DELETE = "delete"
    ACCEPT = "accept"
    RETURN = "return"
    RECALL = "recall"
    LAPSE = "lapse"
    EXTEND = "extend"
    PASS = "pass"  # noqa: S105 (the name of an action, no password)
    REFUSE = "refuse"
    CONCLUDE = "conclude"
    PROPOSE = "propose"
    RECONSIDER = "reconsider"
    PUBLISH = "publish"
    TAKE_OFF = "take_off"
    DECLINE = "decline"
    APPROVE = "approve"


class Place(StrEnum):
    """Destinations that depend on where the application came from, or on how the office publishes."""

    SUBMITTED_FROM = "the state it was submitted from"
    RETURNED_FROM = "the state it was returned from"
    HIDDEN = "hidden"
    PROPOSED_TO = "拟支持, or 公示 where the office publishes case by case"


@dataclass(frozen=True)
class Facts:
    """All a guard may look at. Instants are aware; `at` is when the gateway received the request."""

    state: State
    at: datetime
    actor: str = ""
    submitted_from: State | None = None
    returned_from: State | None = None
    # The round's window, and the latest instant this enterprise may submit (the close, or its extension).
    opens_at: datetime | None = None
    accepts_until: datetime | None = None
    closes_at: datetime | None = None
    correct_by: datetime | None = None
    unanswered: int = 0
    seen_since_return: bool = False
    lease_holder: str | None = None
    lease_name: str = ""
    # The actor's own lease has run out, and nobody has taken the case since.
    lease_ended: bool = False
    # The actor is the case's assignee.
    assigned: bool = False
    all_scored: bool = False
    publicity_until: datetime | None = None
    # The office publishes each case by itself, with the decision.
    published_singly: bool = False
    # Whose text and list are published; nobody's where a case is published by itself.
    drafted_by: str = ""
    # Who proposed the move, where a second person confirms it; empty where one person is enough.
    proposed_by: str = ""
    # Objections that nobody has answered yet.
    objections: int = 0
    # Opinions noted for a return that has not been made.
    noted: int = 0
    applied_wan: Decimal | None = None
    # What the round's budget has left; none where it has no budget.
    budget_left: Decimal | None = None
    # What the request itself brings.
    opinions: int = 0
    reason: str = ""
    deadline: datetime | None = None
    amount_wan: Decimal | None = None


@dataclass(frozen=True)
class Refusal:
    """Why a guard says no: a stable code and a sentence for the person."""

    code: str
    message: str


Guard = Callable[[Facts], Refusal | None]


def round_open(f: Facts) -> Refusal | None:
    if f.opens_at and f.at < f.opens_at:
        return Refusal(codes.ROUND_NOT_OPEN, "本批次尚未开始申报。")
    if f.accepts_until is None or f.at > f.accepts_until:
        return Refusal(codes.ROUND_CLOSED, "本批次申报已截止。")
    return None


def correction_over(correct_by: datetime | None, at: datetime) -> bool:
    """Tell whether a correction deadline had passed at an instant; nothing can be corrected without a deadline."""
    return correct_by is None or at > correct_by


def within_correction(f: Facts) -> Refusal | None:
    if correction_over(f.correct_by, f.at):
        return Refusal(codes.CORRECTION_OVERDUE, "补正期限已过。")
    return None


def opinions_answered(f: Facts) -> Refusal | None:
    return Refusal(codes.OPINIONS_OPEN, f"还有 {f.unanswered} 条退回意见未答复。") if f.unanswered else None


def first_submission_before_close(f: Facts) -> Refusal | None:
    if f.submitted_from is State.DRAFT and f.closes_at and f.at > f.closes_at:
        return Refusal(codes.ROUND_CLOSED, "申报截止后不能撤销首次提交的申请。")
    return None


def correction_before_deadline(f: Facts) -> Refusal | None:
    # It would fall back to a state that can no longer be left but by lapsing.
    if f.submitted_from is State.RETURNED and within_correction(f) is not None:
        return Refusal(codes.CORRECTION_OVERDUE, "补正期限已过，撤销后将无法再次提交，因此不能撤销。")
    return None


def holds_lease(f: Facts) -> Refusal | None:
    if f.assigned and f.lease_holder in (None, f.actor):
        # One's own case, which nobody else has taken: its assignee goes on.
        return None
    if f.lease_ended:
        return Refusal(codes.LEASE_EXPIRED, "您的办理时限已到，请重新领取后再办理；已填写的内容仍在本页。")
    if f.lease_holder is None:
        return Refusal(codes.LEASE_MISSING, "请先领取该申请再办理。")
    if f.lease_holder != f.actor:
        return Refusal(codes.LEASE_HELD, f"该申请正由{f.lease_name or '其他审核人员'}办理。")
    return None


def has_opinion(f: Facts) -> Refusal | None:
    return None if f.opinions else Refusal(codes.OPINION_REQUIRED, "退回补正须至少填写一条意见。")


def has_deadline(f: Facts) -> Refusal | None:
    if f.deadline is None or f.deadline <= f.at:
        return Refusal(codes.DEADLINE_REQUIRED, "请填写晚于当前时间的补正期限。")
    return None


def has_reason(f: Facts) -> Refusal | None:
    return None if f.reason.strip() else Refusal(codes.REASON_REQUIRED, "请填写理由。")


def unseen(f: Facts) -> Refusal | None:
    return Refusal(codes.ALREADY_SEEN, "申报单位已查看或修改，不能撤回退回。") if f.seen_since_return else None


def overdue(f: Facts) -> Refusal | None:
    return None if within_correction(f) else Refusal(codes.NOT_OVERDUE, "补正期限未到。")


def scored(f: Facts) -> Refusal | None:
    return None if f.all_scored else Refusal(codes.SCORES_MISSING, "专家评分尚未全部完成。")


def amount_within_applied(f: Facts) -> Refusal | None:
    if f.amount_wan is None or f.amount_wan <= 0:
        return Refusal(codes.AMOUNT_REQUIRED, "请填写拟支持金额（万元）。")
    if f.applied_wan is not None and f.amount_wan > f.applied_wan:
        return Refusal(codes.AMOUNT_TOO_HIGH, "拟支持金额不能超过申请金额。")
    return None


def amount_within_budget(f: Facts) -> Refusal | None:
    if f.budget_left is not None and f.amount_wan is not None and f.amount_wan > f.budget_left:
        return Refusal(codes.BUDGET_EXCEEDED, f"本批次预算余额为 {f.budget_left:,.2f} 万元，拟支持金额超出余额。")
    return None


def nothing_noted(f: Facts) -> Refusal | None:
    if f.noted:
        return Refusal(codes.OPINIONS_NOTED, f"还有 {f.noted} 条意见尚未发出，请先退回补正，或删除这些意见。")
    return None


def second_person(f: Facts) -> Refusal | None:
    if f.drafted_by == f.actor:
        return Refusal(codes.SECOND_PERSON, "名单由您拟定或最后修改，须由另一位审定人员发布。")
    return None


def confirmed_by_another(f: Facts) -> Refusal | None:
    if f.proposed_by and f.proposed_by == f.actor:
        return Refusal(codes.SECOND_PERSON, "延期由您提出，须由另一位审核人员确认。")
    return None


def objections_settled(f: Facts) -> Refusal | None:
    return Refusal(codes.OBJECTIONS_OPEN, f"还有 {f.objections} 条异议尚未处理。") if f.objections else None


def publicity_over(f: Facts) -> Refusal | None:
    if f.publicity_until is None or f.at < f.publicity_until:
        return Refusal(codes.PUBLICITY_RUNNING, "公示期未满。")
    return None


@dataclass(frozen=True)
class Rule:
    """One line of the table."""

    to: State | Place
    by: Role
    guards: tuple[Guard, ...] = field(default=())


S, A = State, Action
TABLE: dict[tuple[State, Action], Rule] = {
    (S.DRAFT, A.SUBMIT): Rule(S.PENDING_ACCEPTANCE, Role.APPLICANT, (round_open,)),
    (S.RETURNED, A.SUBMIT): Rule(S.PENDING_ACCEPTANCE, Role.APPLICANT, (within_correction, opinions_answered)),
    (S.PENDING_ACCEPTANCE, A.WITHDRAW): Rule(
        Place.SUBMITTED_FROM, Role.APPLICANT, (first_submission_before_close, correction_before_deadline)
    ),
    (S.DRAFT, A.DELETE): Rule(Place.HIDDEN, Role.APPLICANT),
    (S.PENDING_ACCEPTANCE, A.ACCEPT): Rule(S.FORM_REVIEW, Role.REVIEWER, (holds_lease,)),
    (S.PENDING_ACCEPTANCE, A.RETURN): Rule(S.RETURNED, Role.REVIEWER, (holds_lease, has_opinion, has_deadline)),
    (S.FORM_REVIEW, A.RETURN): Rule(S.RETURNED, Role.REVIEWER, (holds_lease, has_opinion, has_deadline)),
    (S.RETURNED, A.RECALL): Rule(Place.RETURNED_FROM, Role.REVIEWER, (unseen,)),
    (S.RETURNED, A.LAPSE): Rule(S.LAPSED, Role.SYSTEM, (overdue,)),
    (S.RETURNED, A.EXTEND): Rule(S.RETURNED, Role.REVIEWER, (has_deadline, has_reason, confirmed_by_another)),
    (S.LAPSED, A.EXTEND): Rule(S.RETURNED, Role.REVIEWER, (has_deadline, has_reason, confirmed_by_another)),
    (S.FORM_REVIEW, A.PASS): Rule(S.EXPERT_REVIEW, Role.REVIEWER, (holds_lease, nothing_noted)),
    (S.FORM_REVIEW, A.REFUSE): Rule(S.REJECTED, Role.REVIEWER, (has_reason,)),
    (S.EXPERT_REVIEW, A.CONCLUDE): Rule(S.DECISION, Role.SYSTEM, (scored,)),
    (S.DECISION, A.PROPOSE): Rule(Place.PROPOSED_TO, Role.DIRECTOR, (amount_within_applied, amount_within_budget)),
    (S.DECISION, A.DECLINE): Rule(S.REJECTED, Role.DIRECTOR, (has_reason,)),
    (S.PROPOSED, A.PUBLISH): Rule(S.PUBLICITY, Role.DIRECTOR, (second_person,)),
    (S.PROPOSED, A.RECONSIDER): Rule(S.DECISION, Role.DIRECTOR, (has_reason,)),
    (S.PROPOSED, A.DECLINE): Rule(S.REJECTED, Role.DIRECTOR, (has_reason,)),
    (S.PUBLICITY, A.TAKE_OFF): Rule(S.DECISION, Role.DIRECTOR, (has_reason,)),
    (S.PUBLICITY, A.DECLINE): Rule(S.REJECTED, Role.DIRECTOR, (has_reason,)),
    (S.PUBLICITY, A.APPROVE): Rule(S.APPROVED, Role.DIRECTOR, (second_person, publicity_over, objections_settled)),
}


def move(facts: Facts, action: Action, roles: frozenset[Role]) -> State | None:
    """Return where `action` leads, or None when it hides the application.

    `Conflict` when the state has no such move or a guard refuses; `NotAllowed` when it is somebody else's.
    """
    if not any(rule.by in roles for (_, its), rule in TABLE.items() if its is action):
        raise NotAllowed
    rule = TABLE.get((facts.state, action))
    if rule is None:
        raise Conflict(f"当前状态为“{LABELS[facts.state]}”，不能执行此操作。", code=codes.WRONG_STATE)
    for guard in rule.guards:
        if refusal := guard(facts):
            raise Conflict(refusal.message, code=refusal.code)
    match rule.to:
        case Place.HIDDEN:
            return None
        case Place.SUBMITTED_FROM:
            return facts.submitted_from or State.DRAFT
        case Place.RETURNED_FROM:
            return facts.returned_from or State.PENDING_ACCEPTANCE
        case Place.PROPOSED_TO:
            return State.PUBLICITY if facts.published_singly else State.PROPOSED
        case State():
            return rule.to


def allows(facts: Facts, action: Action, role: Role) -> bool:
    """Tell whether the move would be made for this role now."""
    try:
        move(facts, action, frozenset({role}))
    except (Conflict, NotAllowed):
        return False
    return True


def applicant_actions(facts: Facts) -> list[str]:
    """Return what the applicant's list offers, in the manual's order (figures 5 and 11).

    `submit` is offered while the state and the deadline allow it; what is still missing in the sections is
    said when it is pressed, with every reason at once.
    """
    if facts.state is State.DRAFT:
        # The table's 继续申报 and 删除申请, whether or not it was ever submitted: a withdrawn paper is no application.
        return ["edit", *(["submit"] if round_open(facts) is None else []), "delete"]
    if facts.state is State.RETURNED:
        can_submit = within_correction(facts) is None
        return ["pdf", "correct", "opinions", *(["submit"] if can_submit else [])]
    if facts.state is State.LAPSED:
        return ["pdf", "view", "opinions"]
    actions = ["pdf", "view"]
    if allows(facts, Action.WITHDRAW, Role.APPLICANT):
        actions.append("withdraw")
    return actions


REVIEW_ACTIONS = (
    Action.ACCEPT,
    Action.RETURN,
    Action.PASS,
    Action.REFUSE,
    Action.PROPOSE,
    Action.RECONSIDER,
    Action.TAKE_OFF,
    Action.DECLINE,
    Action.APPROVE,
    Action.RECALL,
    Action.EXTEND,
)


def staff_actions(facts: Facts, roles: frozenset[Role]) -> list[str]:
    """Return what a member of staff finds in the table for this state; guards speak when it is pressed, because most
    of them look at what the request brings."""
    return [
        action.value
        for action in REVIEW_ACTIONS
        if (rule := TABLE.get((facts.state, action))) is not None and rule.by in roles
    ]
