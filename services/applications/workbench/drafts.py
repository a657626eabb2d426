"""Write the next version of a form: one draft a fund type, whose every save can be taken back to."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.forms.authoring import editing
from services.applications.forms.catalogue import UnknownForm, forms
from services.applications.tables.forms import FormDraft, FormDraftSave, FormVersion
from services.applications.workbench import queries
from shared import clock, codes
from shared.contract.workbench import MAX_TEXT, NewFormDraft
from shared.errors import Conflict, FieldError, Invalid, Stale
from shared.identity import Actor

EMPTY = """\
# {label}
fund_type: {fund_type}
version: {version}
label: {label}
title: {label}
document_title: {label}申报书
# 列表上的项目名称和所属区取自这里，写成“材料.字段”
project_name: project.name
district: project.district

sections:
  - key: project
    label: 项目基本情况
    title: 项目基本情况
    fields:
      - {{key: name, kind: text, label: 项目名称, max: 60}}
      - {{key: district, kind: text, label: 所属区, max: 20}}
"""


def must_match(draft: FormDraft, seen: str) -> None:
    """`Stale` with the text as it is now, where somebody else has saved since."""
    if seen != str(draft.version):
        current = {"etag": str(draft.version), "text": draft.text, "changed_by": draft.changed_by_name}
        raise Stale("草稿刚刚被其他人修改，请核对两份文本后再保存。", current=current)


def next_version(fund_type: str) -> int:
    """Return the number after the newest version that is known."""
    return max((version for key, version in forms() if key == fund_type), default=0) + 1


async def begin(session: AsyncSession, actor: Actor, new: NewFormDraft) -> FormDraft:
    """Begin a type's next version. `Conflict` where one is being written already."""
    await queries.one_at_a_time(session, new.fund_type)
    if new.fund_type in await queries.drafts(session):
        raise Conflict("这一类表单已有一份草稿，请打开继续编制。", code=codes.ALREADY_OPEN)
    version = next_version(new.fund_type)
    if new.based_on is None:
        if version > 1:
            said = "这个代号已有表单，请在该类表单下新建草稿"
            raise Invalid([FieldError(field="fund_type", code=codes.FORM_PINNED, message=said)])
        if not new.label.strip():
            raise Invalid([FieldError(field="label", code=codes.REQUIRED, message="请填写类型名称")])
        label = editing.written(new.label.strip())
        text = EMPTY.format(fund_type=new.fund_type, version=version, label=label.strip('"'))
    else:
        text = _copied(new.fund_type, new.based_on, version)
    return await _begun(session, actor, new.fund_type, text, new.based_on)


async def bring(session: AsyncSession, actor: Actor, fund_type: str, version: int, text: str) -> FormDraft:
    """Begin a draft with a text that was written elsewhere. `Conflict` where somebody writes one here."""
    await queries.one_at_a_time(session, fund_type)
    if fund_type in await queries.drafts(session):
        raise Conflict("表单工作台里已有这一类表单的草稿，请先发布或放弃。", code=codes.ALREADY_OPEN)
    return await _begun(session, actor, fund_type, normal(text), version - 1 or None)


async def _begun(
    session: AsyncSession, actor: Actor, fund_type: str, text: str, based_on: int | None
) -> FormDraft:
    draft = FormDraft(
        fund_type=fund_type,
        text=text,
        version=1,
        based_on=based_on,
        changed_by=actor.account,
        changed_by_name=actor.name,
        changed_at=clock.now(),
        examples=await _examples(session, fund_type, based_on),
    )
    session.add(draft)
    await session.flush()
    _keep(session, draft)
    record(session, actor, "begin_form", form=fund_type, based_on=based_on)
    await session.flush()
    return draft


async def _examples(session: AsyncSession, fund_type: str, version: int | None) -> str:
    """Return the examples that a version was published with: they are asked of the next one, too."""
    found = None if version is None else await session.get(FormVersion, (fund_type, version))
    return found.examples if found else "[]"


def _copied(fund_type: str, version: int, next: int) -> str:
    try:
        text = forms().text((fund_type, version))
    except KeyError:
        raise UnknownForm from None
    return editing.put(normal(text), (), "version", next)


def normal(text: str) -> str:
    """Return a text as files have it: lines end with a line feed, the last one too."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"


async def save(session: AsyncSession, actor: Actor, fund_type: str, seen: str, text: str) -> FormDraft:
    """Keep a text, with faults or without. A proposal of the text before is given up."""
    draft = await queries.draft(session, fund_type, lock=True)
    must_match(draft, seen)
    return await _replace(session, actor, draft, text, "save_form")


async def take_back(session: AsyncSession, actor: Actor, fund_type: str, seen: str, number: int) -> FormDraft:
    """Let a draft be as it was saved before; what it is now stays among its saves."""
    draft = await queries.draft(session, fund_type, lock=True)
    must_match(draft, seen)
    found = await session.get(FormDraftSave, (fund_type, number))
    if found is None:
        raise Conflict("这次保存的文本已不再保留。", code=codes.GONE)
    return await _replace(session, actor, draft, found.text, "take_back_form")


async def _replace(session: AsyncSession, actor: Actor, draft: FormDraft, text: str, action: str) -> FormDraft:
    if len(text) > MAX_TEXT:
        raise Invalid([FieldError(field="text", code=codes.TOO_LONG, message=f"文本不能超过 {MAX_TEXT} 字")])
    if text == draft.text:
        return draft
    draft.text = text
    given_up = changed_by(draft, actor)
    _keep(session, draft)
    await queries.forget_old_saves(session, draft.fund_type, draft.version)
    record(session, actor, action, form=draft.fund_type, save=draft.version, gave_up_proposal_of=given_up)
    await session.flush()
    return draft


def changed_by(draft: FormDraft, actor: Actor) -> str | None:
    """Let a draft be changed by somebody, which gives its proposal up; return who had made one."""
    draft.version += 1
    draft.changed_by, draft.changed_by_name, draft.changed_at = actor.account, actor.name, clock.now()
    given_up = draft.proposed_by_name
    draft.proposed_by = draft.proposed_by_name = draft.proposed_at = None
    return given_up


def _keep(session: AsyncSession, draft: FormDraft) -> None:
    session.add(
        FormDraftSave(
            fund_type=draft.fund_type,
            number=draft.version,
            text=draft.text,
            saved_by_name=draft.changed_by_name,
            saved_at=draft.changed_at,
        )
    )


async def discard(session: AsyncSession, actor: Actor, fund_type: str, seen: str) -> None:
    """Throw a draft away, its saves with it; the audit keeps that it was."""
    draft = await queries.draft(session, fund_type, lock=True)
    must_match(draft, seen)
    record(session, actor, "discard_form", form=fund_type, changed_by=draft.changed_by_name)
    await session.delete(draft)
    await session.flush()
