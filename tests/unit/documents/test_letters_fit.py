"""A letter fits its paper: whatever kind it is, however long, its signature stands with its text and no page ends early."""

from datetime import UTC, datetime
from decimal import Decimal

import pypdfium2
import pytest

from services.applications.documents import letters
from shared.document import Column, Letter, Table
from tests.unit.documents.conftest import Printed

SHORT = "京绣屏风"
LONG = "大师工作室传承与创新建设项目——景泰蓝国礼《和平尊》系列作品研制与国际展览推广（2026年度）"
OPINION = "保护发展资金使用规划 · 开户银行：开户银行请填写支行全称，户名应与申报单位一致。"
REASON = "项目与往年已获支持的项目内容重复，且投资未达到申报通知规定的最低比例。"
WORDS = {
    "fund_type": "奖励类", "number": "GM2026000007", "revision": "1", "deadline": "2026年12月11日18:00", "amount": "20.00",
    "round": "2026年度工美资金（奖励）第一批", "basis": "", "amount_words": "人民币贰拾万元整", "publicity": "2026年12月1日至2026年12月10日",
}  # fmt: skip
LISTS = ("publicity", "approval")
OFFICE, SIGNED, CONTACT = "北京市经济和信息化局", "2026年11月30日", "联系电话：010-85235981"
# Points: a line of the type area, and its lower edge.
LINE, FOOT = 28.9, 35 / 25.4 * 72


def listed(count: int) -> Table:
    """What 公示 and 项目批复 list, as `announcements` lays it out."""
    widths = {"序号": 5, "申报编号": 13, "项目名称": 17, "申报单位": 15, "专项资金名称": 8, "支持金额（万元）": 11}
    return Table(
        columns=[Column(label=label, width=width, numeric=width == 11) for label, width in widths.items()],
        rows=[
            [str(n), f"GM20260{n:05}", LONG, "北京燕京景泰蓝工艺品有限公司", "奖励类", "1,234.50"]
            for n in range(1, count + 1)
        ],
        totals=["", "合计", "", "", "", f"{count * Decimal('1234.50'):,.2f}"],
        note="合计（大写）：人民币壹仟贰佰叁拾肆万伍仟元整",
    )


def letter(which: str, project: str, count: int) -> Letter:
    kind = letters.kinds()[which]
    said = {
        "opinions": "\n".join(f"{n}. {OPINION}" for n in range(1, count + 1)),
        "reason": "\n".join([REASON] * count),
    }
    known = {**WORDS, **said, "project": project}
    return Letter(
        title=kind.title.format(**known),
        author=OFFICE,
        office=OFFICE,
        reference=f"{kind.series}〔2026〕1号",
        addressee=kind.addressee or "北京燕京景泰蓝工艺品有限公司",
        paragraphs=[line for text in kind.paragraphs for line in text.format(**known).splitlines()],
        tables=[listed(count)] if which in LISTS else [],
        signed_by=OFFICE,
        signed_on=SIGNED,
        contact=CONTACT,
        created_at=datetime(2026, 11, 30, tzinfo=UTC),
        expected=[],
    )


@pytest.mark.parametrize(
    ("which", "project", "count", "takes"),
    [
        ("return", SHORT, 1, 1),
        ("return", SHORT, 5, 2),
        ("return", SHORT, 20, 3),
        ("return", LONG, 1, 2),
        ("return", LONG, 20, 3),
        ("approve", SHORT, 1, 1),
        ("approve", LONG, 1, 2),
        ("reject", SHORT, 3, 1),
        ("reject", SHORT, 20, 3),
        ("reject", LONG, 1, 1),
        ("publicity", SHORT, 1, 2),
        ("publicity", SHORT, 5, 3),
        ("approval", SHORT, 5, 3),
        ("approval", SHORT, 20, 6),
    ],
)
def test_a_letter_fits_its_paper(printed: Printed, which: str, project: str, count: int, takes: int) -> None:
    pdf = pypdfium2.PdfDocument(printed(letter(which, project, count)).content)
    pages = [_lines(page) for page in pdf]
    assert len(pages) == takes
    *before, last = pages
    # Office, date and contact stand together under a line of the text at least.
    closing = [text for _, text in last][-3:]
    assert closing == [OFFICE, SIGNED, f"（{CONTACT}）"]
    assert len(last) > 3
    if before:
        # What is carried over is at most what the signature needs above it: two lines of text, or a row of a list and the sum.
        left = 9 if which in LISTS else 6
        for lines in before:
            assert lines[-1][0] < FOOT + left * LINE, lines[-1]
    pdf.close()


def _lines(page: pypdfium2.PdfPage) -> list[tuple[float, str]]:
    """The lines of the type area from above: where the letters stand, and what they say."""
    text = page.get_textpage()
    found: dict[int, list[tuple[float, str]]] = {}
    for n in range(text.count_chars()):
        left, bottom, _, _ = text.get_charbox(n, loose=True)
        if (letter := text.get_text_range(n, 1)).strip() and bottom > FOOT:
            found.setdefault(round(bottom), []).append((left, letter))
    return [
        (bottom, "".join(letter for _, letter in sorted(found[bottom]))) for bottom in sorted(found, reverse=True)
    ]
