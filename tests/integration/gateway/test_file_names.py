"""A file's name on its whole way: as a browser sends it, by the page's form and by the API, and back in the download."""

import unicodedata
from urllib.parse import unquote
from uuid import uuid4

import pytest

from deploy.demo.files import pdf
from tests.integration.gateway.conftest import Browser

NAMES = [
    ("a;b; filename=c.pdf", "a;b; filename=c.pdf"),
    ("%22京绣%22终稿.pdf", '"京绣"终稿.pdf'),
    ("设计\\稿.pdf", "设计\\稿.pdf"),
    (unicodedata.normalize("NFD", "café.pdf"), "café.pdf"),
    ("第一行%0D%0A第二行.pdf", "第一行  第二行.pdf"),
    ("报告\u202efdp\u3000终稿.pdf", "报告fdp 终稿.pdf"),
]


def body(fields: list[tuple[str, str]], field: str, name: str) -> tuple[bytes, str]:
    """A form with one file, byte by byte as Chromium writes it."""
    boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
    lines = [f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: application/pdf\r\n\r\n'
    return (
        "".join([*lines, head]).encode() + pdf() + f"\r\n--{boundary}--\r\n".encode(),
        f"multipart/form-data; boundary={boundary}",
    )


@pytest.mark.parametrize(("sent", "seen"), NAMES)
async def test_a_name_comes_back_as_people_saw_it(browser: Browser, sent: str, seen: str) -> None:
    await browser.sign_in("qiye1")
    rounds = await (await browser.call("GET", "/rounds")).json()
    round_id = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")
    made = await browser.call(
        "POST", "/applications", json={"round_id": round_id}, headers={"Idempotency-Key": uuid4().hex}
    )
    id = (await made.json())["id"]
    data, kind = body([], "file", sent)
    place = f"/applications/{id}/attachments?section=company&slot=business_license"
    up = await browser.call("POST", place, data=data, headers={"Content-Type": kind})
    assert up.status == 201, await up.text()
    assert (await up.json())["name"] == seen

    section = f"/applications/{id}/sections/company"
    etag = (await (await browser.call("GET", section)).json())["etag"]
    fields = [("csrf_token", browser.csrf_token), ("etag", etag), ("form_version", "1"), ("action", "upload:business_license")]  # fmt: skip
    data, kind = body(fields, "file.business_license", sent)
    done = await browser.go("POST", section, data=data, headers={"Content-Type": kind}, allow_redirects=False)
    assert done.status == 303, await done.text()
    files = (await (await browser.call("GET", section)).json())["attachments"]
    assert [file["name"] for file in files] == [seen, seen]
    for file in files:
        down = await browser.call("GET", f"/applications/{id}/attachments/{file['id']}")
        header = down.headers["Content-Disposition"]
        assert unquote(header.partition("filename*=UTF-8''")[2]) == seen
