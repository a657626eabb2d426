"""Forms that nobody here wrote: random definitions of any size, with every kind of field, and values that fill them."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

Json = dict[str, Any]
KINDS = ["text", "textarea", "integer", "decimal", "money", "percent", "date", "year", "select", "radio", "multiselect",
         "checkbox", "phone", "mobile", "email", "postcode", "uscc", "id_card", "passport", "bank_account", "target", "telephone",
         "web_address", "month"]  # fmt: skip
# A list of the form's own, whose labels and kept values differ and stand nowhere else.
SHARED = [{"value": f"kept-{n}", "label": f"共用{name}"} for n, name in enumerate("甲乙丙丁")]
CRAFTS = {"雕塑": ["玉雕", "牙雕"], "织绣": ["京绣", "宫毯"]}
OPTIONS = ["甲类", "乙类", "丙 类", "其他（请说明）", "A/B", "100%", "“引号”"]
ROUND: Json = {"limit": "500", "directions": ["方向一", "方向二", "方向三"], "earliest": "2020-01-01"}
DAY = date(2024, 1, 1)


class Writer:
    """Writes one form of `sections` sections with `fields` fields and `conditions` conditions in all."""

    def __init__(
        self, seed: int, *, sections: int, fields: int, conditions: int, tables: int | None = None
    ) -> None:
        self.chance = Random(seed)
        self.count = 0
        # What later formulas may name: path from elsewhere, path from its own section, type.
        self.known: list[tuple[str, str, str, str]] = []
        self.sections: list[Json] = []
        per_section = [fields // sections + (i < fields % sections) for i in range(sections)]
        tables = sections // 2 + 1 if tables is None else tables
        holders = {self.chance.randrange(sections) for _ in range(tables)}
        for i, n in enumerate(per_section):
            self.sections.append(self._section(i, max(n, 1), i in holders))
        self._conditions(conditions)
        self.form = self._form(seed)

    def _form(self, seed: int) -> Json:
        numbers = [full for full, _, type, _ in self.known if type == "number"]
        texts = [full for full, _, type, _ in self.known if type == "text"]
        checks: list[Json] = [
            {"id": "limit", "op": "<=", "left": f"{self.chance.choice(numbers)} * 0", "right": "round.limit", "message": "不能超过上限", "section": "s0"},
            {"id": "without", "op": "<=", "left": numbers[0], "right": "round.not_there", "message": "本批次没有此参数", "section": "s0"},
            {"id": "soft", "holds": f"filled({self.chance.choice(numbers)})", "message": "建议填写", "severity": "warning", "section": "s0"},
        ]  # fmt: skip
        for section in self.sections:
            for table in section["tables"]:
                if table["totals"]:
                    column = f"{section['key']}.{table['key']}.{table['totals'][0]}"
                    checks.append({"id": f"sum_{table['key']}", "op": "==", "left": f"sum({column})",
                                   "right": f"sum(r.{table['totals'][0]} for r in {section['key']}.{table['key']})",
                                   "message": "两种合计应相等", "section": section["key"], "field": table["key"]})  # fmt: skip
        return {
            "fund_type": f"generated_{seed}", "version": 1, "label": "随机", "title": "随机生成的表单", "document_title": "随机申报书",
            "project_name": texts[0], "applied_amount": numbers[0], "lists": {"shared": SHARED}, "sections": self.sections, "checks": checks,
        }  # fmt: skip

    def _section(self, number: int, fields: int, with_table: bool) -> Json:
        key = f"s{number}"
        section: Json = {
            "key": key, "label": f"材料{number + 1}", "title": f"第{number + 1}项材料的完整名称", "required": self.chance.random() < 0.9,
            "fields": [], "tables": [], "slots": [],
        }  # fmt: skip
        if self.chance.random() < 0.3:
            section["help"] = "本项材料的填写说明。"
        if self.chance.random() < 0.15:
            section["text"] = "本单位承诺：\n一、内容真实；\n二、愿意承担责任。"
        if number == 0:
            section["required"] = True
            section["fields"] += [
                {"key": "project", "kind": "text", "label": "项目名称", "max": 100},
                {"key": "wan", "kind": "money", "label": "申请金额", "max": 1000},
            ]
            self.known += [("s0.project", "project", "text", "s0"), ("s0.wan", "wan", "number", "s0")]
        for _ in range(fields):
            field = self._field()
            section["fields"].append(field)
            self._remember(key, field)
            if field.get("options") is OPTIONS and self.chance.random() < 0.5:
                which = {"key": self._key("which"), "kind": "text", "label": f"请注明 {self.count}"}
                field["specify"] = {OPTIONS[3]: which["key"]}
                section["fields"].append(which)
        if with_table:
            table = self._table(key)
            section["tables"].append(table)
            numbers = next(column["key"] for column in table["columns"] if column.get("unique"))
            among = {"options_from": f"{key}.{table['key']}.{numbers}", "required": False}
            section["fields"].append(
                {"key": self._key("one"), "kind": "select", "label": f"其中之一 {self.count}", **among}
            )
            section["slots"].append(
                {"key": self._key("each"), "label": "逐行证明", "required": False, "each_row": table["key"]}
            )
            if not table.get("fixed_rows"):
                section["tables"].append(self._following(f"{key}.{table['key']}", numbers))
        if self.chance.random() < 0.3:
            section["slots"].append(
                {"key": self._key("file"), "label": "证明材料", "required": False, "help": "加盖公章"}
            )
        if self.chance.random() < 0.2:
            section["fields"].append({"key": self._key("said"), "kind": "fixed_text", "text": "以下为说明文字。"})
        return section

    def _key(self, word: str) -> str:
        self.count += 1
        return f"{word}_{self.count}"

    def _remember(self, section: str, field: Json) -> None:
        types = {"integer": "number", "decimal": "number", "money": "number", "percent": "number", "year": "number",
                 "select": "choice", "radio": "choice", "multiselect": "list", "checkbox": "bool", "date": "date"}  # fmt: skip
        found = types.get(field["kind"], "text")
        self.known.append((f"{section}.{field['key']}", field["key"], found, section))

    def _field(self, *, column: bool = False) -> Json:
        kind = self.chance.choice(KINDS)
        field: Json = {"key": self._key("f"), "kind": kind, "label": f"{kind} 第 {self.count} 项"}
        if self.chance.random() < 0.25:
            field["required"] = False
        if self.chance.random() < 0.3:
            field["help"] = "请如实填写 <b>&amp;"
        if self.chance.random() < 0.2:
            field["example"] = "示例"
        if not column and self.chance.random() < 0.3:
            field["group"] = self.chance.choice(["基本信息", "账户", "人员"])
        if kind in ("select", "radio", "multiselect"):
            field |= self.chance.choice([{"options": OPTIONS}, {"options_from": "shared"}, {"options_from": "directions"},
                                         {"options": [{"value": "a", "label": "甲"}, {"value": "b", "label": "乙"}]}])  # fmt: skip
        if kind in ("decimal", "percent"):
            field["places"] = self.chance.randrange(5)
        if kind == "money" and self.chance.random() < 0.5:
            field |= {"allow_zero": True, "allow_negative": True}
        if kind == "date":
            field["bounds"] = [{"op": "<=", "than": "today", "message": "不能晚于今天"}]
        if self.chance.random() < 0.15:
            field["audience"] = "bureau"
        # What the field takes, and what it refuses, which is left out then.
        defaults = {"date": "today", "money": "12.5", "integer": "12.5", "text": '"先填好"', "checkbox": "true"}
        if kind in defaults and not column and self.chance.random() < 0.3:
            field["default"] = defaults[kind]
        if kind in ("id_card", "bank_account"):
            field["sensitive"] = True
        return field

    def _table(self, section: str) -> Json:
        chance, key = self.chance, self._key("t")
        columns = [self._field(column=True) for _ in range(chance.randint(1, 7))]
        money = {"key": self._key("wan"), "kind": "money", "label": "金额", "allow_zero": True, "width": 8}
        double = {
            "key": self._key("twice"),
            "kind": "computed",
            "gives": "money",
            "label": "两倍",
            "value": f"{money['key']} * 2",
        }
        flag = {"key": self._key("flag"), "kind": "checkbox", "label": "是否", "required": False}
        more = {
            "key": self._key("more"),
            "kind": "text",
            "label": "说明",
            "visible_if": f"{flag['key']} or {money['key']} > 50",
        }
        # What follows from an ID number, and options that follow a choice: apart from the other draws.
        if Random(key + "follows").random() < 0.5:
            number, chosen = ({"key": self._key(word), "label": word} for word in ("card", "class"))
            columns += [
                number | {"kind": "id_card", "required": False},
                {"key": self._key("born"), "kind": "computed", "gives": "date", "label": "出生日期", "sensitive": True, "value": f"born({number['key']})"},
                chosen | {"kind": "select", "options": list(CRAFTS)},
                {"key": self._key("craft"), "kind": "select", "label": "品种", "follows": chosen["key"], "options_for": CRAFTS},
            ]  # fmt: skip
        unique = {"key": self._key("no"), "kind": "text", "label": "编号", "max": 20, "unique": True}
        table: Json = {
            "key": key, "label": "明细表", "columns": [*columns, unique, money, double, flag, more],
            "totals": [money["key"], double["key"]], "help": "逐行填写", "landscape": Random(key).random() < 0.5,
        }  # fmt: skip
        money["under"] = double["under"] = "金额和两倍"
        if chance.random() < 0.4:
            table["fixed_rows"] = [{"key": f"r{n}", "label": f"第{n}项"} for n in range(chance.randint(1, 6))]
            table["row_label"] = "项目"
            if Random(key).random() < 0.5:
                table["fixed_rows"] += [
                    {"key": "sub", "label": "小计", "subtotal_of": [table["fixed_rows"][0]["key"]]}
                ]
        elif Random(key).random() < 0.4:
            within = [{"key": f"l{n}", "label": f"第{n}类", "min_rows": n % 2} for n in range(4)]
            table["levels"] = [{"label": "甲级", "within": within[:3]}, {"label": "乙级", "within": within[3:]}]
            table["max_rows"] = 60
        else:
            table |= {"min_rows": chance.randint(1, 2), "max_rows": chance.choice([5, 60, 100])}
        self.known += [(f"{section}.{key}", key, "rows", section), (f"sum({section}.{key}.{money['key']})", f"sum({key}.{money['key']})", "number", section),
                       (f"any(r.{flag['key']} for r in {section}.{key})", f"any(r.{flag['key']} for r in {key})", "bool", section)]  # fmt: skip
        return table

    def _following(self, followed: str, named: str) -> Json:
        """A table with a row for each of another."""
        wan = {
            "key": self._key("part"),
            "kind": "money",
            "label": "各行金额",
            "required": False,
            "allow_zero": True,
        }
        name = {
            "key": self._key("name"),
            "kind": "computed",
            "gives": "text",
            "label": "行",
            "value": f"source.{named}",
        }
        return {
            "key": self._key("t"), "label": "逐行经费", "rows_from": followed, "required": False,
            "columns": [name, wan], "totals": [wan["key"]],
        }  # fmt: skip

    # ---- conditions --------------------------------------------------------------------------------------------

    def _conditions(self, count: int) -> None:
        """Conditions, computed values and bounds over what stands before: no circles, nothing contradictory."""
        order = {full: i for i, (full, *_) in enumerate(self.known)}
        places = [
            (s, p)
            for s in self.sections
            for p in s["fields"]
            if f"{s['key']}.{p['key']}" in order
            and p["key"] not in ("project", "wan")
            and p["kind"] != "fixed_text"
        ]
        self.chance.shuffle(places)
        for section, part in places[:count]:
            before = self.known[: order[f"{section['key']}.{part['key']}"]]
            role = self.chance.choice(["visible_if", "required_if"])
            if part.get("required") is False and role == "required_if":
                del part["required"]
            part[role] = self._condition(section["key"], before)
        for section in self.sections[1:]:
            if self.chance.random() < 0.2:
                before = [k for k in self.known if int(k[3][1:]) < int(section["key"][1:])]
                section["visible_if"] = self._condition(section["key"], before)
        for section in self.sections:
            if self.chance.random() < 0.5:
                numbers = [k for k in self.known if k[2] == "number"]
                value = " + ".join(
                    f"default({self._path(section['key'], k)}, 0)"
                    for k in self.chance.sample(numbers, min(3, len(numbers)))
                )
                section["fields"].append(
                    {"key": self._key("sum"), "kind": "computed", "label": "合计", "value": f"rounded({value}, 2)"}
                )

    def _path(self, section: str, known: tuple[str, str, str, str]) -> str:
        return known[1] if known[3] == section else known[0]

    def _condition(self, section: str, before: list[tuple[str, str, str, str]]) -> str:
        picked = self.chance.sample(before, min(self.chance.randint(1, 3), len(before)))
        return self.chance.choice([" or ", " and "]).join(
            self._simple(self._path(section, k), k[2]) for k in picked
        )

    def _simple(self, path: str, type: str) -> str:
        templates = {
            "number": ["{} > 5", "{} >= 1", "{} != 3", "{} * 2 < 100000", "abs({}) > 0.5", "{} > round.limit"],
            "text": ["filled({})", "length({}) > 3", 'contains({}, "艺")', "not blank({})"],
            "choice": ["filled({})", 'starts_with({}, "甲")', "length({}) > 1"],
            "list": ["count({}) > 1", "filled({})"],
            "bool": ["{}", "not {}", "{} == true"],
            "date": ['{} > "2020-01-01"', "year({}) >= 2020", "days({}, today) > 10", "{} >= round.earliest"],
            "rows": ["count({}) > 1", "count({}) >= 1"],
        }
        return "(" + self.chance.choice(templates[type]).format(path) + ")"


def form(seed: int, *, sections: int, fields: int, conditions: int, tables: int | None = None) -> Json:
    """The data of a form's file."""
    return Writer(seed, sections=sections, fields=fields, conditions=conditions, tables=tables).form


# ---- values ----------------------------------------------------------------------------------------------------


def values(definition: Json, seed: int, *, rows: int = 3) -> dict[str, Json]:
    """Values that fill every section, by section, attachments excepted; hidden fields are filled in too."""
    chance = Random(seed)
    lists = {**ROUND, **definition["lists"]}
    found: dict[str, Json] = {}
    for section in definition["sections"]:
        typed: Json = {f["key"]: value_of(f, chance, lists) for f in section["fields"] if _asked(f)}
        for table in section["tables"]:
            if "rows_from" in table:
                followed = typed[table["rows_from"].partition(".")[2]]
                asked = [c for c in table["columns"] if _asked(c)]
                typed[table["key"]] = [
                    {"id": row["id"], **{c["key"]: value_of(c, chance, lists) for c in asked}} for row in followed
                ]
                continue
            keys = [row["key"] for row in table.get("fixed_rows", []) if "subtotal_of" not in row]
            levels = [level["key"] for branch in table.get("levels", []) for level in branch["within"]]
            typed[table["key"]] = [
                {
                    **({"row": keys[n]} if keys else {"id": f"row{n}"}),
                    **({"row": levels[n]} if levels else {}),
                    **{
                        c["key"]: f"编号{n}" if c.get("unique") else value_of(c, chance, lists)
                        for c in table["columns"]
                        if _asked(c)
                    },
                }
                for n in range(len(keys or levels) or min(max(rows, table["min_rows"]), table["max_rows"]))
            ]
        found[section["key"]] = typed
    return found


def _asked(field: Json) -> bool:
    return field["kind"] not in ("computed", "fixed_text")


def value_of(field: Json, chance: Random, lists: Json) -> Any:
    """A value that a field takes."""
    source = field.get("options_from") or ""
    if field.get("follows"):
        return CRAFTS["雕塑"][0]
    if "." in source:
        # What stands in the first row of every table.
        return "编号0"
    if field.get("options") == list(CRAFTS):
        return "雕塑"
    options = field.get("options") or lists.get(source, [])
    chosen = [o["value"] if isinstance(o, dict) else o for o in options]
    match field["kind"]:
        case "text":
            return "".join(chance.choices("工艺美术景泰蓝 abcé𠮷", k=chance.randint(2, 20))).strip() or "艺"
        case "textarea":
            return "\n".join(
                "掐丝、点蓝、烧蓝、磨光、镀金。" * chance.randint(1, 5) for _ in range(chance.randint(1, 4))
            )
        case "integer":
            least = int(field.get("min") or 0)
            return chance.choice([chance.randrange(least, 100_000), str(chance.randrange(least, 1000)), "１２"])
        case "decimal" | "percent":
            places = field.get("places", 2)
            return f"{Decimal(chance.randrange(100 * 10**places)).scaleb(-places):f}"
        case "money":
            return f"{Decimal(chance.randint(1, 100_000)) / 100:.2f}"
        case "target":
            return chance.choice(["≥20", "<=5%", "不少于 1,200 件", "100%", "填补空白"])
        case "date":
            return (DAY + timedelta(days=chance.randrange(700))).isoformat()
        case "year":
            return chance.randint(1990, 2030)
        case "select" | "radio":
            return chance.choice(chosen)
        case "multiselect":
            return chance.sample(chosen, chance.randint(1, len(chosen)))
        case "checkbox":
            return True
        case "phone":
            return chance.choice(["010-58511090", "13800138000"])
        case "mobile":
            return f"1{chance.randint(3, 9)}{chance.randrange(10**9):09d}"
        case "telephone":
            return chance.choice(["+81312345678", "+44 20 7946 0958", "010-58511090"])
        case "web_address":
            return chance.choice(["https://www.example.com/a?b=1", "www.example.cn", "http://例子.中国"])
        case "month":
            return chance.choice(["2024-05", "2025年11月", "2026/1"])
        case "email":
            return f"u{chance.randrange(10**6)}@example.com"
        case "postcode":
            return f"{chance.randrange(10**6):06d}"
        case "uscc":
            return uscc(chance)
        case "id_card":
            return id_card(chance)
        case "passport":
            return f"E{chance.randrange(10**8):08d}"
    return f"{chance.randrange(10**19):019d}"


def uscc(chance: Random) -> str:
    """A 统一社会信用代码 with its check character, by GB 32100."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    code = "91110105" + "".join(chance.choices(alphabet, k=9))
    total = sum(alphabet.index(c) * 3**i for i, c in enumerate(code))
    return code + alphabet[-total % 31]


def id_card(chance: Random) -> str:
    """A 居民身份证 number with its check character, by GB 11643 (ISO 7064 MOD 11-2)."""
    born = date(1950, 1, 1) + timedelta(days=chance.randrange(20_000))
    number = f"110105{born:%Y%m%d}{chance.randrange(1000):03d}"
    rest = (1 - 2 * int(sum(int(c) * 2 ** (16 - i) for i, c in enumerate(number)))) % 11
    return number + ("X" if rest == 10 else str(rest))
