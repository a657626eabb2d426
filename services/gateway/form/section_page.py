"""Show and take the form page of one material (the manual's figures 7 and 8), with 暂存 and 保存表单.

Everything typed is kept whatever happens: adding a row, choosing a file and a failed 保存表单 all keep a 暂存.
A script asks for the same with `Accept: application/json` and gets the new tag, or where to go.
"""

from aiohttp import web

from services.gateway.form import (
    checks_view,
    form_values,
    merging,
    outdated_form,
    registry_news,
    row_buttons,
    section_state,
    section_view,
    shapes,
)
from services.gateway.form.uploads import Uploads
from services.gateway.web import resubmission
from services.gateway.web.calls import (
    Json,
    application,
    ask,
    definition,
    section_of,
)
from services.gateway.web.error_pages import wants_page
from services.gateway.web.form_data import FORM, Values, one, read_multipart
from services.gateway.web.rendering import page
from shared.errors import Conflict, DomainError, Invalid, Malformed, Stale, TooLarge
from shared.http.app import answer, see_other, uuid_in_path


async def show(request: web.Request) -> web.Response:
    """The form, with the 暂存 if it is newer than what is saved."""
    found = await registry_news.asked_again(request, await application(request))
    section = section_of(await definition(request, found), request.match_info["key"])
    done = request.query.get("done", "")
    form = await resubmission.kept(request) if not done else None
    if form is not None and not outdated_form.of_before(found, form):
        return await section_view.render(
            request, found, section, values=form_values.read(section, form), fault=section_view.KEPT, came=form
        )
    return await section_view.render(
        request, found, section, notice=section_view.NOTICES.get(done), judged=done == "refused"
    )


async def take(request: web.Request) -> web.Response:
    """Take what was typed: 暂存, 保存表单, add or remove a row, take a file."""
    answered = await _take(request)
    # The values are stored, or the answer shows them with the reason: the copy kept for another try can go. A script's 暂存 keeps none.
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
    return await section_view.render(
        request, found, section, values=values, errors=wrong, fault=error.detail, status=status
    )


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
            # Values that do not validate yet are kept as a 暂存; the page that follows shows what is wrong.
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
    theirs = section_view.current(section, opened)
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
    return page(request, "form/merge.html", context, status=412)


async def checks(request: web.Request) -> web.Response:
    """Every cross-form check with both sides, on what was typed."""
    found = await application(request)
    listed = (await ask(request, "GET", f"/applications/{found['id']}/checks", query={"typed": "1"})).body
    context = {"application": found, "checks": checks_view.lines(await definition(request, found), listed)}
    return page(request, "form/checks.html", context)
