"""Show rounds as the public contract does."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import round_queries
from services.applications.core.case import form_of
from services.applications.core.views import wan
from services.applications.forms.authoring.round_needs import needs
from services.applications.tables.applications import Extension, Round
from shared.contract.applications import TimelineEntry
from shared.contract.rounds import ExtensionView, RoundDetail, RoundNeed, RoundView

# Audit actions in the office's words.
ACTIONS = {
    "create_round": "新建批次",
    "change_round": "修改批次",
    "publish_round": "发布批次",
    "close_round": "立即截止",
    "extend_round": "单独延期",
}


def _state(round_: Round, at: datetime) -> str:
    if round_.published_at is None:
        return "unpublished"
    if at < round_.opens_at:
        return "coming"
    return "open" if at <= round_.closes_at else "closed"


def round_view(round_: Round, at: datetime, extension: Extension | None = None) -> RoundView:
    """Return a round at this instant, for whoever has this extension."""
    form = form_of(round_)
    until = round_.closes_at if extension is None else max(round_.closes_at, extension.until)
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
    )


async def detail(session: AsyncSession, round_: Round, at: datetime) -> RoundDetail:
    """Return everything operators need to decide on a round."""
    wanted = needs(form_of(round_))
    return RoundDetail(
        **round_view(round_, at).model_dump(),
        published_at=round_.published_at,
        version=round_.version,
        budget_wan=wan(round_.budget_wan),
        needs=[
            RoundNeed(name=n.name, kind=n.kind, used_by=list(n.used_by), missing=n.name not in round_.parameters)
            for n in wanted
        ],
        unused=sorted(round_.parameters.keys() - {n.name for n in wanted}),
        extensions=[
            ExtensionView.model_validate(e, from_attributes=True)
            for e in await round_queries.extensions(session, round_.id)
        ],
        applications=await round_queries.counted_by_state(session, round_.id),
        history=[
            TimelineEntry(
                at=entry.at,
                action=entry.action,
                label=ACTIONS.get(entry.action, entry.action),
                actor=entry.actor_name,
                from_state=None,
                to_state=None,
                details={k: v for k, v in entry.details.items() if k != "round"},
            )
            for entry in await round_queries.round_history(session, round_.id)
        ],
    )
