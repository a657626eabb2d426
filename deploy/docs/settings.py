"""Write the settings, from `.env.example`, which a test compares with the code."""

import re

from deploy.docs.tables import table
from deploy.embedded.system import ROOT

TEXT = """# Settings

Settings are environment variables; a wrong one ends the process with a line that names it. `make run` reads `.env` and needs none of them: it shows
here what it takes by itself. In production each service gets the settings of its sections and no others.
"""
SECTION = re.compile(r"# -{2,} (.+?) -*")
SETTING = re.compile(r"#?(GM_[A-Z_]+)=(.*)")


def page() -> str:
    """Return one table a section of the file."""
    parts: list[str] = [TEXT]
    rows: list[tuple[str, str, str]] = []
    comment: list[str] = []

    def end() -> None:
        if rows:
            parts.append(table(("setting", "default", "what"), rows) + "\n")
            rows.clear()

    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines():
        if section := SECTION.fullmatch(line):
            end()
            parts.append(f"## {section[1][0].upper()}{section[1][1:]}\n")
            comment.clear()
        elif setting := SETTING.fullmatch(line):
            default = f"`{setting[2]}`" if setting[2] else ""
            rows.append((f"`{setting[1]}`", default, " ".join(comment)))
            comment.clear()
        elif line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
    end()
    return "\n".join(parts)
