"""Carry values typed into one version of a form over to another, with a report of what became of each.

Nothing is dropped: what has no home in the new version, or would not be shown by the control there, is left over, to
be kept beside the form until a person has seen it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from services.applications.forms.definition import Form, Section, Slot, Table
from services.applications.forms.kinds import Choices, FieldDefinition, blank
from services.applications.forms.versions.conversions import convert, is_texts, text
from services.applications.forms.versions.mapping import AnyPart, Homes, homes, inner
from shared.contract.carried_over import Entry

Values = Mapping[str, Any]


@dataclass(frozen=True)
class LeftOver:
    """Typed values without a home: where they stood, as data and as people read them. `home` is the section of the new
    form that took the old section's place, if one did; `files` are attachments among them."""

    section: str
    field: str
    section_label: str
    label: str
    value: Any
    text: str
    code: str
    message: str
    home: str | None
    files: tuple[str, ...] = ()


@dataclass
class Rebased:
    """Raw values for the new form, as 暂存 keeps them, by section; every section that had any has an entry."""

    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    left_over: list[LeftOver] = field(default_factory=list)


def rebase(versions: Sequence[Form], sections: Mapping[str, Values], choices: Choices) -> Rebased:
    """Return the values of the first version in the last. `choices` are the lists of options that the last takes from its
    round (`Form.choices`)."""
    return _Rebase(homes(versions), choices).of(sections)


class _Rebase:
    def __init__(self, known: Homes, choices: Choices) -> None:
        self.homes = known
        self.choices = choices
        self.done = Rebased()

    def of(self, sections: Mapping[str, Values]) -> Rebased:
        for section in self.homes.old.sections:
            if section.key not in sections:
                continue
            home = self.homes.sections.get(section.key)
            if home is not None:
                self.done.sections.setdefault(home, {})
            values = sections[section.key]
            for key in [*section.by_key, *(k for k in values if k not in section.by_key)]:
                if not blank(values.get(key)):
                    self._part(section, key, values[key])
        taken = {place for at, place in self.homes.parts.items() if at[0] in sections}
        self._ask_for_new(taken | set(self.homes.parts.values()))
        return self.done

    # ---- parts -------------------------------------------------------------------------------------------------

    def _part(self, section: Section, key: str, value: Any) -> None:
        part = section.by_key.get(key)
        if part is not None and not isinstance(part, Table | Slot) and not part.asked:
            return
        place = self.homes.of(section.key, key)
        if part is None or place is None:
            self._leave(section, key, part, value, "no_home", "新版表单没有此项")
            return
        home = self.homes.new.by_key[place[0]]
        target = home.by_key[place[1]]
        moved = place != (section.key, key)
        before = len(self.done.entries)
        if isinstance(target, Table) and isinstance(part, Table):
            kept = self._table(section, part, home, target, value)
        elif isinstance(target, Slot):
            kept = self._slot(section, part, home, target, value)
        else:
            kept = self._field(section, part, home, target, value)
        if blank(kept):
            return
        self.done.sections.setdefault(home.key, {})[target.key] = kept
        if len(self.done.entries) == before:
            what = f"已移至“{home.label}”的“{target.label}”" if moved else "已保留"
            self._say("moved" if moved else "kept", "moved" if moved else "kept", home, target, what)

    def _field(self, section: Section, part: AnyPart, home: Section, target: AnyPart, value: Any) -> Any:
        assert not isinstance(part, Table | Slot)
        assert not isinstance(target, Table | Slot)
        found = convert(part, target, value, self.choices)
        if found.left is not None:
            self._leave(section, part.key, part, found.left, found.code, found.message)
        elif found.message:
            self._say("attention", found.code, home, target, found.message)
        return found.kept

    def _slot(self, section: Section, part: AnyPart, home: Section, target: Slot, value: Any) -> Any:
        filed = isinstance(part, Slot) and part.each_row and isinstance(value, dict)
        if filed and all(isinstance(row, str) for row in value.values()):
            if target.each_row:
                return self._file_rows(section, part, home, target, value)
            value = list(value)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._leave(section, part.key, part, value, "type", "内容无法识别")
            return None
        if target.each_row:
            self._leave(section, part.key, part, value, "no_home", "改为每行一个文件，请逐行上传")
            return None
        if len(value) > target.max_files:
            self._say("attention", "too_many_files", home, target, f"最多 {target.max_files} 个文件，请移除多余的")
        return value

    def _file_rows(self, section: Section, part: AnyPart, home: Section, target: Slot, value: Values) -> Any:
        """Files keep their rows; rows of another table, and rows that are gone, leave theirs."""
        old = section.table(part.each_row or "") if isinstance(part, Slot) else None
        new = home.table(target.each_row or "")
        if old is None or new is None or self.homes.of(section.key, old.key) != (home.key, new.key):
            self._leave(section, part.key, part, list(value), "no_home", "改为另一张表格的附件，请重新上传")
            return None
        rows = inner(old.fixed_rows, new.fixed_rows) if new.fixed_rows else None
        kept = {file: rows.get(row) if rows is not None else row for file, row in value.items()}
        if gone := [file for file, row in kept.items() if row is None]:
            self._leave(section, part.key, part, gone, "no_home", "新版表单没有此行")
        return {file: row for file, row in kept.items() if row is not None}

    # ---- tables ------------------------------------------------------------------------------------------------

    def _table(self, section: Section, part: Table, home: Section, target: Table, value: Any) -> Any:
        if not isinstance(value, list):
            self._leave(section, part.key, part, value, "type", "内容无法识别")
            return None
        columns = inner(part.columns, target.columns)
        levels = [[level for _, level in table.by_level.values()] for table in (part, target)]
        fixed = inner([*part.fixed_rows, *levels[0]], [*target.fixed_rows, *levels[1]])
        kept: list[Any] = []
        lost: dict[tuple[str, str, str], dict[str, Any]] = {}
        for n, row in enumerate(value):
            if not isinstance(row, dict):
                lost.setdefault(("", "type", "内容无法识别"), {})[f"第{n + 1}行"] = row
                continue
            named = part.by_row.get(str(row.get("row")))
            name = named.label if named else f"第{n + 1}行"
            cells = {k: v for k, v in row.items() if k not in ("id", "row") and not blank(v)}
            goes_to = fixed.get(str(row.get("row")))
            if target.rows_from and not part.rows_from:
                if cells:
                    lost.setdefault(("", "no_home", "改为随另一张表格的各行，请重新填写"), {})[name] = cells
                continue
            if (target.fixed_rows or target.levels) and (goes_to is None or goes_to in target.subtotals):
                if cells:
                    said = "新版表单没有此行" if goes_to is None else "新版表单中此行自动计算"
                    lost.setdefault(("", "no_home", said), {})[name] = cells
                continue
            kept.append(self._row(part, home, target, row, cells, name, columns, fixed, lost))
        for (column, code, message), found in lost.items():
            self._leave(section, part.key, part, found, code, message, column=column)
        if part.fixed_rows and not target.fixed_rows:
            self._say("attention", "rows_are_free", home, target, "各行改为自行添加，请核对每行的内容")
        if not target.fixed_rows and len(kept) > target.max_rows:
            self._say("attention", "too_many_rows", home, target, f"最多 {target.max_rows} 行，请删减")
        return kept

    def _row(
        self,
        part: Table,
        home: Section,
        target: Table,
        row: Values,
        cells: Values,
        name: str,
        columns: Mapping[str, str],
        fixed: Mapping[str, str],
        lost: dict[tuple[str, str, str], dict[str, Any]],
    ) -> dict[str, Any]:
        kept: dict[str, Any] = {"id": row["id"]} if "id" in row else {}
        if target.fixed_rows or target.levels:
            kept["row"] = fixed[str(row["row"])]
            if "id" in row and target.fixed_rows:
                kept["id"] = kept["row"]
        for key, value in cells.items():
            column = part.by_column.get(key)
            if column is not None and not column.asked:
                continue
            into = target.by_column.get(columns.get(key, ""))
            if column is None or into is None or not into.asked:
                lost.setdefault((key, "no_home", "新版表单没有此列"), {})[name] = value
                continue
            found = convert(column, into, value, self.choices)
            if found.left is not None:
                lost.setdefault((key, found.code, found.message), {})[name] = found.left
            elif found.message:
                self._say(
                    "attention", found.code, home, target, found.message, row=str(kept.get("id")), column=into
                )
            if not blank(found.kept):
                kept[into.key] = found.kept
        return kept

    # ---- the report --------------------------------------------------------------------------------------------

    def _say(
        self,
        kind: Literal["kept", "moved", "attention", "new"],
        code: str,
        section: Section,
        part: AnyPart,
        message: str,
        *,
        row: str | None = None,
        column: FieldDefinition | None = None,
    ) -> None:
        self.done.entries.append(
            Entry(
                kind=kind,
                code=code,
                section=section.key,
                section_label=section.label,
                field=part.key,
                label=f"{part.label} · {column.label}" if column else part.label,
                row=row,
                column=column.key if column else None,
                message=message,
            )
        )

    def _leave(
        self,
        section: Section,
        key: str,
        part: AnyPart | None,
        value: Any,
        code: str,
        message: str,
        column: str = "",
    ) -> None:
        label = part.label if part else key[:100]
        inside = part.by_column.get(column) if isinstance(part, Table) else None
        if column:
            label = f"{label} · {inside.label if inside else column[:100]}"
        # What was never a value of the form's own is kept as data, and read as such.
        files = tuple(value) if isinstance(part, Slot) and is_texts(value) else ()
        shown = f"{len(files)} 个附件" if files else text(inside or part, value).strip() or "（空白）"
        home = self.homes.sections.get(section.key)
        self.done.left_over.append(
            LeftOver(section.key, key, section.label, label, value, shown, code, message, home, files)
        )
        self.done.entries.append(
            Entry(
                kind="left_over",
                code=code,
                section=section.key,
                section_label=section.label,
                field=key[:100],
                label=label,
                column=column[:100] or None,
                message=message,
            )
        )

    def _ask_for_new(self, known: set[tuple[str, str]]) -> None:
        if self.homes.old is self.homes.new:
            return
        for section in self.homes.new.sections:
            for key, part in section.by_key.items():
                asked = isinstance(part, Table | Slot) or part.asked
                if asked and (section.key, key) not in known:
                    self._say(
                        "new", "new_part", section, part, "本版新增，必填" if part.required else "本版新增，选填"
                    )
