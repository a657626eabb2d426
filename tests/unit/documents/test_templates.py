"""Every template keeps what makes documents cheap and safe: fixed tables, no flex or grid, escaping, XHTML."""

import re
from typing import get_args
from xml.etree import ElementTree as ET

import pytest

from services.documents import markup
from shared.document import AnyDocument, Column, Table, Value
from tests.unit.documents import models

X = "{http://www.w3.org/1999/xhtml}"
FILES = sorted(markup.TEMPLATES.rglob("*.*"))


def test_every_kind_has_its_folder_and_every_folder_its_kind() -> None:
    contract = {kind.model_fields["kind"].default for kind in get_args(get_args(AnyDocument)[0])}
    assert contract == set(markup.kinds()) == set(models.KINDS)


@pytest.mark.parametrize("kind", models.KINDS)
def test_xhtml_is_well_formed_and_every_table_has_fixed_columns(kind: str) -> None:
    root = ET.fromstring(markup.html(models.KINDS[kind]()))
    assert root.tag == f"{X}html"
    assert root.get("lang") == "zh-CN"
    for table in root.iter(f"{X}table"):
        columns = table.findall(f"{X}colgroup/{X}col")
        widest = max(sum(int(cell.get("colspan", "1")) for cell in row) for row in table.iter(f"{X}tr"))
        assert len(columns) == widest
    for cell in root.iter(f"{X}th"):
        assert cell.get("scope") in {"row", "col"}
    for image in root.iter(f"{X}img"):
        assert image.get("src", "").startswith("data:image/png;base64,")
        assert image.get("alt")


def test_what_people_typed_is_escaped() -> None:
    evil = '<img src="http://127.0.0.1/x"/>&\'"<script>'
    root = ET.fromstring(
        markup.html(models.model(name=evil, cover=[Value(label=evil, text=evil)], title=evil, running_header=evil))
    )
    assert not list(root.iter(f"{X}script"))
    assert [image.get("src", "")[:5] for image in root.iter(f"{X}img")] == ["data:"]
    assert evil in {"".join(td.itertext()) for td in root.iter(f"{X}td")}


@pytest.mark.parametrize(
    ("typed", "linked"),
    [
        ("lixiang@example.com", ["mailto:lixiang@example.com"]),
        ("甲\nli.xiang+gm@mail.example.com", ["mailto:li.xiang+gm@mail.example.com"]),
        ("l***@example.com", []),
        ("lixiang@example", []),
        ("写信给 lixiang@example.com", []),
        ("https://example.com/", []),
        ("javascript:x@example.com", []),
        ('"onclick="x"@example.com', []),
    ],
)
def test_an_address_on_a_line_of_its_own_is_a_link(typed: str, linked: list[str]) -> None:
    root = ET.fromstring(
        markup.html(models.model(cover=[Value(label="甲", text=typed)], materials=[], appendices=[]))
    )
    links = [link for cell in root.iter(f"{X}td") for link in cell.iter(f"{X}a")]
    assert [href for link in links if (href := link.get("href", "")) != models.PROOF.url] == linked


@pytest.mark.parametrize("file", [f for f in FILES if f.suffix == ".css"], ids=str)
def test_css_is_simple_and_loads_nothing(file: object) -> None:
    text = re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.S)  # type: ignore[attr-defined]
    for costly in ("flex", "grid", "url(", "@import", "column-count", "float:", "table-layout: auto"):
        assert costly not in text, costly


def test_tables_are_fixed_for_every_kind() -> None:
    for kind in markup.kinds():
        assert "table { width: 100%; table-layout: fixed" in "\n".join(markup.style_sheets(kind))


@pytest.mark.parametrize("file", [f for f in FILES if f.suffix == ".xhtml"], ids=str)
def test_templates_escape_everything(file: object) -> None:
    text = file.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert "|safe" not in text.replace(" ", "")
    assert "autoescape" not in text
    assert "<script" not in text
    # Into the document, or to where it is verified: never to what somebody typed.
    assert {link for link in re.findall(r'href="([^"]*)"', text) if not link.startswith("#")} <= {
        "{{ model.proof.url }}"
    }


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("短标题", ["短标题"]),
        ("北京市传统工艺美术保护发展资金项目申报书", ["北京市传统工艺美术保护发展资金", "项目申报书"]),
        ("一" * 20, ["一" * 10, "一" * 10]),
    ],
)
def test_long_titles_break_where_a_person_would(title: str, lines: list[str]) -> None:
    assert markup._two_lines(title).split("\n") == lines


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("关于“和平尊”申报材料退回补正的通知", ["关于“和平尊”申报材料退回补正的通知"]),
        ("关于“景泰蓝国礼《和平尊》”项目资金支持的批复", ["关于“景泰蓝国礼《和平尊》”", "项目资金支持的批复"]),
        (
            "关于“大师工作室传承与创新建设项目——景泰蓝国礼《和平尊》系列”申报材料退回补正的通知",
            ["关于“大师工作室传承与创新建设项目", "——景泰蓝国礼《和平尊》系列”", "申报材料退回补正的通知"],
        ),
        ("一" * 30, ["一" * 15] * 2),
        (
            "关于“燕京八绝 Beijing2026 巡展”项目资金支持的批复",
            ["关于“燕京八绝 ", "Beijing2026 巡展”", "项目资金支持的批复"],
        ),
        ("x" * 30, ["x" * 15] * 2),
        ("一" * 26 + "——" + "一" * 4, ["一" * 16, "一" * 10 + "——" + "一" * 4]),
    ],
)
def test_a_letter_s_title_breaks_where_its_sense_does(title: str, lines: list[str]) -> None:
    assert markup.title_lines(title).split("\n") == lines


def test_a_unit_stands_whole_under_a_name_that_fills_its_column() -> None:
    columns = [
        Column(label="主营业务收入（万元）", width=17),
        Column(label="金额（万元）", width=30),
        Column(label="说明", width=53),
    ]
    table = Table(columns=columns, rows=[])
    assert markup._heads(table, markup._widths(table)) == ["主营业务收入\n（万元）", "金额（万元）", "说明"]


def test_no_line_of_an_address_ends_with_a_hyphen() -> None:
    address = "https://gongmei.example/verify/GM2026000007-2-" + "aB-" * 9 + "--" * 15 + "x_9" * 20
    lines = markup.address_lines(address)
    assert "".join(lines) == address
    assert len(lines) > 2
    assert all(len(line) <= 56 and not line.endswith("-") for line in lines)


@pytest.mark.parametrize(("number", "text"), [(1, "一"), (10, "十"), (12, "十二"), (20, "二十"), (21, "二十一")])
def test_headings_count_in_chinese(number: int, text: str) -> None:
    assert markup.numeral(number) == text
