"""Tell what is saved now against the latest submission."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.codec import SectionCodec
from services.applications.filling.filled_form import Filled
from services.applications.submission.asked_changes import asked_between
from services.applications.submission.changes import changes
from services.applications.tables.applications import Application
from services.applications.workflow import EDITABLE
from shared.contract.submission import Change


async def pending_changes(
    session: AsyncSession, application: Application, codec: SectionCodec, filled: Filled
) -> list[Change]:
    """Return every difference; empty before the first submission, and while nothing can be changed."""
    if not application.revision or application.state not in EDITABLE:
        return []
    last = await repository.revision(session, application.id, application.revision)
    before = {k: codec.open(k, v) for k, v in last.content["sections"].items()}
    asked = await asked_between(session, application.id, application.revision, application.revision + 1)
    # As a submission would freeze it: nothing hidden, computed values included.
    return changes(filled.form, before, filled.effective(), asked)
