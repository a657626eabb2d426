"""What a page makes of how a section stands: sums without what is hidden, a mark that changes when other things are asked."""

from typing import Any

from services.gateway.form import form_view, section_state
from services.gateway.form.form_parts import Beside
from shared.contract.forms import FieldDefinition, SectionDefinition, TableDefinition
from shared.contract.sections import RowNow, SectionNow, TableNow

SECTION = SectionDefinition(
    key="plan", label="规划", title="规划", required=True, help=None, text=None, groups=[], fields=[], slots=[],
    tables=[
        TableDefinition(
            key="rows", label="明细", group=None, help=None, row_label="项目", fixed_rows=[], min_rows=1, max_rows=9, required=True,
            totals=["wan"], total_label="合计",
            columns=[
                FieldDefinition(key="item", kind="text", label="项目", required=True),
                FieldDefinition(key="wan", kind="money", label="金额", required=True),
            ],
        )
    ],
)  # fmt: skip
VALUES: dict[str, Any] = {
    "rows": [{"id": "a", "item": "甲", "wan": "5.00"}, {"id": "b", "item": "乙", "wan": "7.00"}]
}


def row(**changes: Any) -> RowNow:
    return RowNow(**{"hidden": [], "required": ["item", "wan"], "computed": {}, **changes})


def now(computed: dict[str, Any] | None = None, hidden: list[str] | None = None, **rows: RowNow) -> SectionNow:
    table = TableNow(required=["item", "wan"], rows=rows, totals={"wan": "5.00"}, sums={"wan": "5.00"})
    return SectionNow(
        visible=True,
        section_required=True,
        hidden=hidden or [],
        required=["rows"],
        computed=computed or {},
        tables={"rows": table},
    )


def test_what_is_hidden_in_a_row_is_not_summed() -> None:
    state = now(a=row(), b=row(hidden=["wan"], required=["item"]))
    [table] = form_view.build(section_state.as_shown(SECTION, state), VALUES, {}, [], Beside(), state).tables
    assert table.totals == [None, "5.00"]
    assert [[cell.hidden for cell in r.cells] for r in table.rows] == [[False, False], [False, True]]


def test_the_mark_changes_with_what_is_shown_and_asked_for_and_with_nothing_else() -> None:
    before = section_state.shape(SECTION, now(a=row()))
    assert section_state.shape(SECTION, now(a=row(), b=row())) == before  # a row more
    assert section_state.shape(SECTION, now(a=row(), computed={"sum": "3.00"})) == before
    assert section_state.shape(SECTION, now(a=row(hidden=["wan"]))) != before
    assert section_state.shape(SECTION, now(a=row(), hidden=["x"])) != before
    assert section_state.shape(SECTION, now(a=row()).model_copy(update={"required": []})) != before


def computed_field(key: str, gives: str = "money") -> FieldDefinition:
    return FieldDefinition(key=key, kind="computed", label=key, required=False, gives=gives)


def test_what_is_computed_is_shown_as_everywhere_with_and_without_a_script() -> None:
    """Thousands are marked, a year that is a text is none."""
    [table] = SECTION.tables
    columns = [*table.columns, computed_field("twice"), computed_field("more")]
    section = SECTION.model_copy(
        update={
            "fields": [computed_field("sum"), computed_field("share"), computed_field("year", "text")],
            "tables": [table.model_copy(update={"columns": columns})],
        }
    )
    found = {"sum": "12345.00", "share": None, "year": "2026"}
    state = now(a=row(computed={"twice": "1000.50", "more": None}), computed=found)
    told = section_state.computed(section, state)
    assert told == {
        "f-sum": "12,345.00", "f-share": "—", "f-year": "2026", "t-rows-a-twice": "1,000.50", "t-rows-a-more": "—",
        "rows/wan": "5.00",
    }  # fmt: skip
    values = section_state.with_computed(SECTION, VALUES, state)
    made = form_view.build(section, values, {}, [], Beside(), state)
    assert {i.id: i.value for i in made.inputs} == {id: told[id] for id in ("f-sum", "f-share", "f-year")}
    assert [cell.value for cell in made.tables[0].rows[0].cells] == ["甲", "5.00", "1,000.50", "—"]
