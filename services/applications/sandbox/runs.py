"""Ask for a run of 政策沙盘, stop one, and show what came of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.forms import catalogue
from services.applications.forms.authoring.round_needs import needs
from services.applications.forms.definition import Form, RoundFacts
from services.applications.rounds.parameters import fitted
from services.applications.rounds.views import need_view
from services.applications.sandbox import queries
from services.applications.tables.applications import Round
from services.applications.tables.forms import FormDraft, SandboxRun
from shared import clock, codes
from shared.contract.sandbox import SandboxInput, SandboxResult, SandboxRound, SandboxRunView, SandboxView
from shared.errors import Conflict, FieldError, Invalid, NotFound, Stale
from shared.identity import Actor

ENDED = ("done", "stopped", "failed")


def versions(fund_type: str) -> list[int]:
    """Return the published versions of a type, newest first."""
    return sorted((version for key, version in catalogue.forms() if key == fund_type), reverse=True)


async def draft_of(session: AsyncSession, fund_type: str) -> FormDraft | None:
    return await session.get(FormDraft, fund_type)


def must_be_chosen(given: SandboxInput) -> None:
    """`Invalid` where no round is chosen, or not one form."""
    errors = []
    if not given.rounds:
        errors.append(_wrong(codes.REQUIRED, "请至少选择一个批次", "rounds"))
    if (given.draft is None) == (given.version is None):
        errors.append(_wrong(codes.REQUIRED, "请选择用草稿还是用哪一版表单推演", "form"))
    if errors:
        raise Invalid(errors, "请选择要推演的批次和表单。")


async def ask(
    session: AsyncSession, actor: Actor, fund_type: str, given: SandboxInput, form: Form, draft: FormDraft | None
) -> SandboxRun:
    """Keep what is to be judged until a worker has time for it. `form` is what judges: that of the draft, or of the version. `Stale` where the draft was saved since it was seen,
    `Conflict` while another run of the type is not over."""
    if draft is not None and str(draft.version) != given.draft:
        raise Stale("草稿刚刚被修改，请刷新后再推演。", current={"etag": str(draft.version)})
    known = {round_.id: round_ for round_, _ in await queries.rounds(session, fund_type)}
    chosen = [known[id] for id in dict.fromkeys(given.rounds) if id in known]
    if len(chosen) < len(set(given.rounds)):
        raise Invalid([_wrong(codes.BAD_ROUND, "有的批次不属于这类资金，或者尚未发布", "rounds")])
    total, forgotten = await queries.counted(session, [r.id for r in chosen])
    if not total:
        said = "所选批次没有可以推演的申请" + (f"：{forgotten} 件的资料已按期删除" if forgotten else "")
        raise Invalid([_wrong(codes.REQUIRED, said, "rounds")], f"{said}。")
    newest = max(chosen, key=lambda r: r.closes_at)
    parameters = fitted(form, {**newest.parameters, **given.parameters})
    await queries.forget_old(session, fund_type)
    made = SandboxRun(
        id=uuid4(),
        fund_type=fund_type,
        text=draft.text if draft else None,
        draft=draft.version if draft else None,
        version=given.version,
        rounds=[r.id for r in chosen],
        parameters=parameters,
        closes_on=clock.date_of(newest.closes_at).isoformat(),
        asked_by=actor.account,
        asked_by_name=actor.name,
        asked_at=actor.received_at,
        state="waiting",
        total=total,
        forgotten=forgotten,
    )
    try:
        async with session.begin_nested():
            session.add(made)
    except IntegrityError:
        raise Conflict(
            "这类资金已有一次推演在进行，请等它结束，或者先停止它。", code=codes.SANDBOX_RUNNING
        ) from None
    record(
        session, actor, "run_sandbox", form=fund_type, run=str(made.id),
        rounds=[str(r.id) for r in chosen], version=made.version, draft=made.draft,
    )  # fmt: skip
    return made


async def stop(session: AsyncSession, actor: Actor, fund_type: str, id: UUID) -> SandboxRun:
    """Stop a run; what was judged until then stays. One that is over stays as it is."""
    found = await queries.run(session, fund_type, id, lock=True)
    if found.state not in ENDED:
        found.state, found.ended_at, found.attempt = "stopped", actor.received_at, None
        record(session, actor, "stop_sandbox", form=fund_type, run=str(id), done=found.done)
        await session.flush()
    return found


async def view(
    session: AsyncSession, fund_type: str, draft: FormDraft | None, form: Form | None, fault: str | None
) -> SandboxView:
    """Return what a run can be made of. `form`: that of the draft, None where there is none to judge by (`fault` says why)."""
    known = versions(fund_type)
    if not known and draft is None:
        raise NotFound("没有这类表单。")
    listed = await queries.rounds(session, fund_type)
    parameters: dict[str, Any] = listed[0][0].parameters if listed else {}
    shown = form or catalogue.form(fund_type, known[0]) if known or form else None
    wanted = needs(shown) if shown else []
    choices = shown.choices(RoundFacts(parameters=parameters)) if shown else {}
    return SandboxView(
        fund_type=fund_type,
        label=shown.label if shown else fund_type,
        rounds=[SandboxRound(id=r.id, title=r.title, cases=cases) for r, cases in listed],
        versions=known,
        draft=str(draft.version) if draft and form else None,
        draft_fault=fault,
        needs=[need_view(shown, need, parameters, choices) for need in wanted] if shown else [],
        parameters={name: value for name, value in parameters.items() if name in {need.name for need in wanted}},
        runs=[run_view(run, [r for r, _ in listed], draft) for run in await queries.runs(session, fund_type)],
    )


def run_view(run: SandboxRun, rounds: Sequence[Round], draft: FormDraft | None) -> SandboxRunView:
    """Return a run as it is read; its result once it is over."""
    titles = {r.id: r.title for r in rounds}
    over = run.state in ENDED and run.result is not None
    return SandboxRunView(
        id=run.id,
        fund_type=run.fund_type,
        form=f"第 {run.version} 版" if run.version else "草稿",
        state=run.state,
        asked_by=run.asked_by_name,
        asked_at=run.asked_at,
        ended_at=run.ended_at,
        rounds=[titles.get(id, "（已不在）") for id in run.rounds],
        parameters=run.parameters,
        done=run.done,
        total=run.total,
        forgotten=run.forgotten,
        outdated=run.draft is not None and (draft is None or draft.version != run.draft),
        result=SandboxResult.model_validate(run.result) if over else None,
    )


def _wrong(code: str, message: str, field: str) -> FieldError:
    return FieldError(field=field, code=code, message=message)
