"""`forms preview`: pages that show a form as an applicant sees it, answer as the portal does, and follow the file."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pypdfium2
import pytest
from aiohttp.test_utils import TestClient, TestServer

from deploy.forms import serving
from deploy.forms.__main__ import main
from deploy.forms.preview import HERE
from services.applications.forms.catalogue import FOLDER, form
from services.applications.rounds import seed
from services.documents.checking import plain
from tests import factories

TEXT = (FOLDER / "subsidy" / "1.yaml").read_text("utf-8")
CONTENT = f"{HERE}/sections/project_content"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "next.yaml"
    found.write_text(TEXT, "utf-8")
    return found


@pytest.fixture
async def page(file: Path) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(serving.server(file, seed.FILE))) as client:
        yield client


async def text(page: TestClient, path: str = CONTENT, **data: str) -> str:
    answer = await (page.post(path, data=data) if data else page.get(path))
    assert answer.status == 200
    return unescape(await answer.text())


async def test_the_first_section_is_where_one_starts(page: TestClient) -> None:
    said = await text(page, "/")
    for section in form("subsidy", 1).sections:
        assert section.label in said
    assert "预览" in said
    assert "<script" not in said
    sheet = re.search(r'href="(/static/[^"]+\.css)"', said)
    assert sheet
    assert (await page.get(sheet[1])).status == 200


async def test_an_answer_changes_what_is_asked_as_it_does_in_the_portal(page: TestClient) -> None:
    assert "年服务工艺美术企业" not in await text(page)
    said = await text(page, action="draft", **{"f.direction": factories.PLATFORM, "f.invested_wan": "一百"})
    assert "年服务工艺美术企业" in said
    assert 'value="一百"' in said
    said = await text(page, action="save", **{"f.direction": factories.PLATFORM, "f.invested_wan": "一百"})
    assert "应为金额，如 22.00" in said
    assert "请填写“项目实施地点”" in said
    assert "请上传" not in said  # nothing can be uploaded here
    assert "年服务工艺美术企业" in await text(page)  # and nothing typed is lost


async def test_a_section_is_saved_and_checked(page: TestClient) -> None:
    path = f"{HERE}/sections/fund_plan"
    typed = {
        "f.applied_total_wan": "80", "f.bank_name": "北京银行", "f.bank_account": "0200001009000000001",
        "t.plan_items.0.id": "a", "t.plan_items.0.subject_name": "材料费", "t.plan_items.0.amount_wan": "70",
        "t.team_members.0.id": "b", "t.team_members.0.name": "李响", "t.team_members.0.specialty": "设计",
    }  # fmt: skip
    said = await text(page, path, action="save", **typed)
    assert "已保存表单（预览）" in said
    assert "70.00 与 80.00，" in said
    said = await text(page, path, action="add:plan_items", **typed)
    assert said.count('name="t.plan_items.') > said.count('name="t.team_members.') * 1.5


async def test_the_file_is_followed_while_it_is_edited(page: TestClient, file: Path) -> None:
    await text(page, action="draft", **{"f.location": "琉璃厂东街"})
    file.write_text(TEXT.replace("label: 项目实施地点", "label: 项目所在地"), "utf-8")
    said = await text(page)
    assert "项目所在地" in said
    assert "琉璃厂东街" in said
    file.write_text(TEXT.replace("kind: textarea", "kind: essay"), "utf-8")
    answer = await page.get(CONTENT)
    assert answer.status == 422
    assert "next.yaml:50: error: 没有“essay”这种字段" in unescape(await answer.text())
    file.write_text(TEXT, "utf-8")
    assert "琉璃厂东街" in await text(page)


async def test_nowhere_is_not_found(page: TestClient) -> None:
    answer = await page.get(f"{HERE}/sections/nowhere")
    assert answer.status == 404
    assert "没有这项材料" in await answer.text()


def test_pages_and_an_empty_pdf_as_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["preview", "master_studio/1", "--write", str(out)]) == 0
    assert capsys.readouterr().out == f"{out / 'index.html'}\n"
    definition = form("master_studio", 1)
    pages = {section.key: (out / f"{section.key}.html").read_text("utf-8") for section in definition.sections}
    for key, said in pages.items():
        for target in re.findall(r'(?:href|src)="([^"#:]+)"', said):
            assert target.startswith("/") or (out / target).exists(), (key, target)
        assert all(f'href="{other}.html"' in said for other in pages)
    printed = pypdfium2.PdfDocument(out / "form.pdf")
    said = plain("".join(page.get_textpage().get_text_bounded() for page in printed))
    assert all(plain(section.title) in said for section in definition.sections)
    assert "草稿，不作为申报依据" in said


def test_a_form_with_faults_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(TEXT.replace("kind: textarea", "kind: essay"), "utf-8")
    assert main(["preview", str(file), "--write", str(tmp_path / "out")]) == 1
    assert "没有“essay”这种字段" in capsys.readouterr().err
