"""Show rounds as the public contract does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import proposals, round_queries
from services.applications.core.case import form_of
from services.applications.core.deadlines import accepts_until
from services.applications.core.moves import round_facts
from services.applications.core.views import wan
from services.applications.forms.authoring.round_needs import Need, needs
from services.applications.forms.definition import Form
from services.applications.forms.kinds import Choices
from services.applications.rounds import class_extensions
from services.applications.rounds.ceilings import ceilings
from services.applications.rounds.parameters import (
    CONFIRMATION,
    CONFIRMATION_ASKED,
    CONFIRMATION_LABEL,
    WORKING_DAYS,
    WORKING_DAYS_LABEL,
)
from services.applications.rounds.proposals import as_proposed
from services.applications.rounds.rehearsal import rehearse
from services.applications.rounds.succession import differences
from services.applications.tables.applications import Audit, Extension, Round
from shared.contract.applications import TimelineEntry
from shared.contract.rounds import ExtensionView, PreviousRound, RoundDetail, RoundNeed, RoundProposal, RoundView
from shared.identity import Actor

# No form names it, and no round must have it.
_WORKING_DAYS = RoundNeed(
    name=WORKING_DAYS,
    label=WORKING_DAYS_LABEL,
    unit="个工作日",
    help=None,
    kind="number",
    used_by=["退回补正时预设的补正期限"],
    missing=False,
    limits_money=False,
    chosen_from=None,
    choices=None,
    choices_from=None,
    may_be_none=False,
)
_CONFIRMATION = RoundNeed(
    name=CONFIRMATION,
    label=CONFIRMATION_LABEL,
    unit=None,
    help=None,
    kind="options",
    used_by=["提交申请前由申报单位自己核对"],
    missing=False,
    limits_money=False,
    chosen_from=CONFIRMATION_LABEL,
    choices=[CONFIRMATION_ASKED],
    choices_from=None,
    may_be_none=False,
)
# Audit actions in the office's words.
ACTIONS = {
    "create_round": "新建批次",
    "change_round": "修改批次",
    "publish_round": "发布批次",
    "close_round": "立即截止",
    "write_notice": "写申报通知",
    "attach_to_notice": "为申报通知上传文件",
    "extend_round": "单独延期",
    "propose_extension": "提出单独延期",
    "refuse_extension": "退回单独延期",
    "withdraw_extension": "撤回单独延期",
    "propose_round_change": "提出修改",
    "withdraw_round_change": "撤回修改",
}


def _state(round_: Round, at: datetime) -> str:
    if round_.published_at is None:
        return "unpublished"
    if at < round_.opens_at:
        return "coming"
    return "open" if at <= round_.closes_at else "closed"


def round_view(
    round_: Round, at: datetime, extension: Extension | None = None, *, reader: bool = False
) -> RoundView:
    """Return a round at this instant, for whoever has this extension; `reader`: for whoever may read rounds that are not published."""
    form = form_of(round_)
    until = accepts_until(round_, extension, at)
    return RoundView(
        id=round_.id,
        fund_type=round_.fund_type,
        fund_type_label=form.label,
        form_title=form.title,
        title=round_.title,
        form_version=round_.form_version,
        opens_at=round_.opens_at,
        closes_at=round_.closes_at,
        accepts_until=until,
        is_open=round_.published_at is not None and round_.opens_at <= at <= until,
        state=_state(round_, at),
        parameters=round_.parameters,
        ceilings=ceilings(form, round_.parameters),
        proposed=reader and round_.proposal is not None,
        notice=round_.notice,
    )


async def detail(session: AsyncSession, round_: Round, actor: Actor, *, by_two: bool) -> RoundDetail:
    """Return everything officers need to decide on a round; `by_two`: whoever drafted it does not publish it."""
    at = actor.received_at
    form = form_of(round_)
    order = {name: at for at, name in enumerate(form.parameters)}
    wanted = sorted(needs(form), key=lambda need: order.get(need.name, len(order)))
    choices = form.choices(round_facts(round_))
    history = await round_queries.round_history(session, round_.id)
    previous = await _previous(session, round_, history)
    return RoundDetail(
        **round_view(round_, at, reader=True).model_dump(),
        published_at=round_.published_at,
        drafted_by=round_.drafted_by_name,
        own=by_two and round_.published_at is None and round_.drafted_by == actor.account,
        version=round_.version,
        budget_wan=wan(round_.budget_wan),
        needs=[*(need_view(form, n, round_.parameters, choices) for n in wanted), _WORKING_DAYS, _CONFIRMATION],
        unused=sorted(round_.parameters.keys() - {n.name for n in wanted} - {WORKING_DAYS, CONFIRMATION}),
        extensions=[
            ExtensionView.model_validate(e, from_attributes=True)
            for e in await round_queries.extensions(session, round_.id)
        ],
        applications=await round_queries.counted_by_state(session, round_.id),
        history=[
            TimelineEntry(
                at=entry.at,
                action=entry.action,
                label=_label(entry),
                actor=entry.actor_name,
                from_state=None,
                to_state=None,
                details={k: v for k, v in entry.details.items() if k != "round"},
            )
            for entry in history
        ],
        previous=None
        if previous is None
        else PreviousRound(id=previous.id, title=previous.title, differences=differences(previous, round_)),
        proposal=_proposal(round_, actor),
        class_extensions=[
            class_extensions.view(act) for act in await class_extensions.of_round(session, round_.id)
        ],
        waiting_extensions=[
            proposals.as_waiting(p, actor, class_extensions.proposed_in_words(p) if p.terms else None)
            for p in await proposals.of_round(session, round_.id)
        ],
        made_up=[] if round_.published_at else rehearse(form, round_facts(round_), at),
    )


def _label(entry: Audit) -> str:
    label = ACTIONS.get(entry.action, entry.action)
    # The same acts for a class of enterprises have a name of their own.
    return label.replace("单独延期", "补时") if "act" in entry.details else label


def _proposal(round_: Round, actor: Actor) -> RoundProposal | None:
    if (found := round_.proposal) is None:
        return None
    return RoundProposal(
        by=found["by_name"],
        own=found["by"] == actor.account,
        at=datetime.fromisoformat(found["at"]),
        reason=found["reason"],
        differences=differences(round_, as_proposed(round_)),
    )


async def _previous(session: AsyncSession, round_: Round, history: Sequence[Audit]) -> Round | None:
    """Return the round that this one was made from, or the one that opened last before it."""
    follows = next((entry.details["follows"] for entry in history if "follows" in entry.details), None)
    return await (
        round_queries.round_(session, UUID(follows)) if follows else round_queries.previous(session, round_)
    )


def need_view(form: Form, need: Need, parameters: Mapping[str, Any], choices: Choices) -> RoundNeed:
    """Return a parameter that a form needs as those who set it meet it."""
    field, said = need.chosen_from, form.parameters.get(need.name)
    options = field.labels(choices) if field else {}
    return RoundNeed(
        name=need.name,
        label=form.parameter_label(need.name),
        unit=said.unit if said else None,
        help=said.help if said else None,
        kind=need.kind,
        used_by=list(need.used_by),
        missing=need.name not in parameters,
        limits_money=need.limits_money,
        chosen_from=field.label if field else None,
        choices=list(options) if field else None,
        choices_from=field.options_from if field and field.options_from in parameters else None,
        may_be_none=field is not None or need.kind in ("number", "date"),
    )
