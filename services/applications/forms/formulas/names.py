"""Bind the names of a formula to the parts of a form, read from where the formula stands.

Within a table its own columns come first, then the section's own fields, tables and slots, then `section.field`,
`section.table.column`, `section.table.row.column`. Besides there are `round.parameter` (and `round.closes_on`),
`others.…` (the enterprise's other applications), `application.started_on` (the day it was begun) and `today`. In a table whose
rows follow another's, `source.column` is a cell of the row that is followed. Whatever those names hide is reached through `form`:
`form["round"]["budget"]`.
"""

import ast
import re
from dataclasses import dataclass

from services.applications.forms.definition import Form, OtherApplications, Section, Slot, Table
from services.applications.forms.formulas.language import Each, Mistake, Place

OTHERS = frozenset(OtherApplications.model_fields)
# What a round can call its parameters.
PARAMETER = re.compile("[a-z][a-z0-9_]{0,63}")
PARAMETER_SAID = "以小写字母开头，只用小写字母、数字和下划线"
RESERVED = frozenset({"round", "others", "today", "form"})

# Section, part and column; empty where it is the section or the part itself.
Node = tuple[str, str, str]


@dataclass(frozen=True)
class Target:
    """What a name leads to. `of`: `field`, `slot`, `table`, `column`, `cell` (of a fixed row), `own` (a column of the
    row at hand), `source` (a column of the row that it follows), `each` (a column of a loop's row), `round`, `others`, `application` or `today`."""

    of: str
    type: str
    section: str = ""
    part: str = ""
    column: str = ""
    row: str = ""
    variable: str = ""

    @property
    def node(self) -> Node | None:
        """The value that a formula with this name depends on; None for what a form does not hold itself."""
        if self.of in ("round", "others", "application", "today"):
            return None
        return (self.section, self.part, self.column)


def bind(
    form: Form, node: ast.AST, section: Section | None, table: Table | None, loops: dict[str, Target]
) -> None:
    """Give every place of a tree its target; `loops` are the tables that variables go over."""
    match node:
        case Place() if node.target is not None:
            # Of a condition that is named here, and was bound by itself.
            return
        case Place(parts=(variable, *rest)) if variable in loops:
            node.target = _of_loop(form, loops[variable], tuple(rest), variable)
        case Place():
            node.target = _target(form, node.parts, section, table)
        case Each():
            bind(form, node.rows, section, table, loops)
            if node.rows.target.of != "table":
                raise Mistake(f"循环只能走表格，“{'.'.join(node.rows.parts)}”不是表格")
            inner = {**loops, node.variable: node.rows.target}
            for part in (node.element, *node.conditions):
                bind(form, part, section, table, inner)
        case _:
            for child in ast.iter_child_nodes(node):
                bind(form, child, section, table, loops)


def _of_loop(form: Form, rows: Target, rest: tuple[str, ...], variable: str) -> Target:
    section = form.section(rows.section)
    table = section.table(rows.part) if section else None
    assert table is not None
    if len(rest) != 1 or (column := table.by_column.get(rest[0])) is None:
        raise Mistake(f"没有“{'.'.join((variable, *rest))}”：表格“{table.key}”的列有 {'、'.join(table.by_column)}")
    return Target("each", column.type, rows.section, table.key, column.key, variable=variable)


def _target(form: Form, parts: tuple[str, ...], section: Section | None, table: Table | None) -> Target:
    match parts:
        case ("today",):
            return Target("today", "date")
        case ("round", parameter):
            if not PARAMETER.fullmatch(parameter):
                raise Mistake(f"批次参数不能叫“{parameter}”：{PARAMETER_SAID}")
            return Target("round", "date" if parameter == "closes_on" else "any", part=parameter)
        case ("others", fact):
            if fact not in OTHERS:
                raise Mistake(f"others 中没有“{fact}”；有 {'、'.join(sorted(OTHERS))}")
            return Target("others", "number", part=fact)
        case ("form", *rest):
            readings = [_absolute(form, tuple(rest))]
        case _:
            readings = [
                _own(parts, section, table),
                _within(parts, section) if section else None,
                _absolute(form, parts),
            ]
    found = [target for target in readings if target]
    # Last: forms were published with parts of this name before formulas knew it.
    if not found and parts == ("application", "started_on"):
        return Target("application", "date", part="started_on")
    if not found and table is not None and (target := _of_source(form, parts, table)):
        return target
    if not found:
        name = ".".join(parts)
        instead = "请核对材料和字段的 key" if name.isascii() else f"如果是文字，请加引号，写成 '{name}'"
        raise Mistake(f"找不到“{name}”，{instead}")
    return found[0]


def _own(parts: tuple[str, ...], section: Section | None, table: Table | None) -> Target | None:
    if section is None or table is None or len(parts) != 1 or parts[0] not in table.by_column:
        return None
    return Target("own", table.by_column[parts[0]].type, section.key, table.key, parts[0])


def _of_source(form: Form, parts: tuple[str, ...], table: Table) -> Target | None:
    if table.source is None or len(parts) != 2 or parts[0] != "source":
        return None
    section = form.section(table.source[0])
    followed = section.table(table.source[1]) if section else None
    column = followed.by_column.get(parts[1]) if followed else None
    return Target("source", column.type, *table.source, column.key) if column else None


def _absolute(form: Form, parts: tuple[str, ...]) -> Target | None:
    section = form.section(parts[0]) if len(parts) > 1 else None
    return _within(parts[1:], section) if section else None


def _within(parts: tuple[str, ...], section: Section) -> Target | None:
    part = section.by_key.get(parts[0])
    match part, parts[1:]:
        case Table(), ():
            return Target("table", "rows", section.key, part.key)
        case Table(), (column,) if column in part.by_column:
            return Target("column", f"column of {part.by_column[column].type}", section.key, part.key, column)
        case Table(), (row, column) if row in part.by_row and column in part.by_column:
            return Target("cell", part.by_column[column].type, section.key, part.key, column, row)
        case Table() | None, _:
            return None
        case Slot(), ():
            return Target("slot", "list", section.key, part.key)
    field = section.field(parts[0])
    return Target("field", field.type, section.key, field.key) if field and len(parts) == 1 else None
