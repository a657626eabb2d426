"""Write rows as CSV that programs read and spreadsheets show as it is meant: a cell is a text or a number, never a formula, whatever it begins with."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

Cell = str | int | Decimal | None
# The mark tells spreadsheets that it is UTF-8.
MARK = b"\xef\xbb\xbf"
# Spreadsheets take what begins so for a formula, and run it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return rows in UTF-8, amounts with their decimals."""
    out = io.StringIO()
    csv.writer(out).writerows([_plain(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    text = str(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_FORMULA) else text
