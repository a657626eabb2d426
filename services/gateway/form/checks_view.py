"""材料间核对: the panel beside a form, and on a page of its own, from which a script refreshes the panel."""

from aiohttp import web

from services.gateway.form.form_view import anchor
from services.gateway.web.calls import Json, application, ask, definition, section_of
from services.gateway.web.rendering import page


def lines(form: Json, outcomes: list[Json]) -> list[Json]:
    """Checks with the way to the place where each is mended."""
    return [{**o, "anchor": _anchor(section_of(form, o["section"]), o["field"])} for o in outcomes]


def _anchor(section: Json, field: str | None) -> str:
    return anchor(section, {"field": field.partition(".")[0]}) if field else ""


async def checks(request: web.Request) -> web.Response:
    """Every cross-form check with both sides, on what was typed."""
    found = await application(request)
    listed = (await ask(request, "GET", f"/applications/{found['id']}/checks", query={"typed": "1"})).body
    context = {"application": found, "checks": lines(await definition(request, found), listed)}
    return page(request, "checks.html", context)
