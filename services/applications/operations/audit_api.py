"""The audit of applications and rounds, for auditors."""

from uuid import UUID

from aiohttp import web
from sqlalchemy import select

from services.applications.core.context import transaction
from services.applications.core.labels import ACTIONS
from services.applications.operations.audit_schemas import AuditEntry, AuditPage
from services.applications.tables.applications import Audit
from shared.errors import Malformed
from shared.http.app import answer
from shared.http.query_params import instant, number

MAX_LIMIT = 500


async def read_audit(request: web.Request) -> web.Response:
    """Rows newest first, filtered by account, action, application and time; paged by `cursor`."""
    query, asked = select(Audit), request.query
    if actor := asked.get("actor"):
        query = query.where(Audit.actor == actor)
    if action := asked.get("action"):
        query = query.where(Audit.action == action)
    if application := asked.get("application"):
        try:
            query = query.where(Audit.application_id == UUID(application))
        except ValueError:
            raise Malformed("application 应为申请的标识。", code="bad_id") from None
    if since := asked.get("since"):
        query = query.where(Audit.at >= instant(since))
    if until := asked.get("until"):
        query = query.where(Audit.at < instant(until))
    if cursor := asked.get("cursor"):
        query = query.where(Audit.id < number(cursor, 2**62))
    limit = number(asked.get("limit", "50"), MAX_LIMIT)
    async with transaction(request) as session:
        rows = (await session.scalars(query.order_by(Audit.id.desc()).limit(limit + 1))).all()
    items = [
        AuditEntry(
            id=row.id,
            at=row.at,
            actor=row.actor,
            actor_name=row.actor_name,
            role=row.role,
            action=row.action,
            label=ACTIONS.get(row.action, row.action),
            application_id=row.application_id,
            from_state=row.from_state,
            to_state=row.to_state,
            address=row.address,
            result=row.result,
            request_id=row.request_id,
            details=row.details,
        )
        for row in rows[:limit]
    ]
    return answer(AuditPage(items=items, next_cursor=str(items[-1].id) if len(rows) > limit else None))
