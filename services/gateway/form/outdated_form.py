"""Answer a form page that was opened before its application moved to a newer version of the form: show what was typed, to be
copied by hand."""

from aiohttp import web

from services.gateway.form import form_values, materials
from services.gateway.web.calls import form_of, section_of
from services.gateway.web.error_pages import wants_page
from services.gateway.web.form_data import Values, one
from services.gateway.web.rendering import page
from shared import codes
from shared.contract.sections import ApplicationView
from shared.errors import Stale
from shared.http.app import see_other


def version_of(found: ApplicationView, form: Values) -> int:
    """The version of the form that a page was opened with; the application's own for a page that does not say."""
    version = one(form, "form_version")
    return int(version) if version.isdecimal() and len(version) < 7 else found.form_version


def of_before(found: ApplicationView, form: Values) -> bool:
    """Whether a page was opened with another version of the form than the application has now."""
    return version_of(found, form) != found.form_version


async def show(request: web.Request, found: ApplicationView, key: str, form: Values) -> web.Response:
    """What was typed, as people read it, and the way to the form as it is now."""
    if not wants_page(request):
        # The script gives up its own way of saving and sends the form as a page.
        raise Stale("申报表已更新为新版。", code=codes.FORM_CHANGED, current={"etag": ""})
    section = section_of(await form_of(request, found.fund_type, version_of(found, form)), key)
    values = form_values.read(section, form)
    if one(form, "action") == "discard":
        return see_other(f"/applications/{found.id}")
    filled = {name: value for name, value in values.items() if value not in (None, "", [], False)}
    context = {
        "application": found,
        "section": section,
        "there": any(s.key == key for s in found.sections),
        "read": materials.material(section, filled, []),
    }
    return page(request, "form/outdated.html", context, status=409)
