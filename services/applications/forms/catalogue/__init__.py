"""The published forms: one file per fund type and version, read once."""

from functools import cache
from pathlib import Path

from services.applications.forms.definition import Form
from services.applications.forms.source import read_file
from shared.errors import NotFound

FOLDER = Path(__file__).parent


# Where forms are read from: those that come with the product, and those an office keeps beside it.
FOLDERS = [FOLDER]


def also(folder: Path) -> None:
    """Read forms from this folder, too: `<fund type>/<version>.yaml`, as in the catalogue."""
    if folder not in FOLDERS:
        FOLDERS.append(folder)
        forms.cache_clear()


@cache
def forms() -> dict[tuple[str, int], Form]:
    """Every form of the catalogue. A file with faults is refused, and so is one whose name and content disagree."""
    found: dict[tuple[str, int], Form] = {}
    for file in (file for folder in FOLDERS for file in sorted(folder.glob("*/*.yaml"))):
        form, faults, _ = read_file(file)
        wrong = [fault for fault in faults if fault.severity == "error"]
        if form is None or wrong:
            raise ValueError("\n".join(f"{file}:{fault.line}: {fault.message}" for fault in wrong))
        if (form.fund_type, str(form.version)) != (file.parent.name, file.stem):
            raise ValueError(f"{file}: says it is {form.fund_type} version {form.version}")
        if (form.fund_type, form.version) in found:
            raise ValueError(f"{file}: there is a {form.fund_type} version {form.version} already")
        found[form.fund_type, form.version] = form
    return found


def form(fund_type: str, version: int) -> Form:
    """One form; `NotFound` when there is none."""
    try:
        return forms()[fund_type, version]
    except KeyError:
        raise NotFound("没有这一版表单。") from None


def between(fund_type: str, before: int, after: int) -> list[Form]:
    """The versions on the way from one to another, both included."""
    way = sorted(v for key, v in forms() if key == fund_type and before < v < after)
    return [form(fund_type, version) for version in (before, *way, after)]


def newest(fund_type: str) -> Form:
    """The newest version of a fund type's form; `NotFound` when there is none."""
    versions = [version for key, version in forms() if key == fund_type]
    if not versions:
        raise NotFound("没有这一类表单。")
    return form(fund_type, max(versions))
