"""One material: the form page of the manual's figures 7 and 8, with 暂存 and 保存表单.

Everything typed is kept whatever happens: adding a row, choosing a file and a failed 保存表单 all keep a 暂存.
"""

from collections.abc import AsyncIterator

from aiohttp import MultipartWriter, web
from aiohttp.payload import AsyncIterablePayload

from services.gateway.forms import Values, one, read_multipart
from services.gateway.pages import form_view, rows, standing
from services.gateway.pages.asking import Json, application, ask, definition, section_of, see_other
from services.gateway.pages.form_view import Errors
from services.gateway.pages.rendering import page
from shared.errors import Conflict, DomainError, FieldError, Invalid, Malformed, Stale, TooLarge, UnsupportedMedia
from shared.web import uuid_in_path

NOTICES = {
    "draft": "已暂存。暂存的内容尚未生效，保存表单后数据才能生效。",
    "saved": "已保存表单。",
    "discarded": "已放弃修改，恢复为上次保存的内容。",
    "uploaded": "文件已上传并暂存，保存表单后数据才能生效。",
}


async def show(request: web.Request) -> web.Response:
    """The form, with the 暂存 if it is newer than what is saved."""
    found = await application(request)
    form = await definition(request, found)
    section = section_of(form, request.match_info["key"])
    opened = (await ask(request, "GET", _path(request))).body
    values = opened["draft"] if opened["draft"] is not None else opened["saved"]
    if values is None:
        values = {name: item["value"] for name, item in opened["prefill"].items()}
    return await _render(
        request, found, section, opened, values, notice=NOTICES.get(request.query.get("done", ""))
    )


def _path(request: web.Request) -> str:
    return f"/applications/{uuid_in_path(request)}/sections/{request.match_info['key']}"


async def _render(
    request: web.Request,
    found: Json,
    section: Json,
    opened: Json,
    values: Json,
    *,
    errors: list[Json] | None = None,
    notice: str | None = None,
    fault: str | None = None,
    other: Json | None = None,
    status: int = 200,
) -> web.Response:
    opinions: list[Json] = []
    if found["state"] == "returned":
        listed = (await ask(request, "GET", f"/applications/{found['id']}/opinions")).body
        opinions = [o for o in listed if o["section"] == section["key"] and o["status"] != "accepted"]
    listed_errors = Errors(errors or [])
    now = opened["now"]
    shown = standing.as_shown(section, now)
    values = standing.with_computed(values, now)
    context = {
        "application": found,
        "section": shown,
        "opened": opened,
        "form": form_view.build(shown, values, found["parameters"], opened["attachments"], listed_errors, now),
        "carried": standing.carried(section, now, values),
        "errors": listed_errors.listed,
        "opinions": opinions,
        "notice": notice,
        "fault": fault,
        "other": other,
    }
    return page(request, "section.html", context, status=status)


async def take(request: web.Request) -> web.Response:
    """What was typed: keep it, save it, add or remove a row, take a file."""
    found = await application(request)
    section = section_of(await definition(request, found), request.match_info["key"])
    uploads = _Uploads(request, section)
    form = await read_multipart(request, uploads.take)
    values = form_view.read(section, form)
    uploads.into(values)
    action, _, rest = one(form, "action", "draft").partition(":")
    try:
        return await _act(request, section, action, rest, form, values, uploads)
    except Invalid as error:
        return await _refused(request, section, values, error, 422)
    except Stale as error:
        return await _refused(request, section, values, error, 412)
    except (Conflict, Malformed, TooLarge) as error:
        return await _refused(request, section, values, error, 409)


async def _act(
    request: web.Request,
    section: Json,
    action: str,
    rest: str,
    form: Values,
    values: Json,
    uploads: "_Uploads",
) -> web.Response:
    path, etag = _path(request), one(form, "etag")
    here = f"/applications/{uuid_in_path(request)}/sections/{section['key']}"
    if action == "discard":
        await ask(request, "DELETE", f"{path}/draft", etag=etag)
        return see_other(f"{here}?done=discarded")
    if action == "save" and not uploads.faults:
        try:
            await ask(request, "PUT", path, json={"values": values}, etag=etag)
        except Invalid:
            # Typed is typed: what cannot count yet is kept all the same.
            await ask(request, "PUT", f"{path}/draft", json={"values": values}, etag=etag)
            raise
        return see_other(f"{here}?done=saved")
    anchor = rows.change(section, action, rest, values)
    await ask(request, "PUT", f"{path}/draft", json={"values": values}, etag=etag)
    if uploads.faults:
        raise Invalid(uploads.faults, "有文件未能上传。其余内容已暂存。")
    done = "uploaded" if action == "upload" else "draft"
    return see_other(f"{here}?done={done}{anchor}")


async def _refused(
    request: web.Request, section: Json, values: Json, error: DomainError, status: int
) -> web.Response:
    """The form again, as it was typed, with what is wrong at its place."""
    found = await application(request)
    opened = (await ask(request, "GET", _path(request))).body
    errors = error.errors if isinstance(error, Invalid) else []
    other = None
    if isinstance(error, Stale):
        current = error.extra.get("current") or {}
        other = _differences(section, values, current.get("draft") or current.get("saved") or {})
    return await _render(
        request,
        found,
        section,
        opened,
        values,
        errors=[e.model_dump() for e in errors],
        fault=error.detail,
        other=other,
        status=status,
    )


def _differences(section: Json, mine: Json, theirs: Json) -> Json:
    """Label to the other tab's value, where it differs from what was typed here."""
    return {
        f["label"]: form_view.shown(f, theirs.get(f["key"]))
        for f in section["fields"]
        if str(mine.get(f["key"]) or "") != str(theirs.get(f["key"]) or "")
    } | {
        t["label"]: f"{len(theirs.get(t['key']) or [])} 行"
        for t in section["tables"]
        if mine.get(t["key"]) != theirs.get(t["key"])
    }


class _Uploads:
    """Files of one form on their way to the service that keeps them."""

    def __init__(self, request: web.Request, section: Json) -> None:
        self._request = request
        self._section = section
        self._taken: dict[str, list[str]] = {}
        self.faults: list[FieldError] = []

    async def take(self, name: str, file_name: str, chunks: AsyncIterator[bytes]) -> None:
        slot = name.removeprefix("file.")
        if not any(s["key"] == slot for s in self._section["slots"]):
            raise Malformed
        body = MultipartWriter("form-data")
        part = body.append_payload(AsyncIterablePayload(chunks, content_type="application/octet-stream"))
        # Unquoted: the name is to arrive as the person's computer has it.
        part.set_content_disposition("form-data", quote_fields=False, name="file", filename=file_name)
        try:
            made = await ask(
                self._request,
                "POST",
                f"/applications/{uuid_in_path(self._request)}/attachments",
                query={"section": self._section["key"], "slot": slot},
                data=body,
            )
        except (Invalid, TooLarge, UnsupportedMedia, Malformed, Conflict) as error:
            async for _ in chunks:
                pass
            self.faults.append(
                FieldError(
                    section=self._section["key"],
                    field=slot,
                    code=error.code,
                    message=f"{file_name}：{error.detail}",
                )
            )
            return
        self._taken.setdefault(slot, []).append(made.body["id"])

    def into(self, values: Json) -> None:
        """Put what was taken into the slots' values."""
        for slot, ids in self._taken.items():
            values[slot] = [*values.get(slot, []), *ids]
