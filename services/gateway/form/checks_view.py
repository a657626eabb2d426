"""Lay out 材料间核对: each check with the way to the place where it is mended."""

from services.gateway.form.form_view import anchor
from services.gateway.web.calls import Json, section_of


def lines(form: Json, outcomes: list[Json]) -> list[Json]:
    """Checks with the way to the place where each is mended."""
    return [{**o, "anchor": _anchor(section_of(form, o["section"]), o["field"])} for o in outcomes]


def _anchor(section: Json, field: str | None) -> str:
    return anchor(section, {"field": field.partition(".")[0]}) if field else ""
