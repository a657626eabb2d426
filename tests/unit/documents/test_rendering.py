"""From model to pages: what is shown, what can be read back, and that the bytes are always the same."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pypdfium2
import pytest

from services.documents import rendering
from services.documents.checking import Unfit, check
from services.documents.fetcher import EmbeddedOnly
from services.documents.libraries import Missing, require
from tests.unit.documents.models import RARE, model

XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module")
def press() -> rendering.Press:
    return rendering.press()


def pages(content: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(content)
    texts = [re.sub(r"\s+", "", page.get_textpage().get_text_bounded()) for page in document]
    document.close()
    return texts


def test_html_is_well_formed_and_escapes() -> None:
    text = rendering.html(model(name="<script>alert(1)</script>&"))
    root = ET.fromstring(text)
    assert not root.findall(f".//{XHTML}script")
    assert "<script>alert(1)</script>&" in {"".join(td.itertext()) for td in root.iter(f"{XHTML}td")}


def test_every_table_has_fixed_columns() -> None:
    tables = list(ET.fromstring(rendering.html(model())).iter(f"{XHTML}table"))
    assert len(tables) == 4
    assert all(table.find(f"{XHTML}colgroup") is not None for table in tables)
    css = (rendering.TEMPLATES / "document.css").read_text(encoding="utf-8")
    assert "table-layout: fixed" in css
    assert not re.search(r"display:\s*(flex|grid)", css)


def test_pages_say_what_the_model_says(press: rendering.Press) -> None:
    document = model()
    pdf = rendering.render(document, press)
    assert check(pdf.content, document) == 2
    cover, inner = pages(pdf.content)
    assert "项目申报书" in cover
    assert "景泰蓝国礼" in cover
    for text in ("一、项目联系人信息", RARE, "合计", "6.00", "申报编号GM2026000007第2版", "第2页共2页", "ab" * 32):
        assert text in inner


def test_long_table_repeats_its_head_and_loses_no_row(press: rendering.Press) -> None:
    found = pages(rendering.render(model(rows=200), press).content)
    text = "".join(found)
    assert [row for row in range(1, 201) if f"科目{row:03d}号" not in text] == []
    with_rows = [page for page in found if re.search(r"科目\d{3}号", page)]
    assert len(with_rows) > 3
    assert all("序号科目金额" in page for page in with_rows)


def test_watermark_is_on_every_page(press: rendering.Press) -> None:
    found = pages(rendering.render(model(rows=80, watermark="草稿，不作为申报依据"), press).content)
    assert len(found) > 2
    assert all("草稿，不作为申报依据" in page for page in found)


def test_long_word_is_not_cut_off(press: rendering.Press) -> None:
    word = "A" * 400
    assert word in "".join(pages(rendering.render(model(name=word), press).content))


def test_bytes_are_the_same_in_another_process(press: rendering.Press) -> None:
    script = (
        "from services.documents import rendering; from tests.unit.documents.models import model;"
        "print(rendering.render(model(), rendering.press()).sha256)"
    )
    root = Path(__file__).parents[3]
    other = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == rendering.render(model(), press).sha256


def test_nothing_is_fetched(press: rendering.Press) -> None:
    from weasyprint import HTML
    from weasyprint.urls import FatalURLFetchingError

    for url in ("http://127.0.0.1:9/x.png", "file:///etc/passwd"):
        page = HTML(string=f'<p><img src="{url}"/></p>', url_fetcher=EmbeddedOnly())
        with pytest.raises(FatalURLFetchingError):
            page.write_pdf()


@pytest.mark.parametrize("spoil", [lambda c: b"", lambda c: c[: len(c) // 2], lambda c: b"<html>error</html>"])
def test_a_broken_file_does_not_count(press: rendering.Press, spoil) -> None:
    document = model()
    with pytest.raises(Unfit):
        check(spoil(rendering.render(document, press).content), document)


def test_a_file_without_the_expected_text_does_not_count(press: rendering.Press) -> None:
    pdf = rendering.render(model(), press)
    with pytest.raises(Unfit, match="GM2026000008"):
        check(pdf.content, model().model_copy(update={"expected": ["GM2026000008"]}))


def test_worker_refuses_to_start_without_the_subsetting_library() -> None:
    with pytest.raises(Missing, match="libharfbuzz-subset0"):
        require(harfbuzz_subset=lambda: False)
    with pytest.raises(Missing, match="fonts-noto-cjk"):
        require(harfbuzz_subset=lambda: True, font=lambda: False)
