"""Export lists as XLSX files. A cell is text or a number, never a formula, whatever it begins with."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import xlsxwriter

from services.applications.core.csv_text import Cell


class Sheet:
    """An XLSX file that is written row by row, in memory that does not grow with it."""

    def __init__(self, path: Path, title: str, head: Sequence[str], widths: Sequence[int]) -> None:
        self._book = xlsxwriter.Workbook(
            path, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        self._page = self._book.add_worksheet(title)
        self._amount = self._book.add_format({"num_format": "#,##0.00"})
        bold = self._book.add_format({"bold": True, "bg_color": "#F0F1F4", "border": 1})
        for column, width in enumerate(widths):
            self._page.set_column(column, column, width)
        self._page.freeze_panes(1, 0)
        for column, text in enumerate(head):
            self._page.write_string(0, column, text, bold)
        self._rows = 0

    def add(self, rows: Iterable[Sequence[Cell]]) -> None:
        for row in rows:
            self._rows += 1
            for column, cell in enumerate(row):
                if isinstance(cell, Decimal):
                    self._page.write_number(self._rows, column, float(cell), self._amount)
                elif isinstance(cell, int):
                    self._page.write_number(self._rows, column, cell)
                elif cell:
                    self._page.write_string(self._rows, column, cell)

    def close(self) -> None:
        self._book.close()
