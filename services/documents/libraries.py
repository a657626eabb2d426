"""What the machine must have before a worker may start: asked once, answered in one line."""

import shutil
import subprocess
from collections.abc import Callable

FONT = "Noto Sans CJK SC"


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


def has_font(family: str = FONT) -> bool:
    """Whether fontconfig knows the family that forms are set in."""
    command = shutil.which("fc-list")
    if command is None:
        raise Missing("fc-list is missing; install fontconfig")
    found = subprocess.run([command, family, "file"], capture_output=True, text=True, check=False)  # noqa: S603
    return bool(found.stdout.strip())


def require(
    harfbuzz_subset: Callable[[], bool] = has_harfbuzz_subset, font: Callable[[], bool] = has_font
) -> None:
    """`Missing` unless documents can be made here, and made fast."""
    if not harfbuzz_subset():
        raise Missing(
            "libharfbuzz-subset is missing: rendering would take thirteen times as long; "
            "install the package libharfbuzz-subset0"
        )
    if not font():
        raise Missing(f"the font {FONT} is missing; install the package fonts-noto-cjk")
