"""What the tools for forms say to the people who write them: in Chinese, whatever is wrong, and with what to do about it."""

import json
import re
from pathlib import Path

import pytest

from deploy.forms.__main__ import COMMANDS, main
from services.applications.forms.authoring import json_schema, library_messages
from services.applications.forms.authoring.lint import lint_file
from services.applications.forms.formulas.syntax_messages import of_syntax
from tests.unit.applications.test_forms_lint import HEAD, NUMBERS, in_chinese, of_field, said

# A condition, and what is said about it.
FORMULAS = [
    ("n = 3", "判断相等要写两个等号“==”"),
    ("n => 3", "“不小于”写成“>=”"),
    ("n <> 3", "“不等于”写成“!=”"),
    ("n ≥ 3", "不能用“≥”，请改用半角的“>=”"),
    ("n ≤ 3", "不能用“≤”，请改用半角的“<=”"),
    ("n ≠ 3", "不能用“≠”，请改用半角的“!=”"),
    ("n × 2 > 3", "不能用“×”，请改用半角的“*”"),
    ("n ÷ 2 > 3", "不能用“÷”，请改用半角的“/”"),
    ("max(n、3) > 1", "不能用“、”，请改用半角的“,”"),
    ("n > 3。", "不能用“。”，请改用半角的“.”"),
    ("n = 3", "判断相等要写两个等号“==”"),
    ("(n = 3)", "判断相等要写两个等号“==”"),
    ("\u200bn > 3", "有看不见的字符"),
    ("€ > 3", "不能用“€”"),
    ("n ＞ 3", "不能用“＞”，请改用半角的“>”"),
    ("（n > 3）", "不能用“（”，请改用半角的“(”"),
    ("name == “甲”", "引号要用半角的 \" 或 '"),
    ("s == 甲", "找不到“甲”，如果是文字，请加引号，写成 '甲'"),
    ("n > 3 && m > 2", "“并且”写成 and"),
    ("n > 3 || m > 2", "“或者”写成 or"),
    ("!n", "“并非”写成 not"),
    ("n > 3 ? m : n", "请写成“a if 条件 else b”"),
    ("n if m > 3", "“if”后面要有“else”"),
    ("n > 3 and", "没有写完"),
    ("n > 3)", "多了一个“)”"),
    ("(n > 3", "括号“(”没有配对"),
    ("(n > 3]", "括号“]”与前面的括号不配对"),
    ("'x", "引号没有成对"),
    ("n > > 3", "第 5 个字符附近写得不对"),
    ("class == 1", "“class”另有用处"),
    ("n > 012", "数的写法不对"),
    ("n > 1e5", "数“1e5”的写法不对"),
    ("n % 2 == 1", "“n % 2”中的运算符不能用"),
    ("  ", "是空的"),
    ("n" * 1001, "不能超过 1000 字"),
    ("not " * 30 + "n", "嵌套太深"),
    ("lambda: 3", "不能用“lambda: 3”这种写法"),
    ("n in (n, 3)", "括号里的一组值只能是数和文字"),
    ("n in 3", "“in”后面应是一组值"),
    ("n in ('a', 'b')", "一组文字之中不会有数"),
    ("'甲' == many", "多个选项与文字不是一类"),
    ("n == true", "是或否与数不是一类"),
    ("many == many", "多个选项不能这样比较；请用 in"),
    ("not n", "应为是或否的地方写了数"),
    ("sum() > 1", "sum() 的括号里应写表格的一列、一个循环或几个数"),
    ("sum(n, x=1) > 3", "sum() 的括号里不能写等号“=”"),
    ("abs(x for x in n) > 1", "abs() 的括号里不能写循环"),
    ("year(n) > 3", "year() 的括号里应写一个日期；应为日期的地方写了数"),
    ("max(n, on) > 3", "日期与数不是一类"),
    ("count(n) > 1", "不能是数"),
    ("[x for x in n]", "循环要单独写在函数的括号里"),
    ("any(x for x in n)", "循环只能走表格，“n”不是表格"),
    ("any(r.n for q in r for r in q)", "一个循环只走一张表格"),
    ("any(3 for (a, b) in n)", "循环应写成“for r in 材料.表格”"),
    ("n[0] > 1", "名称应写成：材料.字段"),
    ("others.foo > 1", "others 中没有“foo”；有 applied_wan"),
]
# What stands in a field besides, and what is said about it.
ATTRIBUTES = [
    ("min: x", "“min”应为整数（现为“x”）"),
    ("max: 0", "“max”不能小于 1（现为“0”）"),
    ("max: 20001", "“max”不能大于 20000（现为“20001”）"),
    ("required: maybe", "“required”应为 true 或 false（现为“maybe”）"),
    ("help: 3", "“help”应为文字，数字和 true、false 请加引号（现为“3”）"),
    ("visible_if: true", "请加引号（现为 true）"),
    ("prefill: n", "“prefill”应写成“registry.…”或“account.…”"),
    ("unit: 一二三四五六七八九十一二三四五六七八九十一", "“unit”不能超过 20 字"),
    ("sensitive: null", "“sensitive”后面没有内容"),
    ("bounds: 3", "“bounds”应为一列内容"),
    ("bounds: [3]", "“bounds”的第 1 项应为一组“名称: 内容”"),
    ("bounds: [{op: '=', than: n, message: x}]", "“op”应为以下之一：<=、>=、<、>、==、!="),
    ("bounds: [{op: '<', than: '', message: x}]", "“than”不能为空"),
    ("bounds: [{op: '<', than: n, message: x}]", "文字不能与数比较"),
    ("was: a.b.c", "“was”应写成“key”或“材料的 key.key”"),
    ("options: [甲]", "“options”在这里没有用处"),
    ("3: 4", "名称“3”应为文字"),
]
FIELDS = [
    ("{key: 1a, kind: text, label: x}", "“key”应以英文字母开头"),
    ("{key: q, kind: 金额, label: x}", "没有“金额”这种字段，要写的可能是 money（金额）"),
    ("{key: q, kind: integr, label: x}", "要写的可能是 integer（整数）"),
    ("{key: q, kind: zzz, label: x}", "有 text（文本）、"),
    ("{key: q, label: x}", "缺少“kind”"),
    ("3", "“fields”的第 7 项应为一组“名称: 内容”"),
    ("{key: q, kind: text, label: ''}", "“label”不能为空"),
    ("{key: q, kind: select, label: x}", "options（选项）和 options_from（选项的来源）应写且只写一个"),
    ("{key: q, kind: select, label: x, options: [1]}", "“options”的第 1 项应为文字，数字"),
    ("{key: q, kind: select, label: x, options: [{value: a}]}", "缺少“label”"),
    ("{key: q, kind: select, label: x, options: [甲, 甲]}", "有重复的选项"),
    ("{key: q, kind: select, label: x, options: [甲], must_be: 乙}", "must_be“乙”不在选项之中"),
    ("{key: q, kind: select, label: x, options_from: A b}", "找不到选项“A b”"),
    ("{key: q, kind: money, label: x, places: 9}", "“places”不能大于 6"),
    ("{key: q, kind: money, label: x, max: 一百}", "“max”应为数"),
    ("{key: q, kind: computed, label: x, value: name}", "公式得出的是文字，gives 要的是数"),
    ("{key: q, kind: computed, label: x, value: n, gives: 数}", "“gives”应为以下之一：number、money"),
    ("{key: q, kind: computed, label: x, value: q}", "绕成了一圈：a.q → a.q"),
    ("{key: q, kind: computed, label: x, value: n, readonly: true}", "“q”不由人填写"),
]
# A whole file, the line, and what is said about it.
FILES = [
    ("", 1, "文件是空的"),
    ("- a", 1, "表单应是一组“名称: 内容”"),
    ("a: b: c", 1, "多了一个冒号"),
    ("a:\n\t- b", 2, "缩进请用空格，不用 Tab"),
    ("a: [1, 2\nb: 3", 2, "（从第 1 行开始的内容）：{ } 或 [ ] 没有成对"),
    ("a: 'b\nc: d\n", 3, "引号没有成对"),
    ("a: 1\nb：2\nc: 3", 3, "冒号要用半角“:”"),
    ("a:\n  - b\n c: d", 3, "缩进不齐"),
    ("a: - b", 1, "“-”前面不能有别的内容"),
    ("a: @x", 1, "开头的内容请加引号"),
    ("a: *x", 1, "没有用“&”定义过"),
    ("a: &x 1\nb: &x 2", 2, "同一个“&”名字定义了两次"),
    ("a: *", 1, "内容以“*”或“&”开头时请加引号"),
    ("a: [,]", 1, "这里缺少内容"),
    ("a: |\n x\n\ty", 3, "缩进"),
    ("fund_type: x\nversion: 0", 2, "“version”应大于 0"),
    ("fund_type: x\nversion: 1000000", 2, "“version”应小于 1000000"),
    (
        "fund_type: x\nsections: [" + "{key: a, label: x, title: x}, " * 101 + "]",
        2,
        "“sections”最多 100 项，现有 101 项",
    ),
    ("a: &x [*x]", 1, "引用了它自己"),
    ("a: !x y", 1, "不能用以“!”开头的标记"),
    ('a: "\\q"', 1, "双引号里的“\\”写法不对"),
    ("a: 1\n---\nb: 2", 2, "一个文件只能写一份表单"),
    ("a: |x\n y", 1, "“|”或“>”后面不能再写内容"),
    ("a: \x07", 1, "有不能用的控制字符"),
    ("? [1]\n: 2", 1, "这里的名称"),
    ("- " * 3000, 1, "嵌套太深"),
    ("a: " + "1" * 5000, 1, "过长的数"),
    ("a: " + "甲" * 2_000_000, 1, "不能超过 4 MB"),
]


@pytest.mark.parametrize(("condition", "words"), FORMULAS)
def test_what_is_said_about_a_formula(condition: str, words: str) -> None:
    found = of_field(f"visible_if: {json.dumps(condition, ensure_ascii=False)}")
    assert any(words in message for _, _, message in found), found


@pytest.mark.parametrize(("rest", "words"), ATTRIBUTES)
def test_what_is_said_about_an_attribute(rest: str, words: str) -> None:
    found = of_field(rest)
    assert any(words in message for _, _, message in found), found


@pytest.mark.parametrize(("field", "words"), FIELDS)
def test_what_is_said_about_a_field(field: str, words: str) -> None:
    found = said(f"{HEAD}{NUMBERS}      - {field}\n")
    assert any((line, words in message) == (18, True) for line, _, message in found), found
    assert len(found) == 1, found


@pytest.mark.parametrize(("text", "line", "words"), FILES, ids=range(len(FILES)))
def test_what_is_said_about_a_file(text: str, line: int, words: str) -> None:
    found = said(text)
    assert any(at == line and words in message for at, _, message in found), found


def test_what_no_version_of_a_library_has_said_yet_is_told_in_general() -> None:
    """Libraries change their wording; what comes out stays Chinese."""
    unknown = {"type": "something_new", "msg": "Something is new", "loc": ("a", 0), "input": 3}
    assert library_messages.of_shape(unknown, ("a", 0)) == "“a”的第 1 项写法不对（现为“3”）"
    assert in_chinese(library_messages.of_yaml("something is wrong", "while being new", None))
    assert of_syntax(SyntaxError("something new", ("", 1, 2, "")), "n > 3") == "第 2 个字符附近写得不对"


def test_a_file_in_another_encoding_and_one_that_cannot_be_opened(tmp_path: Path) -> None:
    file = tmp_path / "form.yaml"
    file.write_bytes("fund_type: x\nlabel: 展会\n".encode("gb18030"))
    [fault] = lint_file(file)
    assert (fault.line, fault.message) == (2, "文件不是 UTF-8 编码，请另存为 UTF-8")
    [fault] = lint_file(tmp_path)
    assert fault.message == "文件打不开，请核对它的名字和权限"


def test_a_fault_stays_on_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "form.yaml"
    file.write_text(f'{HEAD}{NUMBERS}      - {{key: q, kind: text, label: x, visible_if: "n >\\n3 +"}}\n', "utf-8")
    assert main(["lint", str(file)]) == 1
    assert capsys.readouterr().out == (
        f"{file}:18: error: 公式“n > 3 +”：没有写完\n1 份表单：1 处错误，0 处警告，0 处提示\n"
    )


# ---- the command -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "缺少：命令"),
        (["foo"], "没有“foo”，可用的有："),
        (["lint"], "缺少：表单"),
        (["lint", "no/such"], "没有这个文件，也没有这份已发布的表单：no/such"),
        (["lint", "reward/1", "--rounds"], "--rounds 后面缺少内容"),
        (["lint", "reward/1", "--rounds", "nowhere"], "没有这个文件：nowhere"),
        (["lint", "reward/1", "--loud"], "不认识：--loud"),
        (["preview", "reward/1", "--port", "x"], "--port 应为整数，不能是“x”"),
    ],
)
def test_wrong_arguments_are_told_in_chinese(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("用法：")
    assert words in printed


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_help_is_in_chinese(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    for line in capsys.readouterr().out.splitlines():
        assert not line.strip() or re.search("[一-鿿]", line), line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "不是正确的 YAML"),
        ("a: 3", "应是一列批次"),
        ("- {fund_type: reward, parameters: {cap_wan: 0.3}}", "“reward”的 parameters.cap_wan 应为加引号的数"),
    ],
)
def test_what_is_said_about_a_file_of_rounds(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = tmp_path / "rounds.yaml"
    rounds.write_text(text, "utf-8")
    assert main(["lint", "reward/1", "--rounds", str(rounds)]) == 1
    assert words in capsys.readouterr().err


def test_where_nothing_can_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert main(["publish", "reward/1", "--catalogue", str(tmp_path / "file")]) == 1
    assert f"无法读写 {tmp_path / 'file'}" in capsys.readouterr().err


def test_an_editor_that_reads_the_schema_explains_everything_in_chinese() -> None:
    found = json_schema.schema()
    for part in (found, *found["$defs"].values()):
        for what in (part, *part["properties"].values()):
            assert re.search("[一-鿿]", what["description"]), what
