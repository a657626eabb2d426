"""Two people's changes of one text are joined by place: what does not touch is joined, what does is asked about, and nothing is lost."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.applications.forms.authoring import editing
from services.applications.forms.authoring.editing import CannotEdit
from services.applications.forms.authoring.merging import join
from services.applications.forms.authoring.source import Source
from services.applications.forms.catalogue import FOLDER

TEXT = """\
fund_type: fair
sections:
  # 第一项
  - key: fair
    label: 展会
    fields:
      - {key: name, kind: text, label: 名称, max: 60}   # 全称
      # 日期
      - {key: day, kind: date, label: 日期}
      - key: site
        kind: text
        label: 地点
        help: 写到街道
    slots: [{key: a, label: 甲}, {key: b, label: 乙}]
  - key: costs
    label: 费用
    text: 说明
checks:
  - {id: one, holds: filled(fair.name), message: 没有名称, section: fair}
"""
BASE = (FOLDER / "innovation_cluster" / "2.yaml").read_text("utf-8")


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def test_what_does_not_touch_is_joined_with_its_comments() -> None:
    mine = changed(
        TEXT, ("label: 名称", "label: 项目名称"), ("label: 地点", "label: 举办地"), ("# 日期", "# 开幕日期")
    )
    theirs = changed(
        TEXT,
        ("max: 60", "max: 80"),
        ("        help: 写到街道\n", "        help: 写到门牌\n        required: false\n"),
        ("{key: b, label: 乙}", "{key: b, label: 乙}, {key: c, label: 丙}"),
        ("没有名称", "请填写名称"),
    )
    found = join(TEXT, mine, theirs)
    assert found.questions == ()
    assert found.text == changed(
        mine,
        ("max: 60", "max: 80"),
        ("        help: 写到街道\n", "        help: 写到门牌\n        required: false\n"),
        ("{key: b, label: 乙}", "{key: b, label: 乙}, {key: c, label: 丙}"),
        ("没有名称", "请填写名称"),
    )
    assert join(TEXT, TEXT, theirs).text == theirs
    assert join(TEXT, mine, TEXT).text == mine
    assert join(TEXT, mine, mine).text == mine


def test_only_what_both_changed_is_asked_about() -> None:
    mine = changed(TEXT, ("label: 日期", "label: 开幕"), ("label: 费用", "label: 经费"))
    theirs = changed(TEXT, ("label: 日期", "label: 闭幕"), ("text: 说明", "text: 如实填写"))
    found = join(TEXT, mine, theirs)
    assert [q.place for q in found.questions] == ["sections/fair/fields/day/label"]
    question = found.questions[0]
    assert (question.before, question.mine, question.theirs) == ("label: 日期", "label: 开幕", "label: 闭幕")
    assert found.text == changed(mine, ("text: 说明", "text: 如实填写"))
    chosen = join(TEXT, mine, theirs, {question.place: "theirs"})
    assert chosen.text == changed(theirs, ("label: 费用", "label: 经费"))


def test_a_deletion_of_what_somebody_changed_is_asked_about() -> None:
    line = "      - {key: name, kind: text, label: 名称, max: 60}   # 全称\n"
    mine, theirs = changed(TEXT, (line, "")), changed(TEXT, ("label: 名称", "label: 项目名称"))
    found = join(TEXT, mine, theirs)
    assert [(q.place, q.mine) for q in found.questions] == [("sections/fair/fields/name", "")]
    assert found.text == mine
    assert join(TEXT, mine, theirs, {"sections/fair/fields/name": "theirs"}).text == theirs
    # A whole section that somebody deletes while somebody works in it.
    gone = editing.remove(TEXT, ("sections", 0))
    found = join(TEXT, theirs, gone)
    assert [(q.place, q.theirs) for q in found.questions] == [("sections/fair", "")]
    assert (found.text, join(TEXT, theirs, gone, {"sections/fair": "theirs"}).text) == (theirs, gone)


def test_both_add_and_both_move() -> None:
    mine = editing.add(TEXT, ("sections", 0, "fields"), {"key": "x", "label": "我"})
    theirs = editing.add(TEXT, ("sections", 0, "fields"), {"key": "y", "label": "他"})
    keys = [f["key"] for f in editing.parsed(join(TEXT, mine, theirs).text)["sections"][0]["fields"]]
    assert keys == ["name", "day", "site", "y", "x"]
    # One key, two fields.
    other = editing.add(TEXT, ("sections", 0, "fields"), {"key": "x", "label": "他"})
    assert [q.place for q in join(TEXT, mine, other).questions] == ["sections/fair/fields/x/label"] or [
        q.place for q in join(TEXT, mine, other).questions
    ] == ["sections/fair/fields/x"]
    up, down = (editing.move(TEXT, ("sections", 0, "fields", n), 1) for n in (0, 1))
    # name before day and day before site, each of them turned round: a circle, or an order that has both.
    found = join(TEXT, up, down)
    assert found.text in (up, down) or not found.questions


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("a: [", TEXT + "# 注\n"),
        (TEXT + "x: &x {a: 1}\ny: *x\n", TEXT + "# 注\n"),
        ("- 一列\n", "b: 1\n"),
        ("", "b: 1\n"),
        ("a: &a [*a]\n", "b: 1\n"),
        ("a: " + "[" * 3000, TEXT + "# 注\n"),
    ],
    ids=["no-yaml", "alias", "list", "empty", "circle", "deep"],
)
def test_what_cannot_be_cut_is_asked_about_as_a_whole(mine: str, theirs: str) -> None:
    found = join(TEXT, mine, theirs)
    assert [(q.place, q.mine, q.theirs) for q in found.questions] == [("", mine, theirs)]
    assert (found.text, join(TEXT, mine, theirs, {"": "theirs"}).text) == (mine, theirs)


# ---- random edits by two -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Edit:
    """A change that finds its place by keys, so that it means the same in any version of the text; `touches` are the places it concerns."""

    act: str
    keys: tuple[str, ...]
    name: str

    def at(self, text: str) -> tuple[str | int, ...]:
        data: Any = editing.parsed(text)
        found: list[str | int] = []
        for step in self.keys:
            if isinstance(data, list):
                index = next(i for i, item in enumerate(data) if item.get("key", item.get("id")) == step)
                found.append(index)
                data = data[index]
            else:
                found.append(step)
                data = data[step]
        return tuple(found)

    def apply(self, text: str) -> str:
        at = self.at(text)
        if self.act == "put":
            return editing.put(text, at, self.name, f"改 {self.name}")
        if self.act == "take":
            return editing.put(text, at, self.name, None)
        if self.act == "remove":
            return editing.remove(text, at)
        if self.act == "move":
            return editing.move(text, at, 1)
        return editing.add(text, at, {"key": self.name, "kind": "text", "label": "新"})


def touches(edit: Edit, base: str) -> tuple[set[tuple[str, ...]], tuple[str, ...]]:
    """Return the places an edit concerns, and its list where it is about an order."""
    if edit.act in ("put", "take"):
        return {(*edit.keys, edit.name)}, ()
    if edit.act == "add":
        return {(*edit.keys, edit.name)}, ()
    if edit.act == "move":
        listed: Any = editing.parsed(base)
        for step in edit.at(base)[:-1]:
            listed = listed[step]
        beside = listed[int(edit.at(base)[-1]) + 1]
        return {edit.keys, (*edit.keys[:-1], beside.get("key", beside.get("id")))}, edit.keys[:-1]
    return {edit.keys}, ()


def apart(a: Edit, b: Edit, base: str) -> bool:
    one, other = touches(a, base), touches(b, base)
    for x in one[0]:
        for y in other[0]:
            moved = (a.act == "move", b.act == "move")
            inside = x[: len(y)] == y or y[: len(x)] == x
            # What is within a part that is moved goes along.
            if inside and not (
                True in moved and moved != (True, True) and "remove" not in (a.act, b.act) and x != y
            ):
                return False
    return True


@st.composite
def edits(draw: st.DrawFn, base: str, name: str) -> Edit:
    entries = [e for e in editing.outline(Source(base)) if e.key]
    entry = draw(st.sampled_from(entries))
    data: Any = editing.parsed(base)
    keys: list[str] = []
    for step in entry.at:
        data = data[step]
        keys.append(str(data.get("key", data.get("id"))) if isinstance(step, int) else step)
    act = draw(st.sampled_from(["put", "put", "take", "remove", "move", "add"]))
    if act == "put":
        return Edit(act, tuple(keys), draw(st.sampled_from(["help", "label", "message"])))
    if act == "take":
        return Edit(act, tuple(keys), draw(st.sampled_from(["help", "group", "visible_if", "max", "width"])))
    if act == "move":
        assume(entry.index + 1 < entry.count)
    if act == "remove":
        assume(entry.count > 1)
    if act == "add":
        assume(entry.sort == "sections")
        assume("fields" in data)
        return Edit(act, (*keys, "fields"), name)
    return Edit(act, tuple(keys), "")


def comments(text: str) -> list[str]:
    return sorted(line for line in text.splitlines() if "#" in line)


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_random_edits_of_two_are_joined_as_if_made_one_after_another(data: st.DataObject) -> None:
    base = BASE
    mine_edit, their_edit = data.draw(edits(base, "newm")), data.draw(edits(base, "newt"))
    try:
        mine, theirs = mine_edit.apply(base), their_edit.apply(base)
        assume(apart(mine_edit, their_edit, base))
        wanted = mine_edit.apply(theirs)
    except CannotEdit:
        assume(False)
    found = join(base, mine, theirs)
    assert found.questions == ()
    assert Source(found.text).data == Source(wanted).data
    assert comments(found.text) == comments(wanted)
