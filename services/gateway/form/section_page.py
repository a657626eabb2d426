"""One material: the form page of the manual's figures 7 and 8, with 暂存 and 保存表单.

Everything typed is kept whatever happens: adding a row, choosing a file and a failed 保存表单 all keep a 暂存.
A script asks for the same with `Accept: application/json` and gets the new tag, or where to go.
"""

import asyncio

from aiohttp import web

from services.gateway.applicant import reading
from services.gateway.form import (
    checks_view,
    form_values,
    form_view,
    merging,
    outdated_form,
    registry_news,
    row_buttons,
    section_state,
    shapes,
)
from services.gateway.form.form_parts import Beside
from services.gateway.form.uploads import Uploads
from services.gateway.web import resubmission
from services.gateway.web.calls import (
    Json,
    application,
    ask,
    asked_for,
    definition,
    nothing,
    section_of,
)
from services.gateway.web.error_pages import wants_page
from services.gateway.web.form_data import FORM, Values, one, read_multipart
from services.gateway.web.rendering import page
from shared.errors import Conflict, DomainError, Invalid, Malformed, Stale, TooLarge
from shared.http.app import answer, see_other, uuid_in_path

NOTICES = {
    "draft": "已暂存，尚未提交。暂存的内容尚未生效，保存表单后数据才能生效。",
    "saved": "已保存表单。",
    "discarded": "已放弃修改，恢复为上次保存的内容。",
    "uploaded": "文件已上传并暂存，保存表单后数据才能生效。",
    "asked": "已申请开放本项材料，审核人员处理后会在本页显示结果。",
    "merged": "已合并两处填写的内容并暂存，请核对后保存表单。",
    **registry_news.NOTICES,
}
KEPT = "您先前填写的内容当时未能保存，已放回本页，请核对后暂存或保存表单。"
# What only says that somebody has not finished: no mistake to be marked before 保存表单 is pressed.
UNFINISHED = frozenset({"required", "section_not_saved", "unsaved_draft", "too_few_rows"})


async def show(request: web.Request) -> web.Response:
    """The form, with the 暂存 if it is newer than what is saved."""
    found = await registry_news.asked_again(request, await application(request))
    section = section_of(await definition(request, found), request.match_info["key"])
    done = request.query.get("done", "")
    form = await resubmission.kept(request) if not done else None
    if form is not None and not outdated_form.of_before(found, form):
        return await _render(
            request, found, section, values=form_values.read(section, form), fault=KEPT, came=form
        )
    return await _render(request, found, section, notice=NOTICES.get(done), judged=done == "refused")


async def locked(request: web.Request, key: str, reason: str, error: DomainError) -> web.Response:
    """A locked material again, after asking for it was refused, with the reason as it was typed."""
    found = await application(request)
    section = section_of(await definition(request, found), key)
    said = error.errors[0].message if isinstance(error, Invalid) and error.errors else error.detail
    return await _render(request, found, section, fault=said, reason=reason, status=409)


def current(section: Json, opened: Json) -> Json:
    """What a section's page opens with: the newer 暂存, what is saved, or what was brought along."""
    values: Json | None = opened["draft"] if opened["draft"] is not None else opened["saved"]
    if values is None:
        values = {name: item["value"] for name, item in opened["prefill"].items()}
    return shapes.fitted(section, values)


def following(found: Json, key: str) -> Json | None:
    """The material to go on with: the next one that is not saved, in the order of the list and round again."""
    listed = [s for s in found["sections"] if s["visible"] and s["editable"]]
    at = next((n for n, s in enumerate(listed) if s["key"] == key), 0)
    return next((s for s in [*listed[at + 1 :], *listed[:at]] if s["status"] != "saved"), None)


def marks(found: Json, problems: list[Json], opinions: list[Json]) -> dict[str, list[str]]:
    """Per section what its line in the list of materials says besides its state: 有错误, 退回意见."""
    said: dict[str, list[str]] = {section["key"]: [] for section in found["sections"]}
    for problem in problems:
        if problem["severity"] == "error" and problem["code"] not in UNFINISHED:
            said.get(problem["section"], []).append("wrong")
    for opinion in opinions:
        if opinion["status"] != "accepted":
            said.get(opinion["section"], []).append("opinion")
    return {key: list(dict.fromkeys(marks)) for key, marks in said.items()}


async def _render(
    request: web.Request,
    found: Json,
    section: Json,
    *,
    values: Json | None = None,
    errors: list[Json] | None = None,
    notice: str | None = None,
    fault: str | None = None,
    judged: bool = False,
    reason: str = "",
    came: Values | None = None,
    status: int = 200,
) -> web.Response:
    """`came`: a form that could not be taken before. It goes in under the tag it came with, so that what was saved meanwhile is
    merged and not lost."""
    id = found["id"]
    returned = found["state"] == "returned"
    opened, problems, checks, opinions, requests, beside_it = await asyncio.gather(
        ask(request, "GET", f"/applications/{id}/sections/{section['key']}"),
        ask(request, "GET", f"/applications/{id}/problems"),
        ask(request, "GET", f"/applications/{id}/checks", query={"typed": "1"}),
        ask(request, "GET", f"/applications/{id}/opinions") if returned else nothing([]),
        ask(request, "GET", f"/applications/{id}/unlock-requests") if returned else nothing([]),
        registry_news.left_over(request, found),
    )
    mine = [o for o in opinions.body if o["section"] == section["key"] and o["status"] != "accepted"]
    wrong = errors or []
    if judged:
        here = [p for p in problems.body if p["section"] == section["key"] and p["code"] != "unsaved_draft"]
        wrong = [p for p in here if not p["code"].startswith("check.")]
    values = current(section, opened.body) if values is None else values
    beside = Beside.of(wrong, mine, registry_news.sources(opened.body, values))
    now = opened.body["now"]
    shown = section_state.as_shown(section, now)
    values = section_state.with_computed(values, now)
    attachments = opened.body["attachments"]
    context = {
        "application": found,
        "section": shown,
        "opened": opened.body | ({"etag": one(came, "etag")} if came else {}),
        "kept": came is not None,
        "form": form_view.build(shown, values, found["parameters"], attachments, beside, now),
        "carried": section_state.carried(section, now, values),
        "read": None
        if opened.body["editable"]
        else reading.material(shown, values, {a["id"]: a for a in attachments}),
        "errors": form_view.summary(section, wrong),
        "opinions": mine,
        "requests": [r for r in asked_for(found, requests.body, opinions.body) if r["section"] == section["key"]],
        "reason": reason,
        "marks": marks(found, problems.body, opinions.body),
        "checks": checks_view.lines(await definition(request, found), checks.body),
        "shape": section_state.shape(now),
        "news": registry_news.news(section, opened.body, values),
        "not_connected": registry_news.not_connected(request, section, opened.body),
        "left_over": [item for item in beside_it.body if item["section"] in (section["key"], None)],
        "notice": notice,
        "saved": notice == NOTICES["saved"],
        "unanswered": sum(o["status"] == "open" for o in opinions.body),
        "following": following(found, section["key"]),
        "fault": fault or ("所填内容已为您暂存，请处理以下各处后再保存表单：" if wrong else None),
        "base": one(came, "base") if came else merging.fingerprint(section, current(section, opened.body)),
    }
    return page(request, "section.html", context, status=status)


async def take(request: web.Request) -> web.Response:
    """What was typed: keep it, save it, add or remove a row, take a file."""
    answered = await _take(request)
    # It is in, or the page that says why not shows it. A script's 暂存 is never kept, and asks for nothing more than it must.
    if wants_page(request) or resubmission.MARK in request[FORM]:
        await resubmission.taken(request)
    return answered


async def _take(request: web.Request) -> web.Response:
    found = await application(request)
    key = request.match_info["key"]
    listed: list[Json] = (await definition(request, found))["sections"]
    known: Json = next((s for s in listed if s["key"] == key), {"slots": []})
    uploads = Uploads(request, known)
    form = await read_multipart(request, uploads.take)
    if outdated_form.of_before(found, form):
        return await outdated_form.show(request, found, key, form)
    section = section_of(await definition(request, found), key)
    values = form_values.read(section, form)
    uploads.into(values)
    try:
        return await _act(request, section, form, values, uploads)
    except Stale as error:
        if not wants_page(request):
            raise
        return await _merge_page(request, found, section, form, values, error)
    except Invalid as error:
        if not wants_page(request):
            raise
        wrong = [e.model_dump() for e in error.errors]
        return await _refused(request, section, values, error, wrong, 422)
    except (Conflict, Malformed, TooLarge) as error:
        if not wants_page(request):
            raise
        return await _refused(request, section, values, error, [], 409)


async def _refused(
    request: web.Request, section: Json, values: Json, error: DomainError, wrong: list[Json], status: int
) -> web.Response:
    """The form again, as it was typed, with what is wrong at its place."""
    found = await application(request)
    return await _render(request, found, section, values=values, errors=wrong, fault=error.detail, status=status)


async def _act(request: web.Request, section: Json, form: Values, values: Json, uploads: Uploads) -> web.Response:
    path = here = f"/applications/{uuid_in_path(request)}/sections/{section['key']}"
    etag = one(form, "etag")
    action, _, rest = one(form, "action", "draft").partition(":")
    if action == "discard":
        await ask(request, "DELETE", f"{path}/draft", etag=etag)
        return _go(request, f"{here}?done=discarded#done")
    if action == "merge":
        values = await _picked(request, section, form, values, etag)
    if action == "save" and not uploads.faults:
        try:
            saved = await ask(request, "PUT", path, json={"values": values}, etag=etag)
        except Invalid:
            # Typed is typed: what cannot count yet is kept all the same, and judged where it is shown again.
            saved = await ask(request, "PUT", f"{path}/draft", json={"values": values}, etag=etag)
            done = "refused#errors"
        else:
            done = "saved#done"
        # With the new tag a script keeps what was typed while this was under way.
        tags = {"etag": saved.etag, "base": merging.fingerprint(section, values)}
        return _go(request, f"{here}?done={done}", tags)
    if action in registry_news.ACTIONS:
        if merging.fingerprint(section, values) != one(form, "base"):
            # What was typed meanwhile is kept first.
            await ask(request, "PUT", f"{path}/draft", json={"values": values}, etag=etag)
        return _go(request, f"{here}?done={await registry_news.act(request, section['key'], action, rest)}")
    place = row_buttons.change(section, action, rest, values)
    kept = await ask(request, "PUT", f"{path}/draft", json={"values": values}, etag=etag)
    if uploads.faults:
        raise Invalid(uploads.faults, "有文件未能上传。其余内容已暂存。")
    if not wants_page(request) and action == "draft":
        return answer(
            {
                "etag": kept.etag,
                "at": kept.body["at"],
                "base": merging.fingerprint(section, values),
                "shape": section_state.shape(kept.body["now"]),
                "computed": section_state.computed(kept.body["now"]),
            }
        )
    done = {"upload": "uploaded", "merge": "merged"}.get(action, "draft")
    return _go(request, f"{here}?done={done}{place}")


def _go(request: web.Request, location: str, tags: Json | None = None) -> web.Response:
    """Where a person is sent, and a script is told to go."""
    return see_other(location) if wants_page(request) else answer({"location": location, **(tags or {})})


async def _picked(request: web.Request, section: Json, form: Values, values: Json, etag: str) -> Json:
    """One copy out of two, as the person chose; `Stale` when the other side has moved on meanwhile."""
    opened = (await ask(request, "GET", f"/applications/{uuid_in_path(request)}/sections/{section['key']}")).body
    theirs = current(section, opened)
    if opened["etag"] != etag:
        raise Stale(current={"draft": theirs, "saved": None, "etag": opened["etag"]})
    picks = {name.removeprefix("pick."): chosen[0] for name, chosen in form.items() if name.startswith("pick.")}
    return merging.merged(section, values, theirs, picks)


async def _merge_page(
    request: web.Request, found: Json, section: Json, form: Values, values: Json, error: Stale
) -> web.Response:
    """Both copies side by side. Nothing of either is lost: mine travels with the page, theirs is kept."""
    other = error.extra.get("current") or {}
    theirs = shapes.fitted(section, other.get("draft") or other.get("saved") or {})
    context = {
        "application": found,
        "section": section,
        "differences": merging.differences(section, values, theirs, one(form, "base")),
        "etag": other.get("etag", ""),
        "base": one(form, "base"),
        "typed": [
            (name, value)
            for name, chosen in form.items()
            if name.startswith(("f.", "t.", "s."))
            for value in chosen
        ],
    }
    return page(request, "merge.html", context, status=412)
