"""Check at start that the machine has what documents need; one line says what is missing."""

import shutil
from collections.abc import Callable

from services.documents.fonts import PACKAGES, NoFont, installed


class Missing(Exception):
    """The message names the package to install."""


def has_harfbuzz_subset() -> bool:
    """Whether WeasyPrint found the library that subsets fonts (without it, subsetting falls back to Python)."""
    try:
        from weasyprint.text.ffi import harfbuzz_subset
    except OSError as error:
        # Pango itself is loaded by the same import.
        raise Missing(f"Pango is missing ({error}); install libpango-1.0-0 and libpangoft2-1.0-0") from error
    return bool(harfbuzz_subset)


def has_fonts() -> bool:
    """Whether fontconfig knows every face that documents are set in."""
    if shutil.which("fc-list") is None:
        raise Missing("fc-list is missing; install fontconfig")
    try:
        installed()
    except NoFont:
        return False
    return True


def require(
    harfbuzz_subset: Callable[[], bool] = has_harfbuzz_subset, fonts: Callable[[], bool] = has_fonts
) -> None:
    """Raise `Missing` unless documents can be made here, and made fast."""
    if not harfbuzz_subset():
        raise Missing(
            "libharfbuzz-subset is missing: rendering would take thirteen times as long; "
            "install the package libharfbuzz-subset0"
        )
    if not fonts():
        raise Missing(f"fonts are missing; install the packages {' '.join(PACKAGES)}")
