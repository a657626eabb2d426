"""Show the register of official letters (发文登记簿), and export it."""

from collections.abc import AsyncIterator, Iterable

from aiohttp import web

from services.gateway.accounts.accounts import note
from services.gateway.web import csv_file
from services.gateway.web.addresses import client_address
from services.gateway.web.calls import ask, filters
from services.gateway.web.context import DATABASE, SESSION
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from services.gateway.web.switches import must_be_on
from shared import clock
from shared.contract.decision import LetterRegister

COLUMNS = ("文号", "公文种类", "发文时间", "受文单位", "项目名称", "申报编号", "签收时间", "状态")


async def _read(request: web.Request, query: dict[str, str]) -> LetterRegister:
    return (await ask(request, "GET", "/review/letters", LetterRegister, query=query)).body


async def show(request: web.Request) -> web.Response:
    """The newest letters, by series and year, or those that have not been opened for three days."""
    shown, query = filters(request, "series", "year", "unopened", "cursor")
    return page(request, "review/letters.html", {"asked": shown, "found": await _read(request, query)})


async def export(request: web.Request) -> web.StreamResponse:
    """The register as a CSV file, written down as exported."""
    form = await read_form(request)
    must_be_on(request, "exports")
    asked = {name: one(form, name) for name in ("series", "year", "unopened") if one(form, name)}
    query = {**asked, "limit": "500"}
    found = await _read(request, query)
    async with request.app[DATABASE].begin() as session:
        note(session, "letters_exported", request[SESSION].subject, client_address(request), **asked)

    async def pages() -> AsyncIterator[Iterable[tuple[object, ...]]]:
        read = found
        while True:
            yield (
                (
                    letter.reference,
                    letter.name,
                    clock.show(letter.issued_at),
                    letter.enterprise_name,
                    letter.project_name,
                    letter.application_number,
                    clock.show(letter.opened_at) if letter.opened_at else "未签收" if letter.unopened else "",
                    "已撤回" if letter.recalled_at else "",
                )
                for letter in read.items
            )
            if not read.next_cursor:
                return
            read = await _read(request, {**query, "cursor": read.next_cursor})

    return await csv_file.send(request, f"letters-{clock.today():%Y%m%d}.csv", COLUMNS, pages())
