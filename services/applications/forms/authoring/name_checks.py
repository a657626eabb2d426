"""Find faults of names: keys that stand twice, and references to parts that do not exist."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from services.applications.forms.definition import FixedRow, Form, Section, Slot, Table
from services.applications.forms.formulas import type_names
from services.applications.forms.formulas.named import PREFIX
from services.applications.forms.formulas.names import PARAMETER, PARAMETER_SAID, RESERVED
from services.applications.forms.formulas.rule import Location, Problem
from services.applications.forms.kinds import ComputedField, FieldDefinition, FixedTextField
from services.applications.forms.kinds.choices import MultiSelectField, RadioField, SelectField
from services.applications.forms.kinds.texts import TextField

CHOICES = (SelectField, RadioField, MultiSelectField)
# What rows carry besides their columns.
ROW_KEYS = frozenset({"id", "row"})


def problems(form: Form) -> list[Problem]:
    """Return every fault of the form's names."""
    return list(_problems(form))


def _problems(form: Form) -> Iterator[Problem]:
    for name in ("project_name", "contact_name", "contact_email", "applied_amount", "district"):
        path = getattr(form, name)
        # What the form leaves to the language may be absent.
        if path is not None and name in form.model_fields_set:
            yield from _field_path(form, path, (name,), name)
    yield from _hidden(form)
    yield from _twice(((("sections", i), s.key) for i, s in enumerate(form.sections)), "材料")
    yield from _twice(((("checks", i), c.id) for i, c in enumerate(form.checks)), "核对")
    for i, section in enumerate(form.sections):
        yield from _section(form, ("sections", i), section)
    for i, check in enumerate(form.checks):
        found = form.section(check.section)
        if found is None:
            yield Problem(("checks", i, "section"), f"没有“{check.section}”这项材料")
        elif check.field and check.field not in found.by_key:
            yield Problem(("checks", i, "field"), f"材料“{check.section}”里没有“{check.field}”")


def _hidden(form: Form) -> Iterator[Problem]:
    """Yield parts that no formula could name, since conditions are named alike."""
    for i, section in enumerate(form.sections if form.conditions else ()):
        named: list[Location] = [("key",)] if section.key == PREFIX else []
        named += [("tables", n, "key") for n, table in enumerate(section.tables) if table.key == PREFIX]
        for at in named:
            yield Problem(("sections", i, *at), f"写了 conditions 的表单里，“{PREFIX}”不能作材料和表格的 key")


def _field_path(form: Form, path: str, at: Location, name: str) -> Iterator[Problem]:
    section, _, field = path.partition(".")
    found = form.section(section)
    definition = found.field(field) if found else None
    if definition is None:
        yield Problem(at, f"找不到“{path}”；应写成“材料.字段”，如 {form.sections[0].key}.name")
    elif name == "applied_amount" and definition.type != "number":
        yield Problem(at, f"“{path}”是{type_names.of_type(definition.type)}，这里要一个数")
    elif name == "applied_amount" and definition.wan_in_unit and definition.unit != "万元":
        yield Problem(at, f"“{path}”以{definition.unit}计，申请金额应以万元计；可以用自动计算项换算")
    elif name != "applied_amount" and definition.type != "text":
        yield Problem(at, f"“{path}”是{type_names.of_type(definition.type)}，这里要文字")


def _twice(keyed: Iterable[tuple[Location, str]], what: str) -> Iterator[Problem]:
    listed = list(keyed)
    counts = Counter(key for _, key in listed)
    seen: set[str] = set()
    for at, key in listed:
        if counts[key] > 1 and key in seen:
            yield Problem(at, f"{what}“{key}”重复出现，请换一个")
        seen.add(key)


def _section(form: Form, at: Location, section: Section) -> Iterator[Problem]:
    if section.key in RESERVED:
        yield Problem((*at, "key"), f"“{section.key}”在公式里另有用处，请给这项材料换一个 key", "warning")
    parts = [
        ((*at, kind, i), p) for kind in ("fields", "tables", "slots") for i, p in enumerate(getattr(section, kind))
    ]
    yield from _twice(((place, part.key) for place, part in parts), "本材料中的")
    yield from _twice((((*at, "groups", i), g.label) for i, g in enumerate(section.groups)), "栏目")
    named = {part.group for _, part in parts}
    for i, group in enumerate(section.groups):
        if group.label not in named:
            yield Problem((*at, "groups", i), f"栏目“{group.label}”下没有内容", "warning")
    for i, field in enumerate(section.fields):
        yield from _field(form, (*at, "fields", i), field)
    yield from _specified((*at, "fields"), section.fields)
    yield from _followed(form, (*at, "fields"), section.fields)
    for i, slot in enumerate(section.slots):
        yield from _each_row((*at, "slots", i), section, slot)
    for i, table in enumerate(section.tables):
        yield from _table(form, (*at, "tables", i), table)


def _field(form: Form, at: Location, field: FieldDefinition) -> Iterator[Problem]:
    if isinstance(field, CHOICES) and field.options_in_rows:
        yield from _options_in_rows(form, at, field, *field.options_in_rows)
    elif isinstance(field, CHOICES) and field.options_from and field.options_from not in form.lists:
        if not PARAMETER.fullmatch(field.options_from):
            said = f"找不到选项“{field.options_from}”：lists 中没有，也不能是批次参数的名字（{PARAMETER_SAID}）"
            yield Problem((*at, "options_from"), said)
    elif isinstance(field, CHOICES) and field.options_from:
        known = field.labels(form.choices_of_its_own)
        must = getattr(field, "must_be", None)
        if must is not None and must not in known:
            yield Problem((*at, "must_be"), f"“{must}”不在选项之中")
    if field.required_if and "required" in field.model_fields_set:
        yield Problem((*at, "required_if"), "已经写了“required_if”，“required”不起作用，请删去", "warning")
    if isinstance(field, ComputedField | FixedTextField) and (
        field.prefill or field.required_if or field.readonly or field.default
    ):
        yield Problem(at, f"“{field.key}”不由人填写，不能写 prefill、required_if、readonly、default")


def _options_in_rows(
    form: Form, at: Location, field: FieldDefinition, section: str, table: str, column: str
) -> Iterator[Problem]:
    """Yield what is wrong with a choice among the cells of a column: they are texts that everybody who fills in the form may see."""
    found = form.section(section)
    rows = found.table(table) if found else None
    cells = rows.by_column.get(column) if rows else None
    if isinstance(field, MultiSelectField):
        yield Problem((*at, "options_from"), "从表格的行里只能选一个：请用下拉选择或单选")
    elif not isinstance(cells, TextField):
        yield Problem((*at, "options_from"), f"“{section}.{table}.{column}”不是表格的文本列，不能作选项的来源")
    elif cells.sensitive:
        yield Problem((*at, "options_from"), f"“{section}.{table}.{column}”是敏感内容，不能作选项的来源")
    if getattr(field, "must_be", None) or getattr(field, "specify", None):
        yield Problem(at, "选项取自表格的行时，不能写 must_be、specify")


def _followed(form: Form, at: Location, fields: Sequence[FieldDefinition]) -> Iterator[Problem]:
    """Yield what is wrong with choices that follow another: it stands beside, and each of its options has some here."""
    by_key = {field.key: field for field in fields}
    for i, field in enumerate(fields):
        if not isinstance(field, SelectField) or not field.follows:
            continue
        beside = by_key.get(field.follows)
        if not isinstance(beside, SelectField | RadioField) or beside is field or beside.options_in_rows:
            said = f"“{field.follows}”不是旁边的下拉选择或单选，不能跟随"
            yield Problem((*at, i, "follows"), said)
            continue
        known = beside.labels(form.choices_of_its_own)
        for option in (o for o in field.options_for if known and o not in known):
            yield Problem((*at, i, "options_for", option), f"“{option}”不是“{field.follows}”的选项")
        lacking = [label for option, label in known.items() if option not in field.options_for]
        if lacking and not field.visible_if and (field.required or field.required_if):
            said = (
                f"“{beside.label}”选了“{'、'.join(lacking)}”时，“{field.label}”没有可选的；请补上，或写 visible_if"
            )
            yield Problem((*at, i, "options_for"), said, "warning")


def _each_row(at: Location, section: Section, slot: Slot) -> Iterator[Problem]:
    if not slot.each_row:
        return
    if section.table(slot.each_row) is None:
        yield Problem((*at, "each_row"), f"“{slot.each_row}”不是本材料的表格")
    if "max_files" in slot.model_fields_set:
        yield Problem((*at, "max_files"), "写了 each_row 的，每行一个文件，不能写 max_files")


def _rows_from(form: Form, at: Location, table: Table) -> Iterator[Problem]:
    """Yield what is wrong with rows that follow those of another table, and where nothing says which row it is."""
    if not table.rows_from:
        return
    section = form.section(table.source[0]) if table.source else None
    followed = section.table(table.source[1]) if section and table.source else None
    if followed is None:
        yield Problem((*at, "rows_from"), f"找不到“{table.rows_from}”；应写成“材料.表格”")
        return
    if followed.fixed_rows or followed.rows_from:
        yield Problem((*at, "rows_from"), f"“{table.rows_from}”的行不是由申报单位定的，不能跟随")
    if not {"fixed_rows", "levels", "min_rows", "max_rows"}.isdisjoint(table.model_fields_set):
        yield Problem(
            (*at, "rows_from"), "写了 rows_from 的，行数由那张表定，不能写 fixed_rows、levels、min_rows、max_rows"
        )
    named = [c for c in table.columns if isinstance(c, ComputedField) and "source." in c.value]
    if not named:
        said = "没有一列写明是哪一行；请加一列自动计算项，如 value: source." + next(iter(followed.by_column))
        yield Problem((*at, "columns"), said, "warning")


def _specified(at: Location, fields: Sequence[FieldDefinition]) -> Iterator[Problem]:
    """Yield what is wrong with the texts that say which: each stands beside its choice, and its choice alone decides about it."""
    by_key = {field.key: field for field in fields}
    seen: set[str] = set()
    for i, field in enumerate(fields):
        for option, key in getattr(field, "specify", {}).items():
            place, found = (*at, i, "specify", option), by_key.get(key)
            if not isinstance(found, TextField):
                yield Problem(place, f"“{key}”不是旁边的文本字段；“请注明”要写成一个 kind: text 的字段")
            elif found.visible_if or found.required_if or key in seen:
                yield Problem(place, f"“{key}”由选项决定是否显示，不能另写 visible_if、required_if，也不能用两次")
            seen.add(key)


def _subtotal(at: Location, table: Table, row: FixedRow) -> Iterator[Problem]:
    for n, key in enumerate(row.subtotal_of):
        if key not in table.by_row or key == row.key:
            yield Problem((*at, "subtotal_of", n), f"“{key}”不是本表的其他行")
        elif key in table.subtotals:
            yield Problem((*at, "subtotal_of", n), f"“{key}”也是小计行；请直接写出要合计的各行")
    if row.subtotal_of and not table.totals:
        yield Problem((*at, "subtotal_of"), "小计行合计 totals 中的各列，请先写 totals")
    if row.subtotal_of and row.defaults:
        yield Problem((*at, "defaults"), "小计行由系统算出，不能写 defaults")


def _levels(at: Location, table: Table) -> Iterator[Problem]:
    places = [
        ((*at, "levels", i, "within", j), level)
        for i, branch in enumerate(table.levels)
        for j, level in enumerate(branch.within)
    ]
    yield from _twice(((place, level.key) for place, level in places), "二级标题")
    if table.levels and table.fixed_rows:
        yield Problem((*at, "levels"), "levels 和 fixed_rows 只能写一样")
    if table.levels and "min_rows" in table.model_fields_set:
        yield Problem((*at, "min_rows"), "有 levels 的表格，最少几行写在各个二级标题上")
    if sum(level.min_rows for _, level in places) > table.max_rows:
        yield Problem((*at, "max_rows"), "max_rows 小于各二级标题最少行数之和")


def _over(at: Location, table: Table) -> Iterator[Problem]:
    """Yield a heading over columns that do not stand side by side: it would be there twice."""
    headings = [heading for heading, _ in groupby(column.under for column in table.columns)]
    for i, column in enumerate(table.columns):
        if column.under and headings.count(column.under) > 1:
            yield Problem((*at, "columns", i, "under"), f"“{column.under}”下的各列没有排在一起")


def _table(form: Form, at: Location, table: Table) -> Iterator[Problem]:
    yield from _twice((((*at, "columns", i), c.key) for i, c in enumerate(table.columns)), "列")
    yield from _twice((((*at, "fixed_rows", i), r.key) for i, r in enumerate(table.fixed_rows)), "行")
    for i, column in enumerate(table.columns):
        place = (*at, "columns", i)
        if column.key in ROW_KEYS:
            yield Problem((*place, "key"), f"列的 key 不能是“{column.key}”：每一行自己带有这个名字")
        if isinstance(column, FixedTextField):
            yield Problem(place, "说明文字（fixed_text）不能作为表格的列")
        if any((column.prefill, column.readonly, column.group)):
            yield Problem(place, "prefill、readonly、group 只能写在字段上，不能写在表格的列上")
        if column.default and not table.fixed_rows:
            yield Problem((*place, "default"), "行数由申报单位定的表格，列里不能写 default")
        yield from _field(form, place, column)
    yield from _specified((*at, "columns"), table.columns)
    yield from _followed(form, (*at, "columns"), table.columns)
    yield from _rows_from(form, at, table)
    for i, row in enumerate(table.fixed_rows):
        for key in row.defaults:
            if key not in table.by_asked:
                yield Problem((*at, "fixed_rows", i, "defaults", key), f"“{key}”不是本表要填写的列")
        yield from _subtotal((*at, "fixed_rows", i), table, row)
    yield from _over(at, table)
    for i, total in enumerate(table.totals):
        found: Any = table.by_column.get(total)
        if found is None or found.type != "number" or found.kind == "year":
            yield Problem((*at, "totals", i), f"“{total}”不是填数的列，不能合计")
    yield from _levels(at, table)
    if not table.fixed_rows and table.min_rows > table.max_rows:
        yield Problem((*at, "min_rows"), "min_rows 大于 max_rows")
    if not table.by_asked:
        yield Problem((*at, "columns"), "表格里没有可以填写的列")
