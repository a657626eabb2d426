"""Keep the examples of a draft: each is judged whenever the draft is looked at, and stands beside the version that is published."""

from datetime import date
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.moves import round_facts
from services.applications.forms.authoring import examples
from services.applications.forms.definition import RoundFacts
from services.applications.tables.applications import Application
from services.applications.tables.forms import FormDraft
from services.applications.workbench import queries
from services.applications.workbench.drafts import changed_by, must_match
from services.applications.workbench.reading import KeptExample, as_yaml
from shared import clock, codes
from shared.contract.workbench import FormExample
from shared.errors import Conflict, FieldError, Invalid, NotAllowed, NotFound
from shared.identity import Actor
from shared.roles import STAFF

MOST = 30
_KEPT = TypeAdapter(list[KeptExample])


def kept(draft: FormDraft) -> list[KeptExample]:
    """Return a draft's examples."""
    return _KEPT.validate_json(draft.examples)


async def of_application(session: AsyncSession, actor: Actor, number: str) -> tuple[str, RoundFacts, date]:
    """Return an application's last submission as an example's values, without persons and texts, with its round and its day. Only for whoever may read
    applications; each use is recorded."""
    if not actor.roles & STAFF:
        raise NotAllowed("按真实申请制作样例，须同时有查看申请的权限。")
    query = select(Application).where(Application.number == number, repository.visible_to(actor))
    application = await session.scalar(query)
    if application is None:
        raise NotFound("没有这个编号的申请。")
    revision = await repository.revision(session, application.id, application.revision)
    values = examples.without_persons(form_of(application), revision.content["sections"])
    round_, _, _ = await repository.around(session, application)
    record(session, actor, "example_of_application", application_id=application.id, submitted=revision.number)
    return as_yaml(values), round_facts(round_), clock.date_of(revision.received_at)


async def add(
    session: AsyncSession,
    actor: Actor,
    fund_type: str,
    seen: str,
    given: FormExample,
    made: tuple[str, RoundFacts, date],
) -> FormDraft:
    """Keep one example more."""
    draft = await queries.draft(session, fund_type, lock=True)
    must_match(draft, seen)
    there = kept(draft)
    if len(there) >= MOST:
        raise Conflict(f"样例最多 {MOST} 个，请先删除不用的。")
    _must_be_named(given, there)
    text, facts, day = made
    new = KeptExample(
        name=given.name.strip(), refused=given.refused, by=given.by.strip(), text=text, round=facts, day=day
    )
    return await _keep(session, actor, draft, [*there, new], "add_form_example", new.name)


async def change(
    session: AsyncSession, actor: Actor, fund_type: str, seen: str, number: int, given: FormExample
) -> FormDraft:
    """Keep an example as it is now; its round and its day stay."""
    draft = await queries.draft(session, fund_type, lock=True)
    must_match(draft, seen)
    there = kept(draft)
    if number >= len(there):
        raise NotFound("这个样例已被删除。")
    _must_be_named(given, [e for n, e in enumerate(there) if n != number])
    values: dict[str, Any] = {"name": given.name.strip(), "refused": given.refused, "by": given.by.strip()}
    if given.text is not None:
        values["text"] = given.text.replace("\r\n", "\n")
    there[number] = there[number].model_copy(update=values)
    return await _keep(session, actor, draft, there, "change_form_example", values["name"])


async def remove(session: AsyncSession, actor: Actor, fund_type: str, seen: str, number: int) -> FormDraft:
    """Keep an example no longer."""
    draft = await queries.draft(session, fund_type, lock=True)
    must_match(draft, seen)
    there = kept(draft)
    if number >= len(there):
        raise NotFound("这个样例已被删除。")
    gone = there.pop(number)
    return await _keep(session, actor, draft, there, "remove_form_example", gone.name)


def _must_be_named(given: FormExample, others: list[KeptExample]) -> None:
    said = None
    if not given.name.strip():
        said = "请填写样例的名称"
    elif given.name.strip() in {e.name for e in others}:
        said = "已有同名的样例"
    if said:
        raise Invalid([FieldError(field="name", code=codes.REQUIRED, message=said)])


async def _keep(
    session: AsyncSession, actor: Actor, draft: FormDraft, there: list[KeptExample], action: str, name: str
) -> FormDraft:
    draft.examples = _KEPT.dump_json(there).decode()
    given_up = changed_by(draft, actor)
    record(session, actor, action, form=draft.fund_type, example=name, gave_up_proposal_of=given_up)
    await session.flush()
    return draft
