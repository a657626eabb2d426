"""From model to pages: what is shown, what can be read back, and that the bytes are always the same."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest
from weasyprint import HTML

from services.documents import coverage, rendering
from services.documents.checking import Unfit, check, plain
from services.documents.fetcher import EmbeddedOnly
from services.documents.libraries import Missing, require
from shared.document import Column, Table, Text, Value, Values
from shared.text import printable
from tests.unit.documents import models
from tests.unit.documents.conftest import Printed
from tests.unit.documents.models import DRAFT, RARE, model

ROOT = Path(__file__).parents[3]


def pages(content: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(content)
    texts = [plain(page.get_textpage().get_text_bounded()) for page in document]
    document.close()
    return texts


@pytest.mark.parametrize("kind", models.KINDS)
def test_each_kind_passes_its_own_check(printed: Printed, kind: str) -> None:
    document = models.KINDS[kind]()
    assert check(printed(document).content, document) >= 1


def test_pages_say_what_the_model_says(printed: Printed) -> None:
    document = model()
    cover, contents, inner, sworn, attached = pages(printed(document).content)
    for text in (
        "北京市传统工艺美术保护发展资金项目申报书",
        "景泰蓝国礼",
        "人民币贰拾贰万元整",
        "ab" * 32,
        "cd" * 32,
        models.PROOF.url,
    ):
        assert text in cover
    assert "目录一、项目联系人信息3二、保护发展资金使用规划3三、诚信承诺4附件清单5" in contents
    for text in ("一、项目联系人信息", RARE, "合计", "6.00", "申报编号GM2026000007第2版", "第3页共5页"):
        assert text in inner
    assert "单位名称（盖章）" in sworn
    assert "0123456789abcdef" * 4 in attached
    assert "第1页" not in cover


def test_long_table_repeats_its_head_and_loses_no_row(printed: Printed) -> None:
    found = pages(printed(model(rows=200)).content)
    text = "".join(found)
    assert [row for row in range(1, 201) if text.count(f"科目{row:03d}号") != 1] == []
    with_rows = [page for page in found if re.search(r"科目\d{3}号", page)]
    assert len(with_rows) > 3
    assert all("序号科目金额（万元）" in page for page in with_rows)
    # The sum never stands alone on a page.
    assert re.search(r"科目200号200\.00合计", text)


def test_watermark_is_on_every_page(printed: Printed) -> None:
    found = pages(printed(model(rows=80, watermark=DRAFT)).content)
    assert len(found) > 4
    assert all(DRAFT in page for page in found)


def clipped(content: bytes) -> list[tuple[int, str]]:
    """Letters that stand outside the page's margins (8 mm from any edge: what printers cannot reach is less)."""
    document = pypdfium2.PdfDocument(content)
    found = []
    for number, page in enumerate(document, 1):
        width, height = page.get_size()
        text = page.get_textpage()
        edge = 8 / 25.4 * 72
        for index in range(text.count_chars()):
            left, bottom, right, top = text.get_charbox(index)
            inside = edge <= left and right <= width - edge and edge <= bottom and top <= height - edge
            letter = text.get_text_range(index, 1)
            if letter.strip() and not inside:
                found.append((number, letter))
    document.close()
    return found


HARD = {
    "a long word": "A" * 400,
    "a long address": "https://example.com/" + "very-long-path/" * 30,
    "three thousand characters": "掐丝珐琅" * 750,
    "rare names": RARE * 40,
    "widths mixed": "ＡＢＣ１２３ abc 123 景泰蓝，（Cloisonné）①②Ⅲ㎡℃" * 20,
    "markup": "<b>&amp;</b> {{ model }} {% raw %} ]]> \"'",
    "no spaces, many signs": "——……《》〈〉「」『』【】、。，；：？！" * 30,
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_hard_text_is_whole_and_inside_the_page(printed: Printed, text: str) -> None:
    narrow = Table(
        columns=[Column(label="序号", width=3), Column(label="说明", width=6), Column(label="其他", width=20)],
        rows=[["1", text, text]],
    )
    values = Values(
        values=[
            Value(label="短", text=text),
            Value(label="旁", text=text),
            Value(label="宽", text=text, wide=True),
        ]
    )
    document = model(name=text[:100], more=(values, narrow, Text(text=text)))
    content = printed(document).content
    found = "".join(pages(content))
    # Cells that break over pages stand beside one another, so what is counted is the letters.
    for letter in set(re.sub(r"\s+", "", text)):
        assert found.count(letter) >= 6 * text.count(letter), letter
    assert clipped(content) == []


def test_a_letter_keeps_the_standard_type_area(printed: Printed) -> None:
    """GB/T 9704: 22 lines of 28 characters on a full page, page numbers outside."""
    document = models.letter().model_copy(update={"paragraphs": ["工" * 28 * 40]})
    content = printed(document).content
    pdf = pypdfium2.PdfDocument(content)
    text = pdf[1].get_textpage()
    lines: dict[int, int] = {}
    for index in range(text.count_chars()):
        left, bottom, right, _ = text.get_charbox(index, loose=True)
        if text.get_text_range(index, 1).strip():
            lines[round(bottom)] = lines.get(round(bottom), 0) + 1
            assert left >= 28 / 25.4 * 72 - 1
            assert right <= (210 - 26) / 25.4 * 72 + 1
    foot = lines.pop(min(lines))
    assert foot == len("—2—")
    assert len(lines) == 22
    assert max(lines.values()) == 28
    pdf.close()


def seen_from(seed: str) -> str:
    script = (
        "from services.documents import rendering; from tests.unit.documents.models import KINDS;"
        "press = rendering.press(); print([rendering.render(make(), press).sha256 for make in KINDS.values()])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_bytes_are_the_same_in_other_processes(press: rendering.Press) -> None:
    here = str([rendering.render(make(), press).sha256 for make in models.KINDS.values()])
    assert {seen_from("0"), seen_from("4711")} == {here}


def test_nothing_is_fetched(press: rendering.Press) -> None:
    from weasyprint import HTML
    from weasyprint.urls import FatalURLFetchingError

    for url in ("http://127.0.0.1:9/x.png", "file:///etc/passwd"):
        page = HTML(string=f'<p><img src="{url}"/></p>', url_fetcher=EmbeddedOnly())
        with pytest.raises(FatalURLFetchingError):
            page.write_pdf()


@pytest.mark.parametrize("spoil", [lambda c: b"", lambda c: c[: len(c) // 2], lambda c: b"<html>error</html>"])
def test_a_broken_file_does_not_count(printed: Printed, spoil: Callable[[bytes], bytes]) -> None:
    document = models.commitment()
    with pytest.raises(Unfit):
        check(spoil(printed(document).content), document)


def test_a_file_without_the_expected_text_does_not_count(printed: Printed) -> None:
    document = models.commitment()
    pdf = printed(document)
    with pytest.raises(Unfit, match="GM2026000008"):
        check(pdf.content, document.model_copy(update={"expected": ["GM2026000008"]}))


SIGNS = [
    "SiO₂ x₀₁₂₃₄₅₆₇₈₉ m⁴ 10⁻⁶",
    "☑ ☐ ✔ ✘ ⌀12 ⅓ ⅔ ‱ ㎡ ℃ ∮ 𝑥",
    "😀 👍 🎨 🇨🇳",
    "བོད་ཡིག ᠮᠣᠩᠭᠣᠯ ئۇيغۇرچە ꆈꌠ 한국어 ไทย हिन्दी עברית ნ ᥖᥭᥰ",
    "龘𠀀𪚥𫜵𬺡𰻞 葛\U000e0100城",
    "王㙍 䶮犇 𫖯 é\ufe0f",
]


@pytest.mark.parametrize("text", SIGNS)
def test_what_people_write_is_drawn_without_a_box(printed: Printed, text: str) -> None:
    """A document with a box would not be finished: `render` raises."""
    assert printable.unprintable(text) is None
    plain_font = models.commitment().model_copy(update={"text": text, "title": text})
    bold = models.letter().model_copy(update={"paragraphs": [text]})
    for document in (plain_font, bold):
        printed(document)


def test_what_no_font_draws_is_shown_by_its_code(printed: Printed) -> None:
    document = models.commitment().model_copy(
        update={"text": "珐琅\ue000与\x0b釉", "expected": ["珐琅\ue000与釉", "〔U+E000〕"]}
    )
    check(printed(document).content, document)


def test_a_box_that_nobody_foresaw_stops_the_document(press: rendering.Press) -> None:
    with pytest.raises(rendering.MissingGlyphs, match=r"U\+10FFFE"):
        HTML(string="<p>珐琅\U0010fffe</p>").write_pdf(finisher=rendering.finish, font_config=press.fonts)


def test_the_table_is_what_the_installed_fonts_draw() -> None:
    """`python -m services.documents.coverage` makes it anew."""
    assert printable.TABLE.read_text(encoding="ascii") == coverage.table()


def test_worker_refuses_to_start_without_the_subsetting_library() -> None:
    with pytest.raises(Missing, match="libharfbuzz-subset0"):
        require(harfbuzz_subset=lambda: False)
    with pytest.raises(Missing, match="fonts-noto-cjk"):
        require(harfbuzz_subset=lambda: True, fonts=lambda: False)
