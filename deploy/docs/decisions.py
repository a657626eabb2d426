"""Write the index of decision records: number, title, status."""

import re

from deploy.docs.tables import table
from deploy.embedded.system import ROOT

FOLDER = ROOT / "docs" / "decisions"
TITLE = re.compile(r"# (\d{4}): (.+)")
STATUS = re.compile(r"(?:^## Status\s+|^\*\*Status\.\*\* )(.+?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)


def index() -> str:
    """Return a table of all records. `ValueError` for a record without number, title or status."""
    rows = []
    for file in sorted(FOLDER.glob("[0-9]*.md")):
        text = file.read_text(encoding="utf-8").strip()
        title, status = TITLE.match(text), STATUS.search(text)
        if title is None or status is None or not file.name.startswith(f"{title[1]}-"):
            raise ValueError(f"{file.name} says no number, title or status")
        rows.append((f"[{title[1]}]({file.name})", title[2], " ".join(status[1].split())))
    return table(("no.", "decision", "status"), rows)
