"""The published forms: one file per fund type and version, read once."""

from functools import cache
from pathlib import Path

import yaml

from services.applications.forms.definition import Form
from shared.errors import NotFound

FOLDER = Path(__file__).parent


@cache
def forms() -> dict[tuple[str, int], Form]:
    """Every form of the catalogue. A file whose name and content disagree is refused."""
    found: dict[tuple[str, int], Form] = {}
    for file in sorted(FOLDER.glob("*/*.yaml")):
        form = Form.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        if (form.fund_type, str(form.version)) != (file.parent.name, file.stem):
            raise ValueError(f"{file}: says it is {form.fund_type} version {form.version}")
        found[form.fund_type, form.version] = form
    return found


def form(fund_type: str, version: int) -> Form:
    """One form; `NotFound` when there is none."""
    try:
        return forms()[fund_type, version]
    except KeyError:
        raise NotFound("没有这一版表单。") from None
