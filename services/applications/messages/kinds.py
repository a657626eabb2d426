"""Name the kinds of what the bureau's people and the experts are told, and who can be told of each. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from shared.contract.messages import MessageKind
from shared.identity import Actor, Role
from shared.roles import DIRECTOR, EXPERT, REVIEWER, ROUND_PUBLISHERS, TOLD

DESK = REVIEWER | DIRECTOR


@dataclass(frozen=True)
class Kind:
    """Its words, and the roles of which somebody can be told of it. `chosen`: whether one may refuse it and choose its way."""

    label: str
    roles: frozenset[Role]
    chosen: bool = True


KINDS: dict[MessageKind, Kind] = {
    "assigned": Kind("分配给我办理", DESK),
    "resubmitted": Kind("申报单位再次提交", DESK),
    "overdue": Kind("办理已超时限", DESK),
    "unlock_asked": Kind("申报单位申请开放材料", DESK),
    "mention": Kind("在内部备注中提醒我", DESK),
    "asked": Kind("征求我的意见", DESK),
    "answered": Kind("答复了我的征求意见", DESK),
    "to_score": Kind("请我评审", EXPERT),
    "score_due": Kind("评审期限将至", EXPERT),
    "score_late": Kind("评审已逾期", EXPERT),
    "expert_late": Kind("专家逾期未评分", DESK),
    "late_asked": Kind("延期、补时待复核", ROUND_PUBLISHERS),
    "mail_parked": Kind("通知未能送达申报单位", DESK),
    # What cannot be mailed, and must be known.
    "own_mail": Kind("发给我的邮件未能送达", TOLD, chosen=False),
}


def label(kind: str) -> str:
    """Return a kind's words."""
    found = KINDS.get(cast(MessageKind, kind))
    return found.label if found else kind


def kinds_of(actor: Actor) -> list[MessageKind]:
    """Return the kinds of which somebody can be told and which they may choose: an expert only those about scoring."""
    return [kind for kind, one in KINDS.items() if one.chosen and actor.roles & one.roles]


def concerns(kind: str, roles: Collection[str]) -> bool:
    """Tell whether a kind still concerns somebody with these roles."""
    found = KINDS.get(cast(MessageKind, kind))
    return found is not None and bool(found.roles & {Role(role) for role in roles})
