"""A city's application book, said in the form language without detours: it is linted, filled in, and printed."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pypdfium2

from services.applications.documents import document_model
from services.applications.forms.authoring.lint import lint_file
from services.applications.forms.authoring.made_up import made_up
from services.applications.forms.authoring.source import read_file
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled.checks import evaluate
from services.applications.forms.filled.reading import Context
from services.applications.forms.filled.section_state import effective
from services.applications.forms.filled.situation import Facts
from services.applications.forms.filled.validation import judged
from services.documents import rendering
from services.documents.checking import plain
from shared.document import ApplicationForm

BOOK = Path(__file__).parent / "books" / "keji-1.yaml"
FACTS = Facts(RoundFacts(), today=date(2026, 11, 29))


def book() -> Form:
    form, faults, _ = read_file(BOOK)
    assert form is not None, faults
    return form


UNITS = {"u1": "北京某某工艺有限公司", "u2": "北京传统材料研究院"}
# The agreements of both units, sent in another order than the rows have.
DEEDS = {str(UUID(int=2)): "u1", str(UUID(int=1)): "u2"}


def filled(form: Form) -> dict[str, Any]:
    """What somebody fills in: every amount of a year is 100 万元, six devices cost as much as the budget says, and two units share it all."""
    values = made_up(form, FACTS)
    [unit], [person] = values["base"]["partners"], values["base"]["people"]
    values["base"] |= {
        "name": "传统工艺数字化保护与创新应用",
        "leader": "王小明",
        "partners": [{**unit, "id": id, "org": name, "task": "承担数据采集、建模和展示平台建设，按年度提交成果", "share": "50.00"} for id, name in UNITS.items()],
        "people": [
            {**person, "id": "p1", "name": "王小明", "role": "负责设计", "phone": "13800000000", "org": UNITS["u1"], "major": "工艺美术"},
            {**person, "id": "p2", "name": "李红", "role": "材料试验", "phone": "13900000000", "org": UNITS["u2"], "major": "材料学"},
        ],
        "deed": DEEDS,
    }  # fmt: skip
    device = {"name": "三维扫描仪", "model": "S-1", "price": "1000000.00", "n": 6}
    values["budget"] |= {
        "applied_wan": "1200.00",
        "by_unit": [{"id": "u1", "fiscal": "700.00", "own": "600.00"}, {"id": "u2", "fiscal": "500.00", "own": "600.00"}],
        "equipment": [{"id": "e1", **device}],
    }  # fmt: skip
    return values


def test_the_book_has_no_fault() -> None:
    assert lint_file(BOOK) == []


def test_the_book_is_filled_in_and_its_checks_agree() -> None:
    form = book()
    values = filled(form)
    for section in form.sections:
        context = Context(form=form, facts=FACTS, saved=values, files={"deed": frozenset(DEEDS)})
        _, errors = judged(section, values[section.key], context)
        assert errors == []
    assert {o.id: (o.left, o.right, o.holds) for o in evaluate(form, values, FACTS)} == {
        "equipment_sum": ("600.00", "600.00", True),
        "fiscal": ("1200.00", "1200.00", True),
        "by_unit": ("2400.00", "2400.00", True),
        # A limit that is a number of the form stands in the rule.
        "shares": (None, None, True),
    }


def model() -> ApplicationForm:
    """The book as a document."""
    form = book()
    counted = effective(form, filled(form), FACTS)
    who = {"name": "北京某某工艺有限公司", "uscc": "91110105MA00TE5T2T"}
    files = {id: {"name": f"协议{n}.pdf", "size": 52_000, "sha256": "ab" * 32} for n, id in enumerate(DEEDS, 1)}
    return document_model.of_snapshot(form, counted, files, enterprise=who, at=datetime(2026, 11, 29, tzinfo=UTC))


def test_the_book_is_printed_whole() -> None:
    pages = [
        (page.get_width() > page.get_height(), plain(page.get_textpage().get_text_range()))
        for page in pypdfium2.PdfDocument(rendering.render(model(), rendering.press()).content)
    ]
    text = "".join(text for _, text in pages)
    for said in (
        "直接费用小计", "第三年", "合计·财政（大写）：人民币壹仟贰佰万元整", "人民币陆佰万元整", "产出指标", "可持续影响", "1,000,000.00",
        # What follows: a row for each unit, a file for each, birth and age from a number, an option of a field.
        "各单位经费", "经费·合计（大写）：人民币贰仟肆佰万元整", "附件1　北京某某工艺有限公司：协议1.pdf", "联合申报协议（北京传统材料研究院）", "1949-12-31", "三维扫描与建模",
    ):  # fmt: skip
        assert plain(said) in text, said
    assert "（续）" not in text
    assert [across for across, text in pages if plain("直接费用小计") in text] == [True]
    assert [across for across, text in pages if plain("三级指标") in text] == [False]
