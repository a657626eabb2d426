"""Select rows of the audit of applications and rounds."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Select, or_, select

from services.applications.tables.applications import Audit
from shared import codes
from shared.errors import Malformed
from shared.http.query_params import instant, number


def rows_for(given: Mapping[str, str]) -> Select[Audit]:
    """Select rows newest first, narrowed by `actor` (an account, or a person's name), `action`, `application`, `since`, `until` and `cursor` where given;
    `Malformed` for what cannot be one."""
    query = select(Audit).order_by(Audit.id.desc())
    if actor := given.get("actor"):
        query = query.where(or_(Audit.actor == actor, Audit.actor_name == actor))
    if action := given.get("action"):
        query = query.where(Audit.action == action)
    if application := given.get("application"):
        try:
            query = query.where(Audit.application_id == UUID(application))
        except ValueError:
            raise Malformed("application 应为申请的标识。", code=codes.BAD_ID) from None
    if since := given.get("since"):
        query = query.where(Audit.at >= instant(since))
    if until := given.get("until"):
        query = query.where(Audit.at < instant(until))
    if cursor := given.get("cursor"):
        query = query.where(Audit.id < number(cursor, 2**62))
    return query
