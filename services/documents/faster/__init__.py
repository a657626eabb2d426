"""Make WeasyPrint faster from outside: the same pages for less work.

One module for each patch, whose docstring says what it changes, why that is safe, and where upstream the question is open. A
patch is kept as long as it saves 5 % of a document's CPU (docs/decisions/0133). Everything in this folder, and nothing
elsewhere, reaches into the inside of exactly one release; with any other it stays off and the log says so. Nothing changes
what is drawn: `tests/unit/documents/test_faster.py` compares every pixel and letter with it on and off.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pydyf
import weasyprint

from services.documents.faster import drawing, layouts, lengths, page_styles, reading, subsets

log = logging.getLogger(__name__)

WEASYPRINT, PYDYF = "70.0", "0.13.0"
PATCHES = (layouts, drawing, lengths, page_styles, subsets)
read = reading.read


def available() -> bool:
    """Whether the installed libraries are the ones this was written for."""
    found = weasyprint.__version__, pydyf.__version__
    if found == (WEASYPRINT, PYDYF):
        return True
    log.warning("faster paths are off: they know other releases", extra={"found": found})
    return False


@contextmanager
def paths() -> Iterator[None]:
    """The faster paths, within this block, in this whole process."""
    changes = [path for patch in PATCHES for path in patch.PATHS]
    known = [(owner, name, owner.__dict__[name]) for owner, name, _ in changes]
    for owner, name, path in changes:
        setattr(owner, name, path)
    try:
        yield
    finally:
        for owner, name, path in known:
            setattr(owner, name, path)


def fingerprint() -> str:
    """Which paths these are, as one digest: what a document's bytes depend on."""
    texts = (file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))
    return hashlib.sha256(b"".join(texts)).hexdigest()


__all__ = ["PYDYF", "WEASYPRINT", "available", "fingerprint", "paths", "read"]
