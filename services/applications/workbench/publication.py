"""Propose a draft, publish it by a second person, retire a version for new rounds. What is published is never changed."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.forms.authoring import publishing
from services.applications.forms.catalogue import UnknownForm, forms
from services.applications.tables.forms import FormDraft, FormRetirement, FormVersion
from services.applications.workbench import queries
from services.applications.workbench.drafts import must_match
from services.applications.workbench.known_forms import CHANNEL
from services.applications.workbench.reading import Verdict
from shared import clock, codes
from shared.errors import Conflict, FieldError, Invalid, Stale
from shared.identity import Actor


def own(draft: FormDraft, actor: Actor) -> bool:
    """Whether a draft's text is whose acts: proposed by them, or changed last."""
    return actor.account in (draft.proposed_by, draft.changed_by)


async def propose(
    session: AsyncSession, actor: Actor, fund_type: str, seen: str, note: str, verdict: Verdict
) -> FormDraft:
    """Ask a second person to publish a draft as it is now, which `verdict` judged. `Invalid` with its faults, where it could not be published."""
    draft = await queries.draft(session, fund_type, lock=True)
    must_match(draft, seen)
    await _publishable(session, draft, verdict)
    draft.proposed_by, draft.proposed_by_name, draft.proposed_at = actor.account, actor.name, clock.now()
    draft.note = note
    draft.version += 1
    record(session, actor, "propose_form", form=fund_type, sha256=publishing.digest_of(draft.text), note=note)
    await session.flush()
    return draft


async def withdraw(session: AsyncSession, actor: Actor, fund_type: str, seen: str) -> FormDraft:
    """Give a proposal up, whoever made it; the draft goes on."""
    draft = await queries.draft(session, fund_type, lock=True)
    must_match(draft, seen)
    _must_be_proposed(draft)
    record(session, actor, "withdraw_form", form=fund_type, proposed_by=draft.proposed_by_name)
    draft.proposed_by = draft.proposed_by_name = draft.proposed_at = None
    draft.version += 1
    await session.flush()
    return draft


async def publish(
    session: AsyncSession, actor: Actor, fund_type: str, seen: str, verdict: Verdict, *, by_two: bool
) -> FormVersion:
    """Publish a proposed draft; from then on its version never changes, and every process knows it within seconds. `Conflict` for its author
    where publishing takes two people (`by_two`), `Invalid` where it is no longer the next version."""
    draft = await queries.draft(session, fund_type, lock=True)
    must_match(draft, seen)
    _must_be_proposed(draft)
    if by_two and own(draft, actor):
        raise Conflict("草稿由您提出或最后修改，须由另一位表单编制人员核对后发布。", code=codes.SECOND_PERSON)
    await _publishable(session, draft, verdict)
    version = FormVersion(
        fund_type=fund_type,
        version=verdict.version,
        text=draft.text,
        sha256=verdict.sha256,
        proposed_by=draft.proposed_by,
        proposed_by_name=draft.proposed_by_name,
        examples=draft.examples,
        published_by=actor.account,
        published_by_name=actor.name,
        published_at=clock.now(),
    )
    session.add(version)
    await session.delete(draft)
    record(
        session, actor, "publish_form", form=fund_type, version=verdict.version, sha256=version.sha256,
        proposed_by=version.proposed_by_name, examples=publishing.digest_of(draft.examples),
    )  # fmt: skip
    await queries.tell(session, CHANNEL)
    await session.flush()
    return version


def _must_be_proposed(draft: FormDraft) -> None:
    if draft.proposed_by is None:
        raise Conflict("草稿还没有提出发布，或刚刚被修改、撤回，请刷新后查看。", code=codes.NOTHING_PROPOSED)


async def _publishable(session: AsyncSession, draft: FormDraft, verdict: Verdict) -> None:
    """Raise `Invalid` where a draft has faults, is of another type, or is not the next version; `Stale` where another text was judged."""
    await queries.one_at_a_time(session, draft.fund_type)
    if verdict.sha256 != publishing.digest_of(draft.text):
        raise Stale("草稿刚刚被其他人修改，请核对后重试。")
    if wrong := verdict.errors:
        raise Invalid(
            [FieldError(field=f"line.{f.line}", code=codes.BAD_FORM, message=f.message) for f in wrong],
            f"表单有 {len(wrong)} 处错误，不能发布，请先改正。",
        )
    if said := verdict.disagreements:
        raise Invalid(
            [FieldError(field="examples", code=codes.BAD_FORM, message=each) for each in said],
            f"有 {len(said)} 个样例与表单不符，不能发布：{'；'.join(said[:3])}。请改表单，表单本来就该如此的，请改样例。",
        )
    fault = ""
    if verdict.fund_type != draft.fund_type:
        fault = f"fund_type 应为 {draft.fund_type}，文本里写的是 {verdict.fund_type}"
    try:
        known = await _known(session, draft.fund_type)
        if not publishing.is_next(draft.fund_type, verdict.version, verdict.sha256, known):
            fault = f"第 {verdict.version} 版已经发布，内容相同；请放弃草稿"
    except publishing.NotPublished as error:
        fault = str(error)
    if fault:
        raise Invalid([FieldError(field="text", code=codes.BAD_FORM, message=fault)], f"不能发布：{fault}。")


async def _known(session: AsyncSession, fund_type: str) -> dict[int, str]:
    """Return the digests of a type's versions: those of the table as this transaction sees it, and the product's."""
    table = {
        version: sha256 for (key, version), sha256 in (await queries.digests(session)).items() if key == fund_type
    }
    catalogue = forms()
    files = {
        version: publishing.digest_of(catalogue.text((key, version)))
        for key, version in catalogue
        if key == fund_type
    }
    return files | table


async def retire(session: AsyncSession, actor: Actor, fund_type: str, version: int, reason: str) -> None:
    """Let no new round take a version; rounds and applications that have it keep it."""
    if (fund_type, version) not in forms():
        raise UnknownForm
    if not reason.strip():
        raise Invalid([FieldError(field="note", code=codes.REQUIRED, message="请填写停用的理由")])
    await queries.one_at_a_time(session, fund_type)
    if await session.get(FormRetirement, (fund_type, version)):
        raise Conflict("这一版已经停用。", code=codes.FORM_RETIRED)
    session.add(
        FormRetirement(
            fund_type=fund_type,
            version=version,
            reason=reason,
            retired_by=actor.account,
            retired_by_name=actor.name,
            retired_at=clock.now(),
        )
    )
    record(session, actor, "retire_form", form=fund_type, version=version, reason=reason)
    await session.flush()


async def resume(session: AsyncSession, actor: Actor, fund_type: str, version: int) -> None:
    """Let new rounds take a retired version again."""
    await queries.one_at_a_time(session, fund_type)
    found = await session.get(FormRetirement, (fund_type, version))
    if found is None:
        raise Conflict("这一版没有停用。", code=codes.CONFLICT)
    record(session, actor, "resume_form", form=fund_type, version=version, retired_by=found.retired_by_name)
    await session.delete(found)
    await session.flush()
