"""用Excel填报 on pages without scripts: take, bring back, look, agree."""

import io
import re
from datetime import datetime
from html import unescape

import openpyxl
from aiohttp import FormData
from icalendar import Calendar

from tests.integration.gateway.conftest import Browser
from tests.integration.gateway.test_calls_of_applicants_pages import multipart
from tests.integration.gateway.test_registry import section, start


def fields(page: str) -> dict[str, str]:
    """The hidden fields of the page's own form."""
    form = page[page.index("/excel") :]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


async def test_a_workbook_is_looked_at_before_it_is_kept(browser: Browser, other: Browser) -> None:
    await browser.sign_in("qiye1")
    id = (await start(browser))["id"]
    page = await (await browser.go("GET", f"/applications/{id}/excel")).text()
    link = re.search(r'href="(/api/v1/applications/[^"]+/workbook\?section=contact)"', page)
    assert link
    content = await (await browser.go("GET", unescape(link[1]))).read()
    book = openpyxl.load_workbook(io.BytesIO(content))
    book["1.项目联系人"]["C3"] = "<b>国礼</b>"
    book["1.项目联系人"]["C6"] = "１３８００１３８０００"
    out = io.BytesIO()
    book.save(out)

    def brought(file: bytes, page: str) -> FormData:
        form = multipart(fields(page))
        form.add_field("file", file, filename="填报.xlsx")
        return form

    refused = await browser.go("POST", f"/applications/{id}/excel", data=brought(b"a,b\n1,2\n", page))
    assert refused.status == 415
    assert "文件实际是 CSV" in await refused.text()
    shown = await browser.go("POST", f"/applications/{id}/excel", data=brought(out.getvalue(), page))
    text = await shown.text()
    assert shown.status == 200, text
    assert "1.项目联系人　C3" in text
    assert "&lt;b&gt;国礼&lt;/b&gt;" in text
    assert (await section(browser, id, "contact"))["draft"] is None
    # Nothing is ticked: nothing is kept, and it is said.
    none = await browser.go(
        "POST", f"/applications/{id}/excel/agreed", data=multipart(fields(text) | {"take": ""})
    )
    assert "没有选择要采用的材料" in await none.text()
    agreed = multipart(fields(text) | {"take": "contact"})
    kept = await browser.go("POST", f"/applications/{id}/excel/agreed", data=agreed)
    assert kept.url.query["kept"] == "contact"
    assert "已写入并暂存" in await kept.text()
    draft = (await section(browser, id, "contact"))["draft"]
    assert (draft["project_name"], draft["mobile"]) == ("<b>国礼</b>", "13800138000")
    # The same page once more, and by another enterprise.
    again = await browser.go(
        "POST", f"/applications/{id}/excel/agreed", data=multipart(fields(text) | {"take": "contact"})
    )
    assert again.status == 409
    assert "请再次上传工作簿" in await again.text()
    # The deadline for one's own calendar; the same entry however often it is taken.
    banner = await (await browser.go("GET", f"/applications/{id}/excel")).text()
    assert f'href="/applications/{id}/deadline.ics"' in banner
    dated = await browser.go("GET", f"/applications/{id}/deadline.ics")
    assert dated.content_type == "text/calendar"
    [event] = Calendar.from_ical(await dated.read()).walk("VEVENT")
    assert str(event["SUMMARY"]) == "申报截止：<b>国礼</b>"
    closes = (await (await browser.call("GET", f"/applications/{id}")).json())["closes_at"]
    assert event.end == datetime.fromisoformat(closes)
    await other.sign_in("qiye2")
    assert (await other.go("GET", f"/applications/{id}/deadline.ics")).status == 404
    assert (await other.go("GET", f"/applications/{id}/excel")).status == 404
    forged = multipart({**fields(text), "take": "contact", "csrf_token": other.csrf_token})
    assert (await other.go("POST", f"/applications/{id}/excel/agreed", data=forged)).status in (403, 404)
