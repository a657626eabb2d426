"""Publish a form from the shell as 表单工作台 does: by the same use case, into the same table, with the same rows of the audit."""

import asyncio
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.forms import catalogue
from services.applications.forms.definition import Form
from services.applications.settings import ApplicationsSettings
from services.applications.workbench import drafts, publication, reading
from shared import clock
from shared.database import in_transaction
from shared.identity import Actor, Role


def publish(settings: ApplicationsSettings, file: Path, form: Form, name: str) -> str:
    """Propose a form, and publish it where one person may; what became of it, in words."""
    text = file.read_text(encoding="utf-8-sig")
    if settings.forms_folder:
        catalogue.also(Path(settings.forms_folder))
    who = Actor(account=f"shell:{name}", name=name, roles=frozenset({Role.FORM_EDITOR}), received_at=clock.now())

    async def work(session: AsyncSession) -> str:
        draft = await drafts.bring(session, who, form.fund_type, form.version, text)
        verdict = reading.verdict(draft.text, draft.examples)
        await publication.propose(session, who, form.fund_type, str(draft.version), "", verdict)
        if settings.forms_by_two:
            return f"{form.fund_type} 第 {form.version} 版已提出发布，由另一位表单编制人员在表单工作台核对后发布"
        made = await publication.publish(session, who, form.fund_type, str(draft.version), verdict, by_two=False)
        return f"{form.fund_type} 第 {made.version} 版已发布，{made.sha256}"

    return asyncio.run(in_transaction(settings, work))
