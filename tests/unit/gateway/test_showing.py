"""A case's materials with what concerns each place."""

from typing import Any

from services.gateway.review.case_view import detail, files, materials

FORM: dict[str, Any] = {
    "sections": [
        {
            "key": "plan",
            "label": "使用规划",
            "fields": [{"key": "bank", "label": "开户银行", "kind": "text"}],
            "tables": [
                {
                    "key": "items",
                    "label": "计划",
                    "row_label": "项目",
                    "fixed_rows": [],
                    "columns": [
                        {"key": "name", "label": "科目", "kind": "text"},
                        {"key": "wan", "label": "金额", "kind": "money", "unit": "万元"},
                    ],
                    "totals": ["wan"],
                    "total_label": "合计",
                }
            ],
            "slots": [{"key": "proof", "label": "证明"}],
        }
    ]
}


def content(rows: list[dict[str, str]], proof: list[str], bank: str = "工行") -> dict[str, Any]:
    return {
        "sections": {"plan": {"bank": bank, "items": rows, "proof": proof}},
        "attachments": {id: {"name": f"{id}.pdf", "size": 1, "media_type": "application/pdf"} for id in proof},
    }


def change(
    field: str, before: Any, after: Any, *, row: str | None = None, column: str | None = None, asked: bool
) -> Any:
    return {
        "section": "plan", "field": field, "row": row, "column": column, "before": before, "after": after, "asked": asked
    }  # fmt: skip


def test_every_change_stands_at_its_place() -> None:
    before = content(
        [{"id": "a", "name": "材料费", "wan": "10.00"}, {"id": "b", "name": "旧", "wan": "1.00"}], ["x"]
    )
    after = content(
        [{"id": "a", "name": "材料费", "wan": "12.00"}, {"id": "c", "name": "新", "wan": "2.00"}], ["y"], "农行"
    )
    [shown] = materials(
        FORM,
        after,
        earlier=before,
        changes=[
            change("bank", "工行", "农行", asked=True),
            change("proof", ["x"], ["y"], asked=False),
            change("items", "10.00", "12.00", row="a", column="wan", asked=True),
            change("items", "旧", None, row="b", column="name", asked=False),
            change("items", "1.00", None, row="b", column="wan", asked=False),
            change("items", None, "新", row="c", column="name", asked=False),
            change("items", None, "2.00", row="c", column="wan", asked=False),
        ],
        opinions=[
            {"section": "plan", "field": "items.wan", "row": "a", "text": "偏高"},
            {"section": "plan", "field": "items", "row": "gone", "text": "原第三行"},
            {"section": "plan", "field": None, "row": None, "text": "整项"},
        ],
        checks=[{"section": "plan", "holds": True}, {"section": "plan", "holds": False}],
    )
    assert shown["fields"][0]["change"] == {"before": "工行", "asked": True}
    rows = shown["tables"][0]["rows"]
    assert [(r["id"], r["mark"], r["asked"]) for r in rows] == [
        ("a", "changed", True), ("c", "new", False), ("b", "removed", False),
    ]  # fmt: skip
    assert [c["before"] for c in rows[0]["cells"]] == [None, "10.00"]
    assert [c["value"] for c in rows[2]["cells"]] == ["旧", "1.00"]
    assert [o["text"] for o in rows[0]["opinions"]] == ["偏高"]
    # An opinion on a row that is gone is not lost with it.
    assert [o["text"] for o in shown["tables"][0]["opinions"]] == ["原第三行"]
    assert [o["text"] for o in shown["opinions"]] == ["整项"]
    assert shown["tables"][0]["totals"] == ["合计", "14.00"]
    slot = shown["slots"][0]
    assert [(f["name"], f["new"]) for f in slot["files"]] == [("y.pdf", True)]
    assert [f["name"] for f in slot["removed"]] == ["x.pdf"]
    assert (shown["changed"], shown["unasked"]) == (5, 5)
    assert len(shown["checks"]) == 1
    assert [f["place"] for f in files([shown])] == ["使用规划 · 证明"]


def test_an_empty_submission_shows_every_place() -> None:
    [shown] = materials(FORM, {"sections": {}, "attachments": {}})
    assert shown["fields"][0]["value"] == "—"
    assert shown["tables"][0]["rows"] == []
    assert shown["slots"][0]["files"] == []


def test_the_timeline_says_who_had_it_and_why() -> None:
    entry = {"action": "take_over", "details": {"from_holder": "甲", "reason": "休假"}}
    assert detail(entry) == "原办理人甲；理由：休假"
    assert detail({"action": "assign", "details": {"before": None, "after": "乙"}}) == "未分配 → 乙"
    assert detail({"action": "save_section", "details": {"section": "plan"}}) == ""
