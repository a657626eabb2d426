"""A case's materials with what concerns each place."""

from typing import Any
from uuid import uuid4

from services.applications.bureau.case import detail
from services.applications.bureau.materials import materials
from services.applications.bureau.places import name_of, places, words_for
from services.applications.forms.definition import Form
from services.applications.forms.filled import presence
from shared import clock
from shared.contract.returns import OpinionView
from shared.contract.submission import Change

FORM = Form.model_validate(
    {
        "fund_type": "test",
        "version": 1,
        "label": "测试",
        "title": "测试",
        "document_title": "测试",
        "project_name": "plan.bank",
        "contact_name": "plan.bank",
        "contact_email": "plan.bank",
        "sections": [
            {
                "key": "plan",
                "label": "使用规划",
                "title": "使用规划",
                "fields": [{"key": "bank", "label": "开户银行", "kind": "text"}],
                "tables": [
                    {
                        "key": "items",
                        "label": "计划",
                        "columns": [
                            {"key": "name", "label": "科目", "kind": "text"},
                            {"key": "wan", "label": "金额", "kind": "money", "unit": "万元"},
                        ],
                        "totals": ["wan"],
                    }
                ],
                "slots": [{"key": "proof", "label": "证明"}],
            }
        ],
    }
)


def content(rows: list[dict[str, str]], proof: list[str], bank: str = "工行") -> dict[str, Any]:
    return {
        "sections": {"plan": {"bank": bank, "items": rows, "proof": proof}},
        "attachments": {id: {"name": f"{id}.pdf", "size": 1, "media_type": "application/pdf"} for id in proof},
    }


def change(
    field: str, before: Any, after: Any, *, row: str | None = None, column: str | None = None, asked: bool
) -> Change:
    return Change(section="plan", field=field, row=row, column=column, before=before, after=after, asked=asked)


def opinion(text: str, field: str | None = None, row: str | None = None) -> OpinionView:
    return OpinionView(
        id=uuid4(), round_trip=1, section="plan", section_label="使用规划", field=field, field_label=None, row=row, text=text,
        status="open", reply=None, author="陈审查", created_at=clock.now(),
    )  # fmt: skip


def test_every_change_stands_at_its_place() -> None:
    before = content(
        [{"id": "a", "name": "材料费", "wan": "10.00"}, {"id": "b", "name": "旧", "wan": "1.00"}], ["x"]
    )
    after = content(
        [{"id": "a", "name": "材料费", "wan": "1200.00"}, {"id": "c", "name": "新", "wan": "2.00"}], ["y"], "农行"
    )
    [shown] = materials(
        FORM,
        after,
        {},
        earlier=before,
        changes=[
            change("bank", "工行", "农行", asked=True),
            change("proof", ["x"], ["y"], asked=False),
            change("items", "10.00", "1200.00", row="a", column="wan", asked=True),
            change("items", "旧", None, row="b", column="name", asked=False),
            change("items", "1.00", None, row="b", column="wan", asked=False),
            change("items", None, "新", row="c", column="name", asked=False),
            change("items", None, "2.00", row="c", column="wan", asked=False),
        ],
        opinions=[opinion("偏高", "items.wan", "a"), opinion("原第三行", "items", "gone"), opinion("整项")],
    )
    bank = shown.fields[0].change
    assert bank is not None
    assert (bank.before, bank.asked) == ("工行", True)
    table = shown.tables[0]
    assert [(r.id, r.mark, r.asked) for r in table.rows] == [
        ("a", "changed", True), ("c", "new", False), ("b", "removed", False),
    ]  # fmt: skip
    assert [c.before for c in table.rows[0].cells] == [None, "10.00"]
    assert [c.value for c in table.rows[0].cells] == ["材料费", "1,200.00"]
    assert [c.value for c in table.rows[2].cells] == ["旧", "1.00"]
    assert [o.text for o in table.rows[0].opinions] == ["偏高"]
    # An opinion on a row that is gone is not lost with it.
    assert [o.text for o in table.opinions] == ["原第三行"]
    assert [o.text for o in shown.opinions] == ["整项"]
    assert table.head == ["科目", "金额（万元）"]
    assert table.totals == ["合计", "1,202.00"]
    slot = shown.slots[0]
    assert [(f.name, f.new, f.withheld) for f in slot.files] == [("y.pdf", True, False)]
    assert (slot.removed, slot.asked) == (["x.pdf"], False)
    assert (shown.changed, shown.unasked) == (5, 5)


def test_what_was_left_empty_is_there() -> None:
    [shown] = materials(
        FORM, {"sections": {"plan": {"bank": None, "items": [], "proof": []}}, "attachments": {}}, {}
    )
    assert (shown.fields[0].value, shown.fields[0].gone) == ("—", False)
    assert (shown.tables[0].rows, shown.slots[0].files) == ([], [])
    assert shown.tables[0].head == ["科目", "金额（万元）"]


def test_what_a_condition_hid_is_not_there() -> None:
    """A column, a slot, a field, a whole material; and none of them is a place for an opinion."""
    revision = {"sections": {"plan": {"items": [{"id": "a", "name": "材料费"}]}}, "attachments": {}}
    [shown] = materials(FORM, revision, {})
    assert (shown.fields, shown.slots, shown.tables[0].head) == ([], [], ["科目"])
    assert materials(FORM, {"sections": {}, "attachments": {}}, {}) == []
    [group] = places(FORM, revision, {})
    assert [p.name for p in group.places] == ["plan", "plan.items", "plan.items#a"]
    assert places(FORM, {"sections": {}, "attachments": {}}, {}) == []
    known = ("", "items", "items.name", "bank", "items.wan", "proof", "nowhere")
    there = [presence.exists(FORM, revision["sections"], "plan", field) for field in known]
    assert there == [True, True, True, False, False, False, False]
    rows = [presence.exists(FORM, revision["sections"], "plan", "items", row) for row in ("a", "b")]
    assert rows == [True, False]
    assert not presence.exists(FORM, {}, "plan")
    assert not presence.exists(FORM, revision["sections"], "plan", "items.name", "b")


def test_what_is_gone_stands_where_something_was_changed_or_said_of_it() -> None:
    before, after = content([], ["x"]), {"sections": {"plan": {"items": []}}, "attachments": {}}
    changed = [change("bank", "工行", None, asked=False), change("proof", ["x"], None, asked=True)]
    [shown] = materials(FORM, after, {}, earlier=before, changes=changed, opinions=[opinion("请盖章", "proof")])
    assert [(f.key, f.gone, f.change.before if f.change else None) for f in shown.fields] == [
        ("bank", True, "工行")
    ]
    assert [(s.key, s.gone, s.removed, [o.text for o in s.opinions]) for s in shown.slots] == [
        ("proof", True, ["x.pdf"], ["请盖章"])
    ]
    [whole] = materials(
        FORM, {"sections": {}, "attachments": {}}, {}, earlier=before, changes=changed, opinions=[opinion("整项")]
    )
    assert (whole.gone, [f.key for f in whole.fields], whole.changed) == (True, ["bank"], 2)


def test_the_timeline_says_who_had_it_and_why() -> None:
    assert detail("take_over", {"from_holder": "甲", "reason": "休假"}) == "原办理人甲；理由：休假"
    assert detail("assign", {"before": None, "after": "乙"}) == "未分配 → 乙"
    assert detail("save_section", {"section": "plan"}) == ""


def test_every_place_has_a_name_and_words() -> None:
    [group] = places(FORM, content([{"id": "a", "name": "材料费", "wan": "10.00"}], []), {})
    assert [(p.name, p.label) for p in group.places] == [
        ("plan", "使用规划（整项）"),
        ("plan.bank", "开户银行"),
        ("plan.items", "计划"),
        ("plan.items#a", "计划，第 1 行（材料费）"),
        ("plan.proof", "附件：证明"),
    ]
    assert name_of("plan", "items", "a") == "plan.items#a"
    assert words_for([group], "plan.bank") == "使用规划 · 开户银行"
    assert words_for([group], "plan") == "使用规划（整项）"
    assert words_for([group], "") == "整体"
    assert words_for([group], "plan.items#gone") is None
