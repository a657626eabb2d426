"""Tell on a form page what came from the legal-person registry: sources of values, values still missing, values changed since;
and what is left over from another version of the form."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from services.gateway.form import form_view
from services.gateway.form.form_parts import Typed
from services.gateway.web.calls import ask, profile
from services.gateway.web.context import SETTINGS
from services.gateway.web.rendering import when
from shared import clock
from shared.contract.carried_over import LeftOverView, PrefillReport
from shared.contract.forms import SectionDefinition
from shared.contract.pages import SectionPage
from shared.contract.sections import ApplicationView, SectionView
from shared.errors import Invalid, NotFound
from shared.http.app import uuid_in_path

# A registry that did not answer just now is not asked again by every page that is opened.
PATIENCE = timedelta(seconds=15)
NOTICES = {
    "refreshed": "已向法人库重新获取，空白的项目已带出；已填写的内容没有改动。",
    "away": "法人库仍没有响应。您可以先行填写，稍后再获取；已填写的内容不会被覆盖。",
    "adopted": "已采用法人库现在的登记并暂存，请核对后保存表单。",
    "not_adopted": "法人库目前没有响应或没有此项，内容没有改动。",
    "dismissed": "已移除。",
}
ACTIONS = frozenset({"adopt", "refresh", "dismiss"})


async def asked_again(request: web.Request, page: SectionPage) -> SectionPage:
    """The page, once a registry that did not answer before has been asked again."""
    registry, id = page.application.registry, page.application.id
    if not page.section.editable or not registry.waiting:
        return page
    if registry.asked_at and clock.now() - registry.asked_at < PATIENCE:
        return page
    beside = await profile(request, anew=True)
    await ask(request, "POST", f"/applications/{id}/prefill", PrefillReport, json={"adopt": []}, beside=beside)
    path = f"/applications/{id}/sections/{page.section.key}/page"
    return (await ask(request, "GET", path, SectionPage, beside=beside)).body


async def act(request: web.Request, section: str, action: str, which: str) -> str:
    """Carry out 重新获取, 采用法人库登记 or 移除, and return the name of the notice to show."""
    path = f"/applications/{uuid_in_path(request)}"
    if action == "dismiss":
        await dismiss(request, which)
        return "dismissed"
    adopt = [{"section": section, "field": which}] if action == "adopt" else []
    beside = await profile(request, anew=True)
    try:
        report = (
            await ask(request, "POST", f"{path}/prefill", PrefillReport, json={"adopt": adopt}, beside=beside)
        ).body
    except Invalid:
        return "not_adopted"
    if action == "adopt":
        return "adopted"
    return "refreshed" if report.answered else "away"


async def dismiss(request: web.Request, item: str) -> None:
    """移除: what is left over was seen; it may be gone by another window already."""
    with suppress(NotFound):
        await ask(request, "DELETE", f"/applications/{uuid_in_path(request)}/left-over/{item}")


async def left_over(request: web.Request, found: ApplicationView) -> list[LeftOverView]:
    """What stands beside the form, asked for only where there is something."""
    if not found.left_over:
        return []
    return (await ask(request, "GET", f"/applications/{found.id}/left-over", list[LeftOverView])).body


def sources(opened: SectionView, values: Typed) -> dict[str, str]:
    """Per field where its value came from and when, while it is the value that was brought along."""
    return {
        name: f"{item.source}带出" + (f"（{when(item.fetched_at)}）" if item.fetched_at else "")
        for name, item in opened.prefill.items()
        if item.value == values.get(name)
    }


def not_connected(request: web.Request, section: SectionDefinition, opened: SectionView) -> bool:
    """Say whether the section has empty fields that a registry would fill, and no registry is connected."""
    return request.app[SETTINGS].registry_url is None and any(
        (field.prefill or "").startswith("registry.") and field.key not in opened.prefill
        for field in section.fields
    )


@dataclass(frozen=True)
class News:
    """What the registry has changed since, at one field: our value and theirs; `gone`: it has none any more."""

    key: str
    label: str
    ours: str
    theirs: str
    gone: bool


def news(section: SectionDefinition, opened: SectionView, values: Typed) -> list[News]:
    """What the registry has changed since, field by field of the form."""
    return [
        News(
            field.key,
            field.label,
            form_view.shown(field, values.get(field.key)),
            form_view.shown(field, opened.registry[field.key]),
            opened.registry[field.key] is None,
        )
        for field in section.fields
        if field.key in opened.registry
    ]
