"""Serve the audit of applications and rounds to auditors."""

from aiohttp import web

from services.applications.core.context import transaction
from services.applications.core.labels import ACTIONS
from services.applications.operations.audit_queries import rows_for
from shared.contract.operations import AuditEntry, AuditPage
from shared.http.app import answer
from shared.http.query_params import number

MAX_LIMIT = 500


async def read_audit(request: web.Request) -> web.Response:
    """Rows newest first, filtered by account, action, application and time; paged by `cursor`."""
    query = rows_for(request.query)
    limit = number(request.query.get("limit", "50"), MAX_LIMIT)
    async with transaction(request) as session:
        rows = (await session.scalars(query.limit(limit + 1))).all()
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
