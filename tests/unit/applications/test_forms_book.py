"""A city's application book, said in the form language without detours: it is linted, filled in, and printed."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

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

BOOK = Path(__file__).parent / "books" / "keji-1.yaml"
FACTS = Facts(RoundFacts(), today=date(2026, 11, 29))


def book() -> Form:
    form, faults, _ = read_file(BOOK)
    assert form is not None, faults
    return form


def filled(form: Form) -> dict[str, Any]:
    """What somebody fills in: every amount of a year is 100 万元, and six devices cost as much as the budget says."""
    values = made_up(form, FACTS)
    values["budget"] |= {"applied_wan": "1200.00"}
    device = {"name": "三维扫描仪", "model": "S-1", "price": "1000000.00", "n": 6}
    values["budget"]["equipment"] = [{"id": "e1", **device}]
    values["base"]["people"][0] |= {"name": "王小明", "role": "负责设计", "phone": "13800000000"}
    return values


def test_the_book_has_no_fault() -> None:
    assert lint_file(BOOK) == []


def test_the_book_is_filled_in_and_its_checks_agree() -> None:
    form = book()
    values = filled(form)
    for section in form.sections:
        _, errors = judged(section, values[section.key], Context(form=form, facts=FACTS, saved=values))
        assert errors == []
    assert {o.id: (o.left, o.right, o.holds) for o in evaluate(form, values, FACTS)} == {
        "equipment_sum": ("600.00", "600.00", True),
        "fiscal": ("1200.00", "1200.00", True),
        # A limit that is a number of the form stands in the rule.
        "shares": (None, None, True),
    }


def paper(form: Form) -> bytes:
    counted = effective(form, filled(form), FACTS)
    who = {"name": "北京某某工艺有限公司", "uscc": "91110105MA00TE5T2T"}
    model = document_model.of_snapshot(form, counted, {}, enterprise=who, at=datetime(2026, 11, 29, tzinfo=UTC))
    return rendering.render(model, rendering.press()).content


def test_the_book_is_printed_whole() -> None:
    pages = [
        (page.get_width() > page.get_height(), plain(page.get_textpage().get_text_range()))
        for page in pypdfium2.PdfDocument(paper(book()))
    ]
    text = "".join(text for _, text in pages)
    for said in (
        "直接费用小计", "第三年", "合计·财政（大写）：人民币壹仟贰佰万元整", "人民币陆佰万元整", "产出指标", "可持续影响", "1,000,000.00",
    ):  # fmt: skip
        assert plain(said) in text, said
    assert "（续）" not in text
    assert [across for across, text in pages if plain("直接费用小计") in text] == [True]
    assert [across for across, text in pages if plain("三级指标") in text] == [False]
