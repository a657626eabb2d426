"""Name the addresses of drafts, and places of a form as addresses have them."""

from aiohttp import web

from services.gateway.web.rendering import TEMPLATES
from shared.contract.workbench import FormRead, OutlineEntry
from shared.errors import NotFound


def fund_type(request: web.Request) -> str:
    """Return the type that an address names; `NotFound` for what can be none."""
    found = request.match_info["fund_type"]
    if not (found.isascii() and found.isidentifier() and len(found) <= 40):
        raise NotFound
    return found


def draft(request: web.Request) -> str:
    """Return where applications has the draft."""
    return f"/form-drafts/{fund_type(request)}"


def editor(request: web.Request) -> str:
    """Return where the draft's editor is."""
    return f"/forms/{fund_type(request)}/edit"


def address(at: list[str | int]) -> str:
    """Return a place as addresses have it: `sections.0.fields.2`."""
    return ".".join(map(str, at))


TEMPLATES.filters["place"] = address


def place(text: str) -> list[str | int]:
    steps = text.split(".") if text else []
    return [int(step) if step.isascii() and step.isdecimal() and len(step) < 6 else step for step in steps]


def entry(read: FormRead, at: str) -> OutlineEntry:
    """Return the part of an outline at a place; `NotFound` where it is gone."""
    found = next((entry for entry in read.outline if address(entry.at) == at), None)
    if found is None:
        raise NotFound("这一项已经不在草稿里。")
    return found


def home(read: FormRead, at: str) -> dict[str, str]:
    """Return the keys of the section, and of the table, that a part stands in; empty for what stands in none."""
    found = {}
    steps = place(at)
    for name, length in (("section", 2), ("table", 4)):
        keys = [e.key for e in read.outline if e.at == steps[:length] and e.sort == f"{name}s"]
        found[name] = keys[0] if keys and (name == "section" or len(steps) > 4) else ""
    return found
