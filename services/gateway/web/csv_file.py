"""Send rows as a CSV file that spreadsheets open as it is meant."""

import csv
import io
from collections.abc import AsyncIterable, Iterable

from aiohttp import web

from shared.text.json_text import dumps


async def send(
    request: web.Request, name: str, columns: Iterable[str], pages: AsyncIterable[Iterable[Iterable[object]]]
) -> web.StreamResponse:
    """Stream a file named `name`: its columns, then the rows of each page as it comes."""
    answer = web.StreamResponse()
    answer.content_type, answer.charset = "text/csv", "utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    await answer.prepare(request)
    # The mark tells spreadsheets that it is UTF-8.
    await answer.write(b"\xef\xbb\xbf" + _lines([columns]))
    async for rows in pages:
        await answer.write(_lines(rows))
    await answer.write_eof()
    return answer


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def _cell(value: object) -> str:
    text = "" if value is None else value if isinstance(value, str) else dumps(value).decode()
    # A spreadsheet would run what begins like a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) and len(text) > 1 else text
