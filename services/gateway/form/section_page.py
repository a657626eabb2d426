"""Show and take the form page of one material (the manual's figures 7 and 8), with 暂存 and 保存表单.

Everything typed is kept whatever happens: adding a row, choosing a file and a failed 保存表单 all keep a 暂存.
A script asks for the same with `Accept: application/json` and gets the new tag, or where to go.
"""

from aiohttp import web

from services.gateway.form import (
    by_phone,
    checks_view,
    form_values,
    merging,
    outdated_form,
    presence,
    registry_news,
    row_buttons,
    section_state,
    section_view,
    shapes,
)
from services.gateway.form.form_parts import Typed
from services.gateway.form.page_after import PAGES_AFTER
from services.gateway.form.uploads import Uploads
from services.gateway.web import resubmission
from services.gateway.web.backend import Answer
from services.gateway.web.calls import application, ask, form_of, profile, section_of
from services.gateway.web.error_pages import wants_page
from services.gateway.web.form_data import FORM, Values, one, read_multipart
from services.gateway.web.rendering import page
from shared import codes
from shared.contract.checks import Obstacle, Outcome
from shared.contract.forms import FormDefinition, SectionDefinition
from shared.contract.pages import SectionTaken
from shared.contract.sections import ApplicationView, AttachmentView, SectionCopies, SectionView, SectionWritten
from shared.contract.submission import Submitted
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotFound, Stale, TooLarge, TooMany
from shared.http.app import answer, see_other, uuid_in_path

# 保存并提交申请: one press where nothing else is open.
SUBMIT = "submit"


async def show(request: web.Request) -> web.Response:
    """The form, with the 暂存 if it is newer than what is saved."""
    key, done = request.match_info["key"], request.query.get("done", "")
    # A script that kept what was typed while the form was saved asks for a newer page.
    at_hand = done in ("saved", "refused") and "typed" not in request.query
    asked = request.app[PAGES_AFTER].take(request) if at_hand else None
    if asked is None:
        asked = await registry_news.asked_again(request, await section_view.asked(request, key))
    form = await resubmission.kept(request) if not done else None
    found, present = asked.application, await presence.others(request)
    if form is not None and not outdated_form.of_before(found, form):
        section = section_of(await form_of(request, found.fund_type, found.form_version), key)
        values = form_values.read(section, form)
        return await section_view.render(
            request, asked, values=values, fault=section_view.KEPT, came=form, present=present
        )
    notice = section_view.NOTICES.get(done)
    return await section_view.render(request, asked, notice=notice, judged=done == "refused", present=present)


async def take(request: web.Request) -> web.Response:
    """Take what was typed: 暂存, 保存表单, 保存并提交申请, add or remove a row, take a file."""
    answered = await _take(request)
    # The values are stored, or the answer shows them with the reason: the copy kept for another try can go. A script's 暂存 keeps none.
    if wants_page(request) or resubmission.MARK in request[FORM]:
        await resubmission.taken(request)
    return answered


async def _take(request: web.Request) -> web.Response:
    key = request.match_info["key"]
    uploads = Uploads(request, key)
    form = await read_multipart(request, uploads.take)
    definition = await _filled_in(request, form)
    section = definition.by_key.get(key)
    if section is None:
        # Moved to another version, perhaps: the application knows.
        return await _of_another_version(request, key, form)
    values = form_values.read(section, form)
    uploads.into(values)
    try:
        act = _ACTS.get(one(form, "action").partition(":")[0], _act)
        return await act(request, definition, section, form, values, uploads)
    except (Stale, Invalid, Conflict, Malformed, TooLarge, TooMany) as error:
        if error.code == codes.FORM_CHANGED:
            return await _of_another_version(request, key, form)
        if not wants_page(request):
            raise
        return await _refused(request, section, form, values, error)


async def _filled_in(request: web.Request, form: Values) -> FormDefinition:
    """The form that a page was made of, as the page itself says; the service compares the version with the application's. A page of
    the release before says less."""
    fund_type, version = one(form, "fund_type"), one(form, "form_version")
    if fund_type.isidentifier() and version.isdecimal() and len(version) < 7:
        return await form_of(request, fund_type, int(version))
    found = await application(request)
    return await form_of(request, found.fund_type, found.form_version)


async def _of_another_version(request: web.Request, key: str, form: Values) -> web.Response:
    found = await application(request)
    # A material that no version of this application has is not found.
    section_of(await form_of(request, found.fund_type, outdated_form.version_of(found, form)), key)
    return await outdated_form.show(request, found, key, form)


async def _refused(
    request: web.Request, section: SectionDefinition, form: Values, values: Typed, error: DomainError
) -> web.Response:
    """Both copies where somebody else was faster; else the form again, as it was typed, with what is wrong at its place."""
    if isinstance(error, Stale):
        found = await application(request)
        if outdated_form.of_before(found, form):
            return await outdated_form.show(request, found, section.key, form)
        return await _merge_page(request, found, section, form, values, error)
    wrong = [Obstacle(**e.model_dump()) for e in error.errors] if isinstance(error, Invalid) else []
    asked = await section_view.asked(request, section.key)
    status = 422 if isinstance(error, Invalid) else 409
    return await section_view.render(
        request, asked, values=values, errors=wrong, fault=error.detail, status=status
    )


async def _act(
    request: web.Request,
    definition: FormDefinition,
    section: SectionDefinition,
    form: Values,
    values: Typed,
    uploads: Uploads,
) -> web.Response:
    path = here = f"/applications/{uuid_in_path(request)}/sections/{section.key}"
    etag = one(form, "etag")
    action, _, rest = one(form, "action", "draft").partition(":")
    if action == "discard":
        await ask(request, "DELETE", f"{path}/draft", SectionWritten, etag=etag)
        return _go(request, f"{here}?done=discarded#done")
    if action == "merge":
        values = await _picked(request, section, form, values, etag)
    if action in {"save", SUBMIT} and not uploads.faults:
        body = {"values": values, "form_version": definition.version}
        beside = await profile(request)
        taken = await ask(request, "PUT", f"{path}/page", SectionTaken, json=body, etag=etag, beside=beside)
        if action == SUBMIT and taken.body.saved:
            return _go(request, await _submitted(request, taken.body.page.application, one(form, "key")))
        request.app[PAGES_AFTER].keep(request, taken.body.page)
        done = "saved#done" if taken.body.saved else "refused#errors"
        # With the new tag a script keeps what was typed while this was under way.
        tags = {"etag": taken.etag, "base": merging.fingerprint(section, values)}
        return _go(request, f"{here}?done={done}", tags)
    if action in registry_news.ACTIONS:
        if merging.fingerprint(section, values) != one(form, "base"):
            # What was typed meanwhile is kept first.
            await _keep(request, path, definition, values, etag)
        return _go(request, f"{here}?done={await registry_news.act(request, section.key, action, rest)}")
    place = row_buttons.change(section, action, rest, values)
    kept = await _keep(request, path, definition, values, etag)
    if uploads.faults:
        raise Invalid(uploads.faults, "有文件未能上传。其余内容已暂存。")
    if not wants_page(request) and action == "draft":
        return answer(
            {
                "etag": kept.etag,
                "at": kept.body.at.isoformat(),
                "base": merging.fingerprint(section, values),
                "shape": section_state.shape(section, kept.body.now),
                "computed": section_state.computed(section, kept.body.now),
            }
        )
    done = {"upload": "uploaded", "merge": "merged", "include": "included"}.get(action, "draft")
    if action == "remove" and row_buttons.followed(definition, section, rest.partition(":")[0]):
        done = "removed"
    return _go(request, f"{here}?done={done}{place}")


async def _join(
    request: web.Request,
    definition: FormDefinition,
    section: SectionDefinition,
    form: Values,
    values: Typed,
    uploads: Uploads,
) -> web.Response:
    """合并为一个PDF: the slot's files in their order. What was typed is kept first, whatever becomes of the files."""
    id, slot = uuid_in_path(request), one(form, "action").partition(":")[2]
    path = f"/applications/{id}/sections/{section.key}"
    kept = await _keep(request, path, definition, values, one(form, "etag"))
    if uploads.faults:
        raise Invalid(uploads.faults, "有文件未能上传。其余内容已暂存。")
    if isinstance(files := values.get(slot), list) and len(files) > 1:
        body = {"section": section.key, "slot": slot, "files": files}
        made = await ask(request, "POST", f"/applications/{id}/attachments/joined", AttachmentView, json=body)
        values[slot] = [str(made.body.id)]
        await _keep(request, path, definition, values, kept.etag)
        return _go(request, f"{path}?done=joined#done")
    return _go(request, f"{path}?done=draft#{slot}" if slot.isidentifier() else path)


async def _by_phone(
    request: web.Request,
    definition: FormDefinition,
    section: SectionDefinition,
    form: Values,
    values: Typed,
    uploads: Uploads,
) -> web.Response:
    """用手机上传: a link for one slot, on a page of its own. What was typed is kept first."""
    path = f"/applications/{uuid_in_path(request)}/sections/{section.key}"
    kept = await _keep(request, path, definition, values, one(form, "etag"))
    if uploads.faults:
        raise Invalid(uploads.faults, "有文件未能上传。其余内容已暂存。")
    place = one(form, "action").partition(":")[2]
    link = await by_phone.make(request, section, place, values, kept.body.now)
    return _go(request, f"/applications/{uuid_in_path(request)}/phone/{link.id}")


async def _earlier(
    request: web.Request,
    definition: FormDefinition,
    section: SectionDefinition,
    form: Values,
    values: Typed,
    uploads: Uploads,
) -> web.Response:
    """使用以前提交的文件: what the enterprise submitted in this slot before. What was typed is kept first."""
    id, (slot, _, source) = uuid_in_path(request), one(form, "action").partition(":")[2].partition(":")
    path = f"/applications/{id}/sections/{section.key}"
    kept = await _keep(request, path, definition, values, one(form, "etag"))
    if uploads.faults:
        raise Invalid(uploads.faults, "有文件未能上传。其余内容已暂存。")
    if not isinstance(there := values.get(slot), list):
        return _go(request, path)
    body = {"section": section.key, "slot": slot, "source": source}
    try:
        taken = f"/applications/{id}/attachments/earlier"
        made = await ask(request, "POST", taken, list[AttachmentView], json=body)
    except NotFound as error:
        raise Conflict(error.detail) from error
    values[slot] = [*there, *(str(file.id) for file in made.body)]
    await _keep(request, path, definition, values, kept.etag)
    return _go(request, f"{path}?done=earlier#file-{slot}")


async def _sms(
    request: web.Request,
    definition: FormDefinition,
    section: SectionDefinition,
    form: Values,
    values: Typed,
    uploads: Uploads,
) -> web.Response:
    """开启 or 关闭短信提醒. What was typed is kept first."""
    id, on = uuid_in_path(request), one(form, "action") == "sms:on"
    path = f"/applications/{id}/sections/{section.key}"
    await _keep(request, path, definition, values, one(form, "etag"))
    if uploads.faults:
        raise Invalid(uploads.faults, "有文件未能上传。其余内容已暂存。")
    await ask(request, "PUT", f"/applications/{id}/sms", json={"agreed": on})
    return _go(request, f"{path}?done=sms_{'on' if on else 'off'}#sms")


_ACTS = {"join": _join, "phone": _by_phone, "earlier": _earlier, "sms": _sms}


async def _submitted(request: web.Request, found: ApplicationView, key: str) -> str:
    """提交申请 with all that is saved. Return where to go on: the receipt, or the page 提交申请, which says what is in the way."""
    path = f"/applications/{found.id}/submit"
    body: dict[str, list[str]] = {"discard_drafts": []}
    beside = await profile(request)
    try:
        made = await ask(
            request, "POST", path, Submitted, json=body, etag=str(found.version), key=key, beside=beside
        )
    except DomainError:
        # The form is saved: to send it once more would only be told so.
        return path
    # Whoever reads the receipt is still in, and leaves by going idle.
    return f"/applications/{found.id}/receipt/{made.body.receipt.revision}"


async def _keep(
    request: web.Request, path: str, definition: FormDefinition, values: Typed, etag: str
) -> Answer[SectionWritten]:
    """暂存."""
    body = {"values": values, "form_version": definition.version}
    return await ask(request, "PUT", f"{path}/draft", SectionWritten, json=body, etag=etag)


def _go(request: web.Request, location: str, tags: dict[str, str] | None = None) -> web.Response:
    """Where a person is sent, and a script is told to go."""
    return see_other(location) if wants_page(request) else answer({"location": location, **(tags or {})})


async def _picked(
    request: web.Request, section: SectionDefinition, form: Values, values: Typed, etag: str
) -> Typed:
    """One copy out of two, as the person chose; `Stale` when the other side has moved on meanwhile."""
    path = f"/applications/{uuid_in_path(request)}/sections/{section.key}"
    opened = (await ask(request, "GET", path, SectionView)).body
    theirs = section_view.current(section, opened)
    if opened.etag != etag:
        raise Stale(current=SectionCopies(draft=theirs, etag=opened.etag).model_dump())
    picks = {name.removeprefix("pick."): chosen[0] for name, chosen in form.items() if name.startswith("pick.")}
    return merging.merged(section, values, theirs, picks)


async def _merge_page(
    request: web.Request,
    found: ApplicationView,
    section: SectionDefinition,
    form: Values,
    values: Typed,
    error: Stale,
) -> web.Response:
    """Both copies side by side. Nothing of either is lost: mine travels with the page, theirs is kept."""
    other = SectionCopies.model_validate(error.extra.get("current") or {})
    theirs = shapes.fitted(section, other.draft or other.saved or {})
    context = {
        "application": found,
        "section": section,
        "differences": merging.differences(section, values, theirs, one(form, "base")),
        "etag": other.etag,
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
    path, beside = f"/applications/{found.id}/checks", await profile(request)
    listed = (await ask(request, "GET", path, list[Outcome], query={"typed": "1"}, beside=beside)).body
    form = await form_of(request, found.fund_type, found.form_version)
    return page(request, "form/checks.html", {"application": found, "checks": checks_view.lines(form, listed)})
