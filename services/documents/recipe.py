"""Digest what decides a document's bytes: the same model, templates, fonts and libraries give the same file.

Under it the store keeps where the finished file stands, so that a document whose worker died after storing it, or
that is asked for again, is found and not made a second time.
"""

import hashlib
import json
from importlib.metadata import version

from pydantic import Field, ValidationError
from weasyprint.text.ffi import harfbuzz, pango

from services.documents import faster, fonts, markup
from shared.document import AnyDocument, Part
from shared.store import Store, pdf_key

LIBRARIES = ("weasyprint", "pydyf", "segno", "pillow", "fonttools", "tinycss2", "cssselect2", "tinyhtml5")


class Finished(Part):
    """A file that was made, checked and stored."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int
    pages: int


def base(*, fast: bool) -> str:
    """Digest everything but the model, once a process. `fast`: whether documents are made by the faster paths."""
    parts = {
        "libraries": {name: version(name) for name in LIBRARIES},
        "pango": pango.pango_version(),
        "harfbuzz": _harfbuzz(),
        "fonts": fonts.fingerprint(),
        "faster": faster.fingerprint() if fast else None,
        "templates": {
            str(file.relative_to(markup.TEMPLATES)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(markup.TEMPLATES.rglob("*.*"))
        },
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _harfbuzz() -> list[int]:
    """HarfBuzz's version, asked for digit by digit: that is all that WeasyPrint's binding lets one ask."""
    found: list[int] = []
    for _ in range(3):
        digit = 0
        while harfbuzz.hb_version_atleast(*[*found, digit + 1, 0, 0][:3]):
            digit += 1
        found.append(digit)
    return found


def of(base: str, model: AnyDocument) -> str:
    """The digest of one document."""
    return hashlib.sha256(f"{base}\n{model.model_dump_json()}".encode()).hexdigest()


def _key(recipe: str) -> str:
    return f"recipes/{recipe[:2]}/{recipe}.json"


def known(store: Store, recipe: str) -> Finished | None:
    """The finished file of a recipe, if it is there and whole."""
    try:
        finished = Finished.model_validate_json(store.get(_key(recipe)))
        content = store.get(pdf_key(finished.sha256))
    except (FileNotFoundError, ValidationError):
        return None
    return finished if hashlib.sha256(content).hexdigest() == finished.sha256 else None


def keep(store: Store, recipe: str, finished: Finished) -> None:
    """Remember a file that stands in the store."""
    store.put(_key(recipe), finished.model_dump_json().encode())
