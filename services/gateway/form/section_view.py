"""Build the page of one material: the form, what stands beside it, and what is said above it."""

from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from services.gateway.form import (
    checks_view,
    form_view,
    materials,
    merging,
    progress,
    registry_news,
    section_state,
    shapes,
)
from services.gateway.form.common_returns import COMMON_RETURNS
from services.gateway.form.form_parts import Beside, Typed
from services.gateway.web.calls import ask, asked_for, form_of, new_key, profile, section_of
from services.gateway.web.context import SETTINGS
from services.gateway.web.form_data import Values, one
from services.gateway.web.line import line_stands
from services.gateway.web.rendering import page
from shared.contract.checks import Obstacle
from shared.contract.forms import SectionDefinition
from shared.contract.pages import SectionPage
from shared.contract.returns import OpinionView
from shared.contract.sections import ApplicationView, SectionSummary, SectionView
from shared.errors import DomainError, Invalid
from shared.http.app import uuid_in_path

NOTICES = {
    "draft": "已暂存，尚未提交。暂存的内容尚未生效，保存表单后数据才能生效。",
    "saved": "已保存表单。",
    "discarded": "已放弃修改，恢复为上次保存的内容。",
    "uploaded": "文件已上传并暂存，保存表单后数据才能生效。",
    "earlier": "已沿用以前提交的文件并暂存，请打开核对是否仍然适用。保存表单后数据才能生效。",
    "included": "手机上传的文件已加入并暂存，保存表单后数据才能生效。",
    "joined": "已合并为一个PDF并暂存，请打开核对。保存表单后数据才能生效。",
    "asked": "已申请开放本项材料，审核人员处理后会在本页显示结果。",
    "sms_on": "已开启短信提醒。填写的移动电话保存后生效。",
    "sms_off": "已关闭短信提醒。",
    "removed": "已删除该行并暂存。随该行填写的内容、为该行上传的附件也一并移除。",
    "merged": "已合并两处填写的内容并暂存，请核对后保存表单。",
    **registry_news.NOTICES,
}
KEPT = "您先前填写的内容当时未能保存，已放回本页，请核对后暂存或保存表单。"
# What only says that somebody has not finished: no mistake to be marked before 保存表单 is pressed.
UNFINISHED = frozenset({"required", "section_not_saved", "unsaved_draft", "too_few_rows"})


async def asked(request: web.Request, key: str) -> SectionPage:
    """All that the page of a material shows, by one question."""
    path = f"/applications/{uuid_in_path(request)}/sections/{key}/page"
    return (await ask(request, "GET", path, SectionPage, beside=await profile(request))).body


async def locked(request: web.Request, key: str, reason: str, error: DomainError) -> web.Response:
    """A locked material again, after asking for it was refused, with the reason as it was typed."""
    said = error.errors[0].message if isinstance(error, Invalid) and error.errors else error.detail
    return await render(request, await asked(request, key), fault=said, reason=reason, status=409)


def current(section: SectionDefinition, opened: SectionView) -> Typed:
    """What a section's page opens with: the newer 暂存, what is saved, or what was brought along and filled in."""
    values = opened.draft if opened.draft is not None else opened.saved
    if values is None:
        values = {name: default.value for name, default in opened.defaults.items()}
        values |= {name: item.value for name, item in opened.prefill.items()}
    return shapes.fitted(section, values)


def sources(section: SectionDefinition, opened: SectionView, values: Typed) -> dict[str, str]:
    """Per field and table where what stands there came from, while it is what was filled in."""
    found = registry_news.sources(opened, values)
    for field in section.fields:
        default = opened.defaults.get(field.key)
        if default and field.key not in found and str(default.value) == str(values.get(field.key)):
            found[field.key] = f"系统按{default.words}填入"
    for table in section.tables:
        if default := opened.defaults.get(table.key):
            found[table.key] = f"系统填入：{default.words}"
    return found


def hints(section: SectionDefinition, opened: SectionView, values: Typed) -> dict[str, str]:
    """Per field what would have been filled in, where something else stands."""
    return {
        field.key: f"{default.words}：{form_view.shown(field, default.value)}"
        for field in section.fields
        if (default := opened.defaults.get(field.key)) and str(default.value) != str(values.get(field.key))
    }


def following(found: ApplicationView, key: str) -> SectionSummary | None:
    """The material to go on with: the next one that is not saved, in the order of the list and round again."""
    listed = [s for s in found.sections if s.visible and s.editable]
    at = next((n for n, s in enumerate(listed) if s.key == key), 0)
    return next((s for s in [*listed[at + 1 :], *listed[:at]] if s.status != "saved"), None)


def only_this_is_open(asked: SectionPage) -> bool:
    """Tell whether this material alone stands between the application and 提交申请. Whoever has saved it, too, opens the page 提交申请, whose
    first arrival counts."""
    found, key = asked.application, asked.section.key
    return (
        "submit" in found.actions
        and all((s.status == "saved") is (s.key != key) for s in found.sections if s.visible)
        and not any(o.status == "open" for o in asked.opinions)
        and not any(p.confirm or (p.severity == "error" and p.section != key) for p in asked.problems)
    )


def marks(found: ApplicationView, problems: list[Obstacle], opinions: list[OpinionView]) -> dict[str, list[str]]:
    """Per section what its line in the list of materials says besides its state: 有错误, 退回意见."""
    said: dict[str, list[str]] = {section.key: [] for section in found.sections}
    for problem in problems:
        if problem.severity == "error" and problem.code not in UNFINISHED:
            said.get(problem.section or "", []).append("wrong")
    for opinion in opinions:
        if opinion.status != "accepted":
            said.get(opinion.section or "", []).append("opinion")
    return {key: list(dict.fromkeys(marks)) for key, marks in said.items()}


async def render(
    request: web.Request,
    asked: SectionPage,
    *,
    values: Typed | None = None,
    errors: list[Obstacle] | None = None,
    notice: str | None = None,
    fault: str | None = None,
    judged: bool = False,
    reason: str = "",
    came: Values | None = None,
    present: Sequence[str] = (),
    status: int = 200,
) -> web.Response:
    """Render the page. `present`: who else has it open. `came`: a form that could not be taken before; it keeps the tag it came with, so that what was saved
    meanwhile is merged and not overwritten."""
    found, opened = asked.application, asked.section
    form = await form_of(request, found.fund_type, found.form_version)
    section = section_of(form, opened.key)
    mine = [o for o in asked.opinions if o.section == section.key and o.status != "accepted"]
    wrong = errors or []
    if judged:
        here = [p for p in asked.problems if p.section == section.key and p.code != "unsaved_draft"]
        wrong = [p for p in here if not p.code.startswith("check.")]
    kept = current(section, opened)
    values = kept if values is None else values
    beside = replace(
        Beside.of(wrong, mine, sources(section, opened, values), hints(section, opened, values)),
        common=await request.app[COMMON_RETURNS].of(request, found.fund_type, section.key),
        earlier=asked.earlier,
    )
    own = [o for o in asked.confirmation.opinions if o.section == section.key] if asked.confirmation else []
    for opinion in own:
        beside.opinions.setdefault((opinion.field, None), []).append(f"（单位审核）{opinion.text}")
    now = opened.now
    shown = section_state.as_shown(section, now)
    values = section_state.with_computed(shown, values, now)
    context = {
        "application": found,
        "section": shown,
        "opened": opened,
        "etag": one(came, "etag") if came else opened.etag,
        "kept": came is not None,
        "form": form_view.build(shown, values, found.parameters, opened.attachments, beside, now),
        "carried": section_state.carried(section, now, values),
        "read": None if opened.editable else materials.material(shown, values, opened.attachments, now),
        "errors": form_view.summary(section, wrong),
        "opinions": mine,
        "unit_opinions": own,
        "requests": [r for r in asked_for(found, asked.requests, asked.opinions) if r.section == section.key],
        "reason": reason,
        "progress": progress.progress(form, found, asked.problems),
        "present": present,
        "marks": marks(found, asked.problems, asked.opinions),
        "checks": checks_view.lines(form, asked.checks),
        "shape": section_state.shape(section, now),
        "news": registry_news.news(section, opened, values),
        "not_connected": registry_news.not_connected(request, section, opened),
        "left_over": [item for item in asked.left_over if item.section in (section.key, None)],
        "sms": request.app[SETTINGS].sms_offered and found.sms_section == section.key,
        "notice": notice,
        "saved": notice == NOTICES["saved"],
        "unanswered": sum(o.status == "open" for o in asked.opinions),
        "following": following(found, section.key),
        "submit_key": new_key() if line_stands(request) and only_this_is_open(asked) else "",
        "fault": fault or ("所填内容已为您暂存，请处理以下各处后再保存表单：" if wrong else None),
        "base": one(came, "base") if came else merging.fingerprint(section, kept),
    }
    return page(request, "form/section.html", context, status=status)
