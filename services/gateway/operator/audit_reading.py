"""Read the audit of accounts, for the API and the page."""

from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime, BaseModel
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts.models import Account, Audit
from shared.http.query_params import instant, number

MAX_LIMIT = 500
LABELS = {
    "sign_in": "登录",
    "sign_in_failed": "登录失败",
    "sign_in_refused": "登录被拒绝",
    "sign_out": "退出",
    "sessions_ended": "退出其它登录",
    "provider_sign_out": "认证平台退出登录",
    "provider_sign_out_refused": "认证平台的退出通知被拒绝",
    "second_factor": "双因素认证通过",
    "second_factor_failed": "双因素认证失败",
    "factor_reset": "重置双因素认证",
    "staff_set": "设置工作人员角色",
    "staff_disabled": "停用账号",
    "staff_enabled": "启用账号",
    "access_refused": "越权访问被拒绝",
    "mail_address_asked": "登记接收邮件的邮箱",
    "mail_address_confirmed": "验证接收邮件的邮箱",
    "mail_address_removed": "删除接收邮件的邮箱",
    "consent": "同意个人信息处理告知",
    "own_data_exported": "导出本人信息",
    "administration_begun": "成为单位管理员",
    "member_changed": "设置成员权限",
    "invitation_made": "邀请人员",
    "invitation_accepted": "接受邀请",
    "invitation_refused": "邀请未能接受",
    "invitation_ended": "收回邀请",
    "phone_link_made": "生成手机上传链接",
    "phone_link_ended": "停用手机上传链接",
    "phone_link_refused": "手机上传链接被另一部手机使用",
    "audit_exported": "导出审计记录",
    "letters_exported": "导出发文登记簿",
    "keys_rotated": "更换密钥",
    "retention": "保存期限届满，删除资料",
}


class AccountEntry(BaseModel):
    id: int
    at: AwareDatetime
    actor: str | None
    # Who has the account, and the unit it belongs to; null where nobody is known by it, and for the bureau's own.
    actor_name: str | None
    unit: str | None
    action: str
    label: str
    address: str
    result: str
    request_id: str
    details: dict[str, Any]


class AccountAudit(BaseModel):
    items: list[AccountEntry]
    next_cursor: str | None


async def rows(session: AsyncSession, asked: Mapping[str, str]) -> AccountAudit:
    """A page of rows, newest first, by `actor` (an account, or the name of a person or a unit), `action`, `since`, `until`, `cursor` and
    `limit`."""
    query = select(Audit, Account.name, Account.enterprise_name).outerjoin(
        Account, Account.subject == Audit.subject
    )
    if actor := asked.get("actor"):
        named = select(Account.subject).where(or_(Account.name == actor, Account.enterprise_name == actor))
        query = query.where(or_(Audit.subject == actor, Audit.subject.in_(named)))
    if action := asked.get("action"):
        query = query.where(Audit.action == action)
    if since := asked.get("since"):
        query = query.where(Audit.at >= instant(since))
    if until := asked.get("until"):
        query = query.where(Audit.at < instant(until))
    if cursor := asked.get("cursor"):
        query = query.where(Audit.id < number(cursor, 2**62))
    limit = number(asked.get("limit", "50"), MAX_LIMIT)
    found = (await session.execute(query.order_by(Audit.id.desc()).limit(limit + 1))).all()
    items = [
        AccountEntry(
            id=row.id,
            at=row.at,
            actor=row.subject,
            actor_name=name,
            unit=unit,
            action=row.action,
            label=LABELS.get(row.action, row.action),
            address=row.address,
            result=row.result,
            request_id=row.request_id,
            details=row.details,
        )
        for row, name, unit in found[:limit]
    ]
    return AccountAudit(items=items, next_cursor=str(items[-1].id) if len(found) > limit else None)
