"""What follows something else in a form: rows that follow another table's, a file for each row, options that follow a choice, and what an
ID number says."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.applications.documents import document_model
from services.applications.forms.authoring.lint import lint_text
from services.applications.forms.authoring.made_up import made_up
from services.applications.forms.authoring.source import read_form
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled.reading import MAX_ROWS, Context, draft
from services.applications.forms.filled.reading_view import material
from services.applications.forms.filled.section_state import effective, now
from services.applications.forms.filled.situation import Facts, Situation
from services.applications.forms.filled.validation import judged
from services.applications.forms.versions.rebase import rebase
from services.gateway.form import form_values, form_view, row_buttons, section_state
from services.gateway.form.form_parts import Beside, SectionForm
from shared.contract.forms import FormDefinition, SectionDefinition
from shared.contract.pages import ReadFile
from shared.contract.sections import AttachmentView
from shared.errors import Invalid

FACTS = Facts(RoundFacts(), today=date(2026, 11, 30))
BOOK = """fund_type: example
version: 1
label: 例
title: 例
document_title: 例
project_name: a.name
sections:
  - key: a
    label: 甲
    title: 甲项材料
    fields:
      - {key: name, kind: text, label: 名称}
      - {key: class, kind: radio, label: 门类, options: [雕塑, 织绣]}
      - {key: craft, kind: select, label: 品种, follows: class, options_for: {雕塑: [玉雕, 牙雕], 织绣: [京绣, {value: rug, label: 宫毯}]}}
      - {key: id_no, kind: id_card, label: 身份证号码, required: false, sensitive: true}
      - {key: born, kind: computed, label: 出生日期, gives: date, sensitive: true, value: born(id_no)}
      - {key: sex, kind: computed, label: 性别, gives: text, sensitive: true, value: sex(id_no)}
      - {key: age, kind: computed, label: 周岁, gives: integer, sensitive: true, value: "age(born(id_no), today)"}
      - {key: joint, kind: checkbox, label: 联合申报, required: false}
    tables:
      - key: partners
        label: 联合单位
        visible_if: joint
        columns:
          - {key: org, kind: text, label: 单位名称, max: 40}
          - {key: share, kind: percent, label: 占比, required: false}
    slots:
      - {key: deed, label: 合作协议, each_row: partners, accept: [pdf]}
  - key: b
    label: 乙
    title: 乙项材料
    fields:
      - {key: paid, kind: computed, label: 经费合计, gives: money, value: sum(costs.wan)}
    tables:
      - key: costs
        label: 各单位经费
        rows_from: a.partners
        columns:
          - {key: org, kind: computed, label: 单位, gives: text, value: source.org}
          - {key: wan, kind: money, label: 经费, required_if: source.share > 0}
        totals: [wan]
"""
BASE = {"name": "名", "class": "雕塑", "craft": "玉雕", "joint": True}
# What rows hold: an id, and whether somebody wrote a name in it.
ROWS = st.lists(st.tuples(st.sampled_from("pqrstu"), st.booleans()), max_size=5, unique_by=lambda row: row[0])


def form_of(text: str = BOOK) -> Form:
    form, faults, _ = read_form(text)
    assert form is not None, faults
    return form


def context(form: Form, saved: dict[str, Any] | None = None, files: frozenset[str] = frozenset()) -> Context:
    return Context(form=form, facts=FACTS, saved=saved or {}, files={"deed": files})


def partners(*ids: str) -> list[dict[str, Any]]:
    return [{"id": id, "org": f"{id} 公司", "share": "10"} for id in ids]


def sent(form: Form, section: int, values: dict[str, Any], **beside: Any) -> tuple[dict[str, Any], list[Any]]:
    return judged(form.sections[section], values, context(form, **beside))


# ---- rows that follow rows ---------------------------------------------------------------------------------------


@given(before=ROWS, after=ROWS, typed=st.sets(st.sampled_from("pqrstuvw")), shown=st.booleans())
def test_a_table_has_a_row_for_each_that_it_follows(
    before: list[tuple[str, bool]], after: list[tuple[str, bool]], typed: set[str], shown: bool
) -> None:
    """In the same order, whatever was sent; what was typed in a row stays as long as the row that it follows."""
    form = form_of()

    def rows(found: list[tuple[str, bool]]) -> list[dict[str, Any]]:
        return [{"id": id, **({"org": f"{id} 公司"} if filled else {})} for id, filled in found]

    a, _ = sent(form, 0, BASE | {"partners": rows(before)})
    b, _ = sent(form, 1, {"costs": [{"id": id, "wan": "5.00"} for id in sorted(typed)]}, saved={"a": a})
    there = {id for id, filled in before if filled}
    assert {row["id"] for row in b["costs"]} == typed & there
    a, _ = sent(form, 0, BASE | {"joint": shown, "partners": rows(after)})
    counted = effective(form, {"a": a, "b": b}, FACTS)["b"]["costs"]
    expected = [id for id, filled in after if filled] if shown else []
    assert [row["id"] for row in counted] == expected
    assert [row["org"] for row in counted] == [f"{id} 公司" for id in expected]
    assert [row["wan"] for row in counted] == ["5.00" if id in typed & there else None for id in expected]
    _, errors = sent(form, 1, b, saved={"a": a})
    assert errors == []
    state = now(form.sections[1], Situation(form, {"a": a, "b": b}, FACTS)).tables["costs"]
    assert list(state.rows) == expected
    assert state.rows_from == "联合单位"


def test_what_is_asked_in_a_row_follows_from_the_row_it_follows() -> None:
    form = form_of()
    rows = partners("p", "q")
    rows[1]["share"] = ""
    a, _ = sent(form, 0, BASE | {"partners": rows})
    _, errors = sent(form, 1, {}, saved={"a": a})
    assert [(e.row, e.column, e.code, e.place) for e in errors] == [("p", "wan", "required", "第 1 行（p 公司）")]


def test_rows_are_ten_thousand_in_vain() -> None:
    form = form_of()
    a, _ = sent(form, 0, BASE | {"partners": partners("p")})
    kept, errors = sent(form, 1, {"costs": [{"id": f"x{n}", "wan": "1"} for n in range(10_000)]}, saved={"a": a})
    assert kept["costs"] == []
    assert [e.code for e in errors] == ["too_many_rows", "required"]
    kept, errors = sent(form, 1, {"costs": [{"id": f"x{n}", "wan": "1"} for n in range(MAX_ROWS)]}, saved={"a": a})
    assert kept["costs"] == []
    assert [(e.code, e.row) for e in errors] == [("required", "p")]


# ---- a file for each row -----------------------------------------------------------------------------------------

IDS = [str(UUID(int=n)) for n in range(1, 9)]


@given(rows=st.lists(st.sampled_from("pqrs"), unique=True, min_size=1), filed=st.dictionaries(st.sampled_from(IDS), st.sampled_from("pqrsx")),
       there=st.sets(st.sampled_from(IDS)))  # fmt: skip
def test_each_row_has_its_file(rows: list[str], filed: dict[str, str], there: set[str]) -> None:
    """A file that was put to a row which does not exist is not kept; a row without one, or with two, or with one that is not there, is
    said at its place."""
    form = form_of()
    kept, errors = sent(form, 0, BASE | {"partners": partners(*rows), "deed": filed}, files=frozenset(there))
    assert kept["deed"] == {file: row for file, row in filed.items() if row in rows}
    of = {row: [file for file, r in filed.items() if r == row] for row in rows}
    expected = set()
    for row, files in of.items():
        if not files:
            expected.add((row, "required"))
        if len(files) > 1:
            expected.add((row, "too_many_files"))
        if set(files) - there:
            expected.add((row, "unknown_file"))
    assert {(e.row, e.code) for e in errors} == expected
    assert all(f"{e.row} 公司" in e.message for e in errors)


@pytest.mark.parametrize(
    "raw", [["x"], "x", 3, {"x": 1}, {"x": ["p"]}, {str(n): "p" for n in range(MAX_ROWS + 1)}]
)
def test_nonsense_for_files_is_refused(raw: Any) -> None:
    kept, errors = sent(form_of(), 0, BASE | {"partners": partners("p"), "deed": raw})
    assert kept["deed"] == {}
    assert "type" in {e.code for e in errors}


def filled() -> tuple[Form, dict[str, dict[str, Any]]]:
    form = form_of()
    # Sent in another order than the rows have.
    deeds = {IDS[0]: "q", IDS[1]: "p"}
    a, errors = sent(form, 0, BASE | {"partners": partners("p", "q"), "deed": deeds}, files=frozenset(IDS))
    b, more = sent(form, 1, {"costs": [{"id": "q", "wan": "2.00"}, {"id": "p", "wan": "1.00"}]}, saved={"a": a})
    assert errors + more == []
    return form, effective(form, {"a": a, "b": b}, FACTS)


def test_files_are_read_and_printed_by_the_names_of_their_rows() -> None:
    form, counted = filled()
    files = {id: ReadFile(id=UUID(id), name=f"{n}.pdf", size=n) for n, id in enumerate(IDS)}
    read = material(form.sections[0], counted["a"], files, {})
    assert [file.name for file in read.slots[0].files] == ["p 公司：1.pdf", "q 公司：0.pdf"]
    stored = {id: {"name": f.name, "size": f.size, "sha256": "ab" * 32} for id, f in files.items()}
    model = document_model.of_snapshot(
        form, counted, stored, enterprise={"name": "某公司", "uscc": ""}, at=datetime(2026, 11, 30, tzinfo=UTC)
    )
    assert model.materials[0].blocks[-1].values[0].text == "附件1　p 公司：1.pdf\n附件2　q 公司：0.pdf"  # type: ignore[union-attr]
    assert [row[:3] for row in model.appendices[0].blocks[0].rows] == [  # type: ignore[union-attr]
        ["1", "合作协议（p 公司）", "1.pdf"],
        ["2", "合作协议（q 公司）", "0.pdf"],
    ]
    table = model.materials[1].blocks[-1]
    assert [row[1:] for row in table.rows] == [["p 公司", "1.00"], ["q 公司", "2.00"]]  # type: ignore[union-attr]


# ---- the page ----------------------------------------------------------------------------------------------------


def defined(form: Form) -> FormDefinition:
    return FormDefinition.model_validate_json(form.model_dump_json())


def page_of(
    section: SectionDefinition, form: Form, key: str, values: dict[str, Any], saved: dict[str, Any]
) -> tuple[SectionForm, dict[str, list[str]]]:
    """The page, and what a browser would send of it."""
    state = now(form.by_key[key], Situation(form, {**saved, key: values}, FACTS))
    shown = section_state.as_shown(section, state)
    values = section_state.with_computed(shown, values, state)
    files = [
        AttachmentView(id=UUID(id), section="a", slot="deed", name=f"{id[-1]}.pdf", size=1, media_type="application/pdf",
                       sha256="", scanned_at=None, infected=None)
        for id in IDS
    ]  # fmt: skip
    made = form_view.build(shown, values, {}, files, Beside(), state)
    back: dict[str, list[str]] = {i.name: [str(i.value)] for i in made.inputs if i.kind != "computed" and i.value}
    for table in made.tables:
        for row in table.rows:
            back[row.key_name] = [row.key]
            back |= {c.name: [str(c.value)] for c in row.cells if c.kind != "computed" and c.value is not None}
    for slot in made.slots:
        back |= {f"s.{place.key}": [str(f.id) for f in place.files] for place in slot.rows or () if place.files}
    return made, back


def test_a_page_gives_back_what_it_shows() -> None:
    form, counted = filled()
    whole = defined(form)
    made, back = page_of(whole.by_key["a"], form, "a", counted["a"], {})
    assert [(p.key, p.label, [f.name for f in p.files]) for p in made.slots[0].rows or ()] == [
        ("deed.p", "p 公司", ["2.pdf"]),
        ("deed.q", "q 公司", ["1.pdf"]),
    ]
    read = form_values.read(whole.by_key["a"], back)
    assert read["deed"] == counted["a"]["deed"]
    made, back = page_of(whole.by_key["b"], form, "b", {"costs": [{"id": "q", "wan": "2.00"}]}, counted)
    [table] = made.tables
    assert [(row.key, [cell.value for cell in row.cells]) for row in table.rows] == [
        ("p", ["p 公司", ""]),
        ("q", ["q 公司", "2.00"]),
    ]
    assert (table.free, table.followed) == (False, "联合单位")
    assert form_values.read(whole.by_key["b"], back)["costs"] == [
        {"id": "p", "wan": ""},
        {"id": "q", "wan": "2.00"},
    ]
    choice = next(
        i
        for i in made.inputs + page_of(whole.by_key["a"], form, "a", counted["a"], {})[0].inputs
        if i.label == "品种"
    )
    assert [o.value for o in choice.options] == ["玉雕", "牙雕"]
    assert '"织绣": [["京绣", "京绣"], ["rug", "宫毯"]]' in choice.options_for


def test_a_removed_row_takes_its_file_with_it() -> None:
    form = form_of()
    whole = defined(form)
    section = whole.by_key["a"]
    values: dict[str, Any] = {"partners": partners("p", "q"), "deed": {IDS[0]: "p", IDS[1]: "q"}}
    row_buttons.change(section, "remove", "partners:p", values)
    assert values["deed"] == {IDS[1]: "q"}
    row_buttons.change(section, "unlink", f"deed.q:{IDS[1]}", values)
    assert values["deed"] == {}
    assert row_buttons.followed(whole, section, "partners")
    assert not row_buttons.followed(whole, whole.by_key["b"], "costs")


def test_a_page_is_made_anew_when_rows_come_or_their_names_change() -> None:
    form = form_of()
    whole = defined(form)

    def shapes(*ids: str, named: str = "公司") -> tuple[str, ...]:
        saved = {"a": {**BASE, "partners": [{"id": id, "org": f"{id} {named}"} for id in ids]}, "b": {}}
        at = Situation(form, saved, FACTS)
        return tuple(section_state.shape(whole.by_key[s.key], now(s, at)) for s in form.sections)

    assert shapes("p") != shapes("p", "q")
    assert shapes("p")[0] != shapes("p", named="厂")[0]
    assert shapes("p")[1] == shapes("p", named="厂")[1]


# ---- options that follow a choice --------------------------------------------------------------------------------


@given(
    chosen=st.sampled_from([None, "雕塑", "织绣"]),
    craft=st.sampled_from([None, "玉雕", "牙雕", "京绣", "rug", "宫毯", "石雕"]),
)
def test_an_option_belongs_to_what_is_chosen(chosen: str | None, craft: str | None) -> None:
    """In the browser or forged past it."""
    offered = {"雕塑": {"玉雕", "牙雕"}, "织绣": {"京绣", "rug"}, None: set[str]()}[chosen]
    _, errors = sent(form_of(), 0, {"name": "名", "class": chosen, "craft": craft})
    codes = {e.field: e.code for e in errors}
    assert codes.get("craft") == (None if craft in offered else "required" if craft is None else "not_an_option")


def test_what_does_not_belong_says_to_what() -> None:
    _, errors = sent(form_of(), 0, BASE | {"craft": "rug", "joint": False})
    assert [e.message for e in errors] == ["“宫毯”不属于所选的“门类”，请重新选择"]


# ---- ID numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "born", "sex", "age"),
    [
        ("11010519491231002X", "1949-12-31", "女", 76),
        ("110105200011300016", "2000-11-30", "男", 26),
        ("110105200012010014", "2000-12-01", "男", 25),
        ("110105200402290019", "2004-02-29", "男", 22),
        (None, None, None, None),
    ],
)
def test_an_id_number_says_birth_sex_and_age(
    number: str | None, born: str | None, sex: str | None, age: int | None
) -> None:
    found = Situation(form_of(), {"a": {"id_no": number}}, FACTS)
    assert tuple(found.kept("a", key) for key in ("born", "sex", "age")) == (born, sex, age)


# ---- authoring ---------------------------------------------------------------------------------------------------


def test_the_form_has_no_fault_and_an_application_is_made_up_for_it() -> None:
    assert lint_text(BOOK) == []
    form = form_of(BOOK.replace("visible_if: joint\n", "min_rows: 2\n"))
    values = made_up(form, FACTS)
    assert (values["a"]["class"], values["a"]["craft"]) == ("雕塑", "玉雕")
    assert set(values["a"]["deed"].values()) == {row["id"] for row in values["a"]["partners"]}
    assert [row["id"] for row in values["b"]["costs"]] == [row["id"] for row in values["a"]["partners"]]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("each_row: partners", "each_row: costs", 28, "“costs”不是本材料的表格"),
        ("each_row: partners", "each_row: partners, max_files: 3", 28, "每行一个文件，不能写 max_files"),
        ("rows_from: a.partners", "rows_from: a.people", 37, "找不到“a.people”；应写成“材料.表格”"),
        ("rows_from: a.partners", "rows_from: partners", 37, "找不到“partners”；应写成“材料.表格”"),
        ("rows_from: a.partners", "rows_from: b.costs", 37, "“b.costs”的行不是由申报单位定的，不能跟随"),
        ("rows_from: a.partners", "rows_from: a.partners\n        min_rows: 2", 37, "行数由那张表定"),
        ("value: source.org", "value: source.town", 39, "找不到“source.town”"),
        ("value: source.org", "value: '\"甲\"'", 38, "没有一列写明是哪一行"),
        ("follows: class", "follows: name", 14, "“name”不是旁边的下拉选择或单选，不能跟随"),
        ("织绣: [京绣", "刺绣: [京绣", 14, "“刺绣”不是“class”的选项"),
        (", 织绣: [京绣, {value: rug, label: 宫毯}]", "", 14, "“门类”选了“织绣”时，“品种”没有可选的"),
        ("follows: class, ", "", 14, "follows（跟随哪个选择）和 options_for（各有哪些选项）应一起写"),
        ("visible_if: joint", 'visible_if: b.paid > 3', 23, "互相决定，绕成了一圈"),
        ("gives: date, sensitive: true", "gives: date", 16, "由敏感内容算出，也请写 sensitive: true"),
    ],
)  # fmt: skip
def test_lint_says_what_follows_nothing(old: str, new: str, line: int, said: str) -> None:
    assert BOOK.count(old) == 1
    faults = [(fault.line, fault.message) for fault in lint_text(BOOK.replace(old, new))]
    assert [n for n, message in faults if said in message] == [line], faults


# The same with a slot and a table that follow nothing.
ALONE = (
    BOOK.replace(", each_row: partners", "")
    .replace("        rows_from: a.partners\n", "")
    .replace("value: source.org", "value: '\"甲\"'")
    .replace("required_if: source.share > 0", "required: false")
)


def test_a_newer_version_keeps_rows_and_files_or_says_where_they_went() -> None:
    form, counted = filled()
    same = rebase([form, form_of(BOOK.replace("version: 1", "version: 2"))], counted, {})
    assert same.sections["a"]["deed"] == counted["a"]["deed"]
    assert [row["id"] for row in same.sections["b"]["costs"]] == ["p", "q"]
    assert same.left_over == []
    freed = rebase([form, form_of(ALONE.replace("version: 1", "version: 2"))], counted, {})
    assert sorted(freed.sections["a"]["deed"]) == sorted(counted["a"]["deed"])
    assert freed.left_over == []
    bound = form_of(BOOK.replace("version: 1", "version: 2"))
    back = rebase([form_of(ALONE), bound], {**counted, "a": counted["a"] | {"deed": IDS[:2]}}, {})
    assert [(left.section, left.field, left.code) for left in back.left_over] == [
        ("a", "deed", "no_home"),
        ("b", "costs", "no_home"),
    ]


def test_a_table_cannot_have_more_rows_than_a_request_may_bring() -> None:
    with pytest.raises(Invalid):
        draft(form_of().sections[1], {"costs": [{} for _ in range(MAX_ROWS + 1)]})
