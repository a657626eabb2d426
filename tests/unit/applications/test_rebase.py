"""Values from one version of a form in another: what is kept, moved, looked at, left over; and that nothing is lost."""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.catalogue import forms
from services.applications.forms.definition import Form
from services.applications.forms.filled import reading
from services.applications.forms.versions.rebase import Rebased, rebase
from tests import factories

REWARD = catalogue_form("reward", 1)
Json = dict[str, Any]
DIRECTIONS = {"directions": ["国家级重大活动礼品设计开发", "挖掘抢救保护品种技艺", "生产工艺和产品创新研发"]}


def again(**changes: Any) -> Form:
    """The reward form as its next version, without checks; `changes` take a section's data by its key."""
    data = REWARD.model_dump(mode="json", exclude_defaults=True)
    data |= {"version": 2, "checks": []}
    for key, change in changes.items():
        change(next(s for s in data["sections"] if s["key"] == key))
    return Form.model_validate(data)


def part(section: Json, key: str) -> Json:
    return next(p for kind in ("fields", "tables", "slots") for p in section.get(kind, ()) if p["key"] == key)


def without(section: Json, key: str) -> Json:
    found = part(section, key)
    for kind in ("fields", "tables", "slots"):
        section[kind] = [p for p in section.get(kind, ()) if p["key"] != key]
    return found


def values() -> dict[str, Json]:
    return factories.reward_values({slot: [f"{slot}-1", f"{slot}-2"] for slot in factories.REWARD_SLOTS})


def moved_to(new: Form, sections: dict[str, Json] | None = None, **choices: Any) -> Rebased:
    return rebase([REWARD, new], sections or values(), {**DIRECTIONS, **choices})


def of(done: Rebased, kind: str) -> set[tuple[str, str, str | None, str]]:
    return {(e.section, e.field or "", e.column, e.code) for e in done.entries if e.kind == kind}


def test_the_same_form_keeps_everything_as_it_is() -> None:
    done = rebase([REWARD], values(), DIRECTIONS)
    assert done.sections == values()
    assert done.left_over == []
    assert {e.kind for e in done.entries} == {"kept"}


def test_a_new_field_is_asked_for_and_nothing_else_changes() -> None:
    new = again(contact=lambda s: s["fields"].append({"key": "wechat", "kind": "text", "label": "微信号"}))
    done = moved_to(new)
    assert done.sections == values()
    assert of(done, "new") == {("contact", "wechat", None, "new_part")}
    assert not of(done, "attention") | of(done, "left_over") | of(done, "moved")


def test_renamed_and_moved_parts_take_their_values_along() -> None:
    def contact(section: Json) -> None:
        part(section, "mobile").update(key="cell", was="mobile")
        without(section, "contact_phone")

    def company(section: Json) -> None:
        section["fields"].append({"key": "contact_phone", "kind": "phone", "label": "电话"})
        section["fields"].append({"key": "mail", "was": "contact.email", "kind": "email", "label": "邮箱"})
        part(section, "finance").update(key="years", was="finance")
        columns = part(section, "years")["columns"]
        next(c for c in columns if c["key"] == "tax_wan").update(key="taxes", was="tax_wan")
        part(section, "years")["fixed_rows"][0].update(key="last", was="last_year")

    data = again(contact=contact, company=company).model_dump(mode="json", exclude_defaults=True)
    # The field whose value went to `mail` is another one now.
    next(s for s in data["sections"] if s["key"] == "social_benefit").update(key="benefit", was="social_benefit")
    old = values()
    old["company"]["finance"] = [{**row, "id": row["row"]} for row in old["company"]["finance"]]
    done = moved_to(Form.model_validate(data), old)
    assert done.sections["contact"]["cell"] == old["contact"]["mobile"]
    assert done.sections["company"]["contact_phone"] == old["contact"]["contact_phone"]
    assert done.sections["company"]["mail"] == old["contact"]["email"]
    assert "email" not in done.sections["contact"]
    assert done.sections["benefit"] == old["social_benefit"]
    first = done.sections["company"]["years"][0]
    assert (first["row"], first["id"]) == ("last", "last")
    assert first["taxes"] == old["company"]["finance"][0]["tax_wan"]
    assert {("contact", "cell"), ("company", "mail"), ("company", "contact_phone"), ("company", "years")} <= {
        (section, field) for section, field, _, _ in of(done, "moved")
    }
    assert done.left_over == []


def test_what_has_no_home_is_left_over_as_people_read_it() -> None:
    def company(section: Json) -> None:
        without(section, "industry")
        part(section, "finance")["columns"] = [
            c for c in part(section, "finance")["columns"] if c["key"] != "tax_wan"
        ]
        part(section, "finance")["fixed_rows"].pop()

    def content(section: Json) -> None:
        without(section, "photos")
        without(section, "gifts")

    done = moved_to(again(company=company, project_content=content))
    left = {(x.section, x.label): x for x in done.left_over}
    old = values()
    assert left["company", "所属行业"].value == old["company"]["industry"]
    assert left["company", "所属行业"].home == "company"
    taxes = left["company", "近两年经营情况 · 纳税总额"]
    assert taxes.value == {"上一年度": old["company"]["finance"][0]["tax_wan"]}
    assert taxes.text.startswith("上一年度：")
    rows = left["company", "近两年经营情况"]
    assert rows.value["前一年度"]["tax_wan"] == old["company"]["finance"][1]["tax_wan"]
    assert "纳税总额" in rows.text
    assert left["project_content", "作品照片"].files == ("photos-1", "photos-2")
    gifts = left["project_content", "礼品清单"]
    assert old["project_content"]["gifts"][0]["gift_name"] in gifts.text
    assert "礼品名称" in gifts.text
    # A section that is gone leaves each of its parts.
    data = REWARD.model_dump(mode="json", exclude_defaults=True) | {"version": 2, "checks": []}
    data["sections"] = [s for s in data["sections"] if s["key"] != "social_benefit"]
    done = moved_to(Form.model_validate(data))
    assert {x.home for x in done.left_over if x.section == "social_benefit"} == {None}


def test_another_kind_takes_what_it_can_read() -> None:
    def company(section: Json) -> None:
        part(section, "zip_code").update(kind="integer")
        part(section, "org_profile").update(kind="date")
        del part(section, "org_profile")["max"]
        part(section, "employee_count").update(kind="text")
        part(section, "district").update(kind="textarea")
        del part(section, "district")["options"]

    old = values()
    old["company"]["zip_code"] = "100027"
    done = moved_to(again(company=company), old)
    company_ = done.sections["company"]
    assert company_["zip_code"] == 100027
    assert company_["employee_count"] == str(old["company"]["employee_count"])
    assert company_["district"] == old["company"]["district"]
    # A date's control would not show it.
    assert "org_profile" not in company_
    assert [x.code for x in done.left_over] == ["not_date"]
    assert ("company", "employee_count", None, "converted") in of(done, "attention")


def test_options_and_lengths_that_no_longer_fit() -> None:
    def company(section: Json) -> None:
        part(section, "craft_categories")["options"] = ["玉雕", "其他"]

    old = values()
    old["company"]["craft_categories"] = ["景泰蓝", "玉雕"]
    new = again(company=company, social_benefit=lambda s: part(s, "social_benefit").update(max=5))
    done = moved_to(new, old, directions=["另一方向"])
    assert done.sections["company"]["craft_categories"] == ["玉雕"]
    left = {(x.section, x.field): x for x in done.left_over}
    assert left["company", "craft_categories"].value == ["景泰蓝"]
    assert left["project_content", "direction"].value == old["project_content"]["direction"]
    assert "direction" not in done.sections["project_content"]
    # Too long a text stands where it can be shortened.
    assert done.sections["social_benefit"]["social_benefit"] == old["social_benefit"]["social_benefit"]
    assert ("social_benefit", "social_benefit", None, "too_long") in of(done, "attention")


def test_a_way_over_several_versions_keeps_what_each_step_knows() -> None:
    second = again(contact=lambda s: part(s, "mobile").update(key="cell", was="mobile"))
    data = second.model_dump(mode="json", exclude_defaults=True) | {"version": 3}
    third_cell = next(f for f in data["sections"][0]["fields"] if f["key"] == "cell")
    third_cell.update(key="handy", was="cell")
    third = Form.model_validate(data)
    done = rebase([REWARD, second, third], values(), DIRECTIONS)
    assert done.sections["contact"]["handy"] == values()["contact"]["mobile"]
    assert done.left_over == []


def test_a_number_that_becomes_text_is_the_same_number() -> None:
    def as_text(section: Json) -> None:
        capital = part(section, "registered_capital_wan")
        for name in ("allow_zero", "bounds", "min", "max", "must_be"):
            capital.pop(name, None)
        capital["kind"] = "text"

    before = values()
    # A number in JSON, as only a program sends it; a person's is text.
    before["company"]["registered_capital_wan"] = 1
    done = moved_to(again(company=as_text), before)
    assert done.sections["company"]["registered_capital_wan"] == "1.00"


def test_every_form_takes_over_its_own_values() -> None:
    for (fund_type, _), form in forms().items():
        if fund_type not in ("subsidy", "master_studio", "innovation_cluster"):
            continue
        kept = factories.values_of(fund_type, {slot: ["f"] for slot in factories.SLOTS[fund_type]})
        lists = {"directions": [v["direction"] for v in kept.values() if "direction" in v]}
        done = rebase([form], kept, form.choices_of_its_own | lists)
        assert (done.sections, done.left_over) == (kept, [])


# ---- nothing is lost, whatever was typed and whatever the new version looks like -------------------------------------

TEXTS = st.text(alphabet="甲乙12. -A\n", max_size=6)
ANYTHING = st.recursive(
    TEXTS | st.integers(-5, 10**6) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


def leaves(value: Any) -> Iterator[str]:
    """What a person typed, piece by piece; names of rows are no such thing."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("id", "row"):
                yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, bool):
        yield "是" if value else "否"
    elif value is not None and str(value).strip():
        yield from str(value).split()


def _as_number(leaf: str) -> str:
    """A number without the zeros that say nothing; anything else as it is, but for zeros before it."""
    try:
        return f"{Decimal(leaf).normalize():f}"
    except InvalidOperation:
        return leaf.lstrip("0")


@st.composite
def typed(draw: st.DrawFn) -> dict[str, Json]:
    """Realistic values with some of them replaced by anything, in places and in cells."""
    found = copy.deepcopy(values())
    for section in found.values():
        for key in list(section):
            chance = draw(st.integers(0, 9))
            if chance == 0:
                section[key] = draw(ANYTHING)
            elif chance == 1 and isinstance(section[key], list):
                section[key].append(draw(ANYTHING))
            elif chance == 2 and isinstance(section[key], list) and isinstance(section[key][0], dict):
                cell = draw(st.sampled_from(sorted(section[key][0])))
                if cell not in ("id", "row"):
                    section[key][0][cell] = draw(ANYTHING)
    return json.loads(json.dumps(found))


@st.composite
def next_version(draw: st.DrawFn) -> Form:
    """The form with parts renamed, moved, dropped, narrowed and turned into other kinds."""
    data = REWARD.model_dump(mode="json", exclude_defaults=True) | {"version": 2, "checks": []}
    sections = data["sections"]
    plain = ("project_name", "contact_name", "email", "applied_total_wan")
    for section in sections:
        for kind in ("fields", "tables", "slots"):
            for item in list(section.get(kind, ())):
                chance = draw(st.integers(0, 11))
                if item["key"] in plain:
                    continue
                if chance == 0:
                    section[kind] = [p for p in section[kind] if p is not item]
                elif chance == 1:
                    item.update(key=f"{item['key']}_2", was=item["key"])
                elif chance == 2:
                    section[kind] = [p for p in section[kind] if p is not item]
                    other = draw(st.sampled_from(sections))
                    if all(
                        p["key"] != item["key"] for k in ("fields", "tables", "slots") for p in other.get(k, ())
                    ):
                        other[kind] = [*other.get(kind, ()), item]
                elif chance == 3 and kind == "fields":
                    new = draw(st.sampled_from(["text", "textarea", "integer", "date", "checkbox", "email"]))
                    for name in ("options", "options_from", "allow_zero", "bounds", "min", "max", "must_be"):
                        item.pop(name, None)
                    item["kind"] = new
                elif chance == 4 and kind == "tables" and len(item["columns"]) > 1:
                    item["columns"] = item["columns"][1:]
                elif chance == 5 and kind == "tables":
                    if item.get("fixed_rows"):
                        item["fixed_rows"] = draw(st.sampled_from([item["fixed_rows"][1:], []]))
                    else:
                        item["max_rows"] = 1
    return Form.model_validate(data)


@settings(max_examples=150)
@given(before=typed(), new=next_version())
def test_nothing_typed_is_lost(before: dict[str, Json], new: Form) -> None:
    done = moved_to(new, before)
    was = Counter(leaf for section in before.values() for leaf in leaves(section))
    now = Counter(leaf for section in done.sections.values() for leaf in leaves(section))
    now += Counter(leaf for left in done.left_over for leaf in leaves(left.value))
    # Numbers that became text, and texts that became numbers, are the same words: 1 and 1.00.
    missing = {leaf for leaf in was - now if _as_number(leaf) not in {_as_number(w) for w in now}}
    assert not missing
    for section in new.sections:
        # What came out can be kept as a 暂存 of the new form.
        assert reading.draft(section, done.sections.get(section.key, {})) is not None
    assert all(left.text for left in done.left_over)
    # Every part of the old form that had something in it stands in the report.
    told = {(e.kind, e.section, e.field) for e in done.entries}
    assert all(("left_over", left.section, left.field[:100]) in told for left in done.left_over)


@settings(max_examples=60)
@given(before=typed())
def test_rebasing_twice_changes_nothing_more(before: dict[str, Json]) -> None:
    once = rebase([REWARD], before, DIRECTIONS)
    twice = rebase([REWARD], once.sections, DIRECTIONS)
    assert twice.sections == once.sections
    assert twice.left_over == []
