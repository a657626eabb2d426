"""Two people of one enterprise and a telephone hand in 补助类 from a workbook: one fills in, the other submits."""

import re
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests import factories
from tests.e2e.conftest import OpenPage
from tests.e2e.portal import accessible, fits, sign_in
from tests.system.running import RunningSystem, create

TYPE = "subsidy"
NOTHING: dict[str, list[str]] = {slot: [] for slot in factories.SLOTS[TYPE]}


def photograph(path: Path) -> Path:
    """A photograph that lies on its side, as telephones keep it."""
    image = Image.new("RGB", (640, 480), "white")
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, "JPEG", exif=exif)
    return path


def filled_offline(system: RunningSystem, id: str, folder: Path) -> Path:
    """A workbook of the draft, taken empty and filled in: what is typed into its cells is what a draft with these values has there."""
    person = system.person("qiye1")
    taken = openpyxl.load_workbook(BytesIO(person.call("GET", f"/applications/{id}/workbook").content))
    values = factories.values_of(TYPE, NOTHING)
    for key, section in values.items():
        path = f"/applications/{id}/sections/{key}"
        typed = {name: value for name, value in section.items() if name not in NOTHING}
        etag = person.call("GET", path).json()["etag"]
        person.call("PUT", f"{path}/draft", json={"values": typed}, etag=etag)
    filled = openpyxl.load_workbook(BytesIO(person.call("GET", f"/applications/{id}/workbook").content))
    for key in values:
        path = f"/applications/{id}/sections/{key}"
        etag = person.call("GET", path).json()["etag"]
        person.call("DELETE", f"{path}/draft", json={}, etag=etag)
    for sheet in taken.worksheets:
        if sheet.sheet_state == "visible":
            for row in filled[sheet.title].iter_rows():
                for cell in row:
                    if cell.value is not None:
                        sheet[cell.coordinate] = cell.value
    file = folder / "补助类.xlsx"
    taken.save(file)
    return file


def save(page: Page, id: str, key: str) -> None:
    page.goto(f"/applications/{id}/sections/{key}")
    page.get_by_role("button", name="保存表单").click()
    expect(page.get_by_text("已保存表单。")).to_be_visible()


@pytest.mark.slow
def test_two_people_and_a_telephone(
    open_page: OpenPage, system: RunningSystem, pictures: Path, tmp_path: Path
) -> None:
    id = create(system.person("qiye1"), TYPE)
    desk = open_page(width=1366, height=768)
    sign_in(desk, "qiye1", f"/applications/{id}/excel")
    file = filled_offline(system, id, tmp_path)
    desk.get_by_label("工作簿：").set_input_files(file)
    desk.get_by_role("button", name="上传并对照").click()
    desk.get_by_role("button", name=re.compile("采用")).click()
    expect(desk.get_by_text("已写入并暂存")).to_be_visible()

    # Whoever is told by short message has agreed to it, where the number stands.
    desk.goto(f"/applications/{id}/sections/contact")
    desk.get_by_role("button", name="同意并开启短信提醒").click()
    expect(desk.get_by_text("已开启短信提醒")).to_be_visible()
    accessible(desk)
    desk.locator("#sms").screenshot(path=pictures / "sms.png")

    # The licence is photographed: the code beside its slot is scanned, nobody signs in on the telephone.
    desk.goto(f"/applications/{id}/sections/company")
    slot = desk.locator("#business_license")
    slot.get_by_role("button", name="用手机拍照上传").click()
    expect(desk.get_by_role("heading", name="用手机上传：营业执照")).to_be_visible()
    accessible(desk)
    desk.screenshot(path=pictures / "by-phone-desk.png", full_page=True)
    link = desk.locator(".digest").inner_text()
    telephone = open_page(width=390, height=844)
    telephone.goto(link)
    expect(telephone.get_by_role("heading", name="营业执照")).to_be_visible()
    accessible(telephone)
    fits(telephone)
    telephone.get_by_label("照片或文件").set_input_files(photograph(tmp_path / "image.jpg"))
    telephone.get_by_role("button", name="上传").click()
    expect(telephone.get_by_text("已上传 1 个文件")).to_be_visible()
    accessible(telephone)
    fits(telephone)
    telephone.screenshot(path=pictures / "by-phone-telephone.png", full_page=True)
    # The desk's page shows it by itself.
    expect(desk.get_by_role("link", name="image.jpg")).to_be_visible()
    desk.get_by_role("button", name="加入本项并返回填报").click()
    expect(desk.get_by_text("手机上传的文件已加入并暂存")).to_be_visible()
    thumbnail = desk.locator("#business_license .thumb img")
    thumbnail.scroll_into_view_if_needed()
    desk.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=thumbnail.element_handle())
    accessible(desk)
    desk.locator("#business_license").screenshot(path=pictures / "by-phone-slot.png")
    telephone.reload()
    expect(telephone.get_by_text("此手机上传链接已停用")).to_be_visible()

    for place, section in factories.SLOTS[TYPE].items():
        if place in ("business_license", "site_proof"):
            continue
        desk.goto(f"/applications/{id}/sections/{section}")
        name, content = factories.file_for(place)
        chosen = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        desk.locator(f"#{place}").locator("input[type=file]").set_input_files(chosen)
        expect(desk.locator(f"#{place}").get_by_role("link", name=name)).to_be_visible()
        desk.get_by_role("button", name="暂存", exact=True).last.click()
        expect(desk.locator("[data-kept]")).to_contain_text("已暂存")

    # The colleague looks at each material, saves what counts, and submits on a telephone.
    colleague = open_page(width=390, height=844)
    sign_in(colleague, "qiye1b")
    for key in factories.values_of(TYPE, NOTHING):
        save(colleague, id, key)
    colleague.goto(f"/applications/{id}/submit")
    accessible(colleague)
    fits(colleague)
    colleague.get_by_role("button", name="确认提交").click()
    expect(colleague.get_by_role("heading", name="提交成功")).to_be_visible()
    # Who did what: one filled in, a telephone brought a file, the other submitted.
    desk.goto(f"/applications/{id}/view")
    desk.get_by_text(re.compile("填写记录（")).click()
    expect(desk.get_by_text("（通过手机链接）")).to_be_visible()
    record = desk.locator(".timeline")
    expect(record).to_contain_text("王芳")
    expect(record).to_contain_text("李响")
