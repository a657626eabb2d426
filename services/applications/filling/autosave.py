"""暂存: keep what was typed, unvalidated. It is asked for more often than everything else together, and takes the short way to the
database (`shared.direct`)."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from services.applications.core.codec import Codec
from services.applications.filling import autosave_sql
from services.applications.filling.filled_form import alone
from services.applications.filling.sections import Opened, must_be_editable, must_match, standing
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.filled import reading
from services.applications.forms.filled.checks import value_at
from services.applications.forms.filled.section_state import SectionNow
from services.applications.workflow import State
from shared.direct import driver
from shared.errors import NotFound
from shared.identity import Actor
from shared.text.typed_text import one_line


async def keep_draft(
    connection: AsyncConnection, codec: Codec, actor: Actor, id: UUID, key: str, etag: str, values: dict[str, Any]
) -> tuple[Opened, SectionNow, dict[str, Any]]:
    """The section, how it stands with what was typed, and that as it is kept. Raises only the section's tag."""
    direct = driver(connection)
    application, row, round_ = await autosave_sql.open_for_keeping(direct, actor, id, key)
    form = catalogue_form(application.fund_type, application.form_version)
    definition = form.section(key)
    if definition is None:
        raise NotFound("没有这份申报材料。", code="unknown_section")
    opened = Opened(application, form, definition, row, codec.of(id, application.wrapped_key, form))
    must_match(opened, etag)
    must_be_editable(opened, actor)
    typed = reading.draft(definition, values)
    await autosave_sql.keep(direct, row, opened.codec.seal(key, typed))
    if application.state == State.RETURNED:
        # A change after a return is seen by the reviewer: it can no longer be taken back.
        await autosave_sql.see_return(direct, application)
    elif application.revision == 0:
        # A draft goes by the name that was typed last, even if only kept so: its owner looks for that name.
        name = value_at(form.project_name, {key: values})
        if isinstance(name, str):
            await autosave_sql.rename(direct, application, one_line(name)[:100])
    if key in form.rules.alone:
        return opened, alone(form, round_, opened.codec, row).now(definition, typed), typed
    async with connection.begin(), AsyncSession(bind=connection) as session:
        return opened, await standing(session, opened), typed
