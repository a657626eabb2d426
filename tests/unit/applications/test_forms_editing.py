"""A form's text is changed where a change concerns it: comments, quotes and everything else stay as somebody wrote them."""

import pytest

from services.applications.forms.authoring import editing
from services.applications.forms.authoring.editing import CannotEdit, add, move, outline, put, remove, value
from services.applications.forms.authoring.source import Source
from services.applications.forms.catalogue import FOLDER

FILES = sorted(FOLDER.glob("*/2.yaml"))
TEXT = """\
fund_type: craft_fair   # 展会
sections:
  # 第一项材料
  - key: fair
    label: 展会情况
    fields: [{key: a, label: 甲}, {key: b, label: "乙: 二"}]   # 两项
    slots:
      # 合同
      - {key: contract, label: 参展合同}

      - key: photo
        label: 照片
        help: |
          一行
          二行
  # 第二项材料
  - key: budget
    label: 费用   # 万元
    text: 说明
"""


def comments(text: str) -> list[str]:
    return sorted(line.partition("#")[2] for line in text.splitlines() if "#" in line)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.parent.name)
def test_published_forms_are_moved_and_moved_back(file: object) -> None:
    text = FOLDER.joinpath(str(file)).read_text("utf-8")
    entries = [e for e in outline(Source(text)) if e.count > 1]
    for entry in entries[::11]:
        by = 1 if entry.index == 0 else -1
        moved = move(text, entry.at, by)
        assert moved != text
        assert comments(moved) == comments(text)
        assert move(moved, (*entry.at[:-1], entry.index + by), -by) == text
        changed = put(text, entry.at, "help", "请填写: 全称, 与证照一致")
        assert value(Source(changed).data, entry.at)["help"] == "请填写: 全称, 与证照一致"
        assert comments(changed) == comments(text)


def test_items_are_moved_with_their_comments() -> None:
    moved = move(TEXT, ("sections", 1), -1)
    assert (
        moved.index("# 第二项材料")
        < moved.index("key: budget")
        < moved.index("# 第一项材料")
        < moved.index("key: fair")
    )
    assert move(moved, ("sections", 0), 1) == TEXT
    swapped = move(TEXT, ("sections", 0, "fields", 0), 1)
    assert '[{key: b, label: "乙: 二"}, {key: a, label: 甲}]   # 两项' in swapped
    slots = move(TEXT, ("sections", 0, "slots", 0), 1)
    assert slots.index("二行") < slots.index("# 合同") < slots.index("key: contract") < slots.index("# 第二项材料")


def test_properties_are_set_and_taken_away() -> None:
    assert "label: 经费   # 万元\n" in put(TEXT, ("sections", 1), "label", "经费")
    assert '{key: a, label: 甲, visible_if: "b == \\"是\\""}' in put(
        TEXT, ("sections", 0, "fields", 0), "visible_if", 'b == "是"'
    )
    assert "    label: 照片\n        required: false\n" in put(
        TEXT, ("sections", 0, "slots", 1), "required", False
    )
    once = put(TEXT, ("sections", 0, "slots", 1), "help", "一行而已")
    assert "        help: 一行而已\n  # 第二项材料" in once
    assert "help" not in put(TEXT, ("sections", 0, "slots", 1), "help", None)
    assert put(TEXT, ("sections", 0, "slots", 1), "example", None) == TEXT
    listed = put(TEXT, ("sections", 0, "fields", 0), "options", ["是", "否, 或不详", "2026"])
    assert 'options: [是, "否, 或不详", "2026"]}' in listed
    for said in ("true", "2026", "~", "a: b", "# 注", "“引号”", "*x", "- 一", "null", " 两边 ", "行一\n行二"):
        assert value(Source(put(TEXT, ("sections", 1), "help", said)).data, ("sections", 1))["help"] == said


def test_parts_are_added_and_removed() -> None:
    more = add(TEXT, ("sections", 0, "fields"), {"key": "c", "label": "丙"})
    assert '{key: b, label: "乙: 二"}, {key: c, label: 丙}]   # 两项' in more
    below = add(TEXT, ("sections", 0, "slots"), {"key": "c", "label": "丙"})
    assert "          二行\n      - {key: c, label: 丙}\n  # 第二项材料" in below
    first = add(TEXT, ("sections", 1, "tables"), {"key": "t", "label": "表"})
    assert first.endswith("    text: 说明\n    tables:\n      - {key: t, label: 表}\n")
    assert remove(first, ("sections", 1, "tables", 0)) == TEXT
    assert remove(more, ("sections", 0, "fields", 2)) == TEXT
    assert "# 合同" not in remove(TEXT, ("sections", 0, "slots", 0))
    assert 'fields: [{key: b, label: "乙: 二"}]' in remove(TEXT, ("sections", 0, "fields", 0))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("a:\n  - &x {key: k}\n  - *x\n", ("a", 0)),
        ("a:\n  -\n    key: k\n  - {key: l}\n", ("a", 0)),
        ("a: [1, 2]\n", ("a", 1)),
        ("a: [1, 2]\n", ("b", 0)),
        ("a: [1, 2\n", ("a", 0)),
        ("a: {b: 1}\n", ("a", 0)),
    ],
)
def test_what_cannot_be_changed_without_loss_is_refused(text: str, at: tuple[str | int, ...]) -> None:
    with pytest.raises(CannotEdit):
        move(text, at, 1)


def test_a_list_with_comments_is_not_written_over() -> None:
    text = "part:\n  label: 选\n  options:\n    - 甲   # 旧称乙\n    - 丙\n"
    with pytest.raises(CannotEdit, match="注释"):
        put(text, ("part",), "options", ["甲"])
    assert editing.parsed(text)["part"]["options"] == ["甲", "丙"]
