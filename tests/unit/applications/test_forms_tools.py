"""`forms diff`, `publish`, `check`, `schema` and the command itself."""

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.forms.__main__ import main
from services.applications.forms.authoring import json_schema, publishing
from services.applications.forms.authoring.source import read_form
from services.applications.forms.authoring.version_diff import changes
from services.applications.forms.catalogue import FOLDER, forms
from services.applications.forms.definition import Form
from services.applications.rounds import seed

TEXT = (FOLDER / "subsidy" / "1.yaml").read_text("utf-8")


def form_of(text: str) -> Form:
    form, faults, _ = read_form(text)
    assert form, faults
    assert not [f for f in faults if f.severity == "error"], faults
    return form


OLD = """fund_type: x
version: 1
label: 例
title: 例
document_title: 例
project_name: a.name
lists: {crafts: [景泰蓝, 玉雕]}
sections:
  - key: a
    label: 甲
    title: 甲
    groups: [{label: 账户, help: 旧}]
    fields:
      - {key: name, kind: text, label: 名称, max: 60}
      - {key: n, kind: integer, label: 个数, group: 账户}
      - {key: craft, kind: select, label: 门类, options_from: crafts}
      - {key: more, kind: text, label: 更多, required: false, visible_if: n > 3}
      - {key: twice, kind: computed, label: 两倍, value: n * 2}
      - {key: on, kind: date, label: 日期, bounds: [{op: "<=", than: today, message: 不能晚于今天}]}
    tables:
      - key: rows
        label: 明细
        columns:
          - {key: item, kind: text, label: 项目}
          - {key: wan, kind: money, label: 金额}
        totals: [wan]
    slots:
      - {key: proof, label: 证明}
  - key: b
    label: 乙
    title: 乙
    fields:
      - {key: note, kind: textarea, label: 说明, required: false}
checks:
  - {id: cap, op: "<=", left: sum(a.rows.wan), right: round.cap, message: 超过上限, section: a}
"""
# What is edited, and all that is said about it; "!" asks for attention.
EDITS: list[tuple[str, str, list[str]]] = [
    ("label: 名称, max: 60", "label: 项目名称, max: 40",
     ["  甲 · 项目名称：名称由“名称”改为“项目名称”", "! 甲 · 项目名称：上限由 60 改为 40"]),
    ("label: 名称, max: 60", "label: 名称, max: 80", ["  甲 · 名称：上限由 60 改为 80"]),
    ("label: 名称, max: 60", "label: 名称, max: 60, min: 2, help: 全称", ["! 甲 · 名称：下限由 0 改为 2", "  甲 · 名称：新增填写说明"]),
    ("label: 更多, required: false", "label: 更多", ["! 甲 · 更多：由选填改为必填"]),
    ("visible_if: n > 3", "visible_if: n > 5 and craft == '玉雕'",
     ["! 甲 · 更多：显示条件由““个数”大于3”改为““个数”大于5且“门类”等于“玉雕””"]),
    (", visible_if: n > 3", "", ["! 甲 · 更多：取消显示条件（原为：“个数”大于3）"]),
    ("value: n * 2", "value: n * 3", ["! 甲 · 两倍：计算方法由 “个数”×2 改为 “个数”×3"]),
    ("[景泰蓝, 玉雕]", "[景泰蓝, 雕漆]", ["  甲 · 门类：新增选项：雕漆", "! 甲 · 门类：取消选项：玉雕"]),
    ("[景泰蓝, 玉雕]", "[景泰蓝, {value: 玉雕, label: 玉器}]", ["  甲 · 门类：选项“玉雕”改称“玉器”"]),
    ("kind: integer, label: 个数", "kind: decimal, label: 个数",
     ["! 甲 · 个数：由整数改为小数"]),
    ("op: \"<=\", than: today", "op: \"<\", than: today",
     ["! 甲 · 日期：新增限制：应小于当天（不能晚于今天）", "  甲 · 日期：取消限制：应不大于当天（不能晚于今天）"]),
    ("        totals: [wan]", "        totals: []\n        max_rows: 9", ["  甲 · 明细：不再合计", "! 甲 · 明细：最多行数由 50 改为 9"]),
    ("{key: item, kind: text, label: 项目}", "{key: item, kind: text, label: 项目, unique: true}", ["! 甲 · 明细 · 项目：改为不得重复"]),
    ("          - {key: item, kind: text, label: 项目}\n", "", ["! 甲 · 明细 · 项目：取消此列"]),
    ("{key: proof, label: 证明}", "{key: proof, label: 证明, accept: [pdf], max_mb: 30}",
     ["! 甲 · 证明：可上传的类型改为：pdf", "  甲 · 证明：单个文件大小上限（MB）由 20 改为 30"]),
    ("      - {key: note, kind: textarea, label: 说明, required: false}\n",
     "      - {key: note, kind: fixed_text, text: 请核对}\n", ["! 乙：由长文本改为说明文字"]),
    ("help: 旧", "help: 新", ["  甲 · 账户：填写说明改变"]),
    ("right: round.cap", "right: round.cap * 2", ["! 甲：核对改变：超过上限"]),
    ("message: 超过上限", "message: 超过上限, severity: warning", ["  甲：核对“超过上限”改为不满足时提示"]),
    ("title: 乙", "title: 乙\n    required: false", ["  乙：由必填改为选填"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "wanted"), EDITS, ids=range(len(EDITS)))
def test_what_changes_for_an_applicant(old: str, new: str, wanted: list[str]) -> None:
    assert OLD.count(old) == 1
    found = changes(form_of(OLD), form_of(OLD.replace(old, new)))
    said = [f"{'!' if c.attention else ' '} {c}" for c in found]
    assert said == wanted


def test_parts_that_come_go_and_move() -> None:
    text = OLD.replace("      - {key: proof, label: 证明}\n", "").replace("    slots:\n", "", 1)
    text = text.replace(
        "label: 说明, required: false}\n",
        "label: 说明, required: false}\n    slots:\n      - {key: proof, label: 证明}\n",
    )
    text += "  - {id: one, holds: a.n > 0, message: 至少一个, section: a, severity: warning}\n"
    text = text.replace(
        "checks:\n", "  - {key: c, label: 丙, title: 丙, fields: [{key: x, kind: text, label: 新项}]}\nchecks:\n"
    )
    found = [str(change) for change in changes(form_of(OLD), form_of(text))]
    assert found == [
        "乙 · 证明：由“甲”移到“乙”",
        "丙：新增材料（必填），含：新项",
        "甲：新增核对：至少一个（不满足时提示）",
    ]
    back = [str(change) for change in changes(form_of(text), form_of(OLD))]
    assert back == ["甲 · 证明：由“乙”移到“甲”", "丙：取消此项材料", "甲：取消核对：至少一个"]


@pytest.mark.parametrize("form", forms().values(), ids=lambda form: form.fund_type)
def test_a_form_does_not_differ_from_itself(form: Form) -> None:
    assert changes(form, form.model_copy(update={"version": 2})) == []


def test_every_pair_of_forms_can_be_compared() -> None:
    for old in forms().values():
        for new in forms().values():
            assert all("{" not in str(change) for change in changes(old, new))


# ---- publishing ------------------------------------------------------------------------------------------------


def published(tmp_path: Path, text: str = TEXT) -> tuple[Path, Path]:
    file, catalogue = tmp_path / "next.yaml", tmp_path / "catalogue"
    file.write_text(text, "utf-8")
    publishing.publish(file, form_of(text), catalogue)
    return file, catalogue


def test_a_published_form_never_changes(tmp_path: Path) -> None:
    file, catalogue = published(tmp_path)
    target = catalogue / "subsidy" / "1.yaml"
    assert publishing.broken(catalogue) == []
    assert publishing.publish(file, form_of(TEXT), catalogue) == target  # once more is no harm
    target.write_text(TEXT + "# a word\n", "utf-8")
    assert publishing.broken(catalogue) == [
        "subsidy/1.yaml: 发布后被改动；已发布的不能改，请恢复原样，另写新的一版"
    ]
    file.write_text(TEXT + "# a word\n", "utf-8")
    with pytest.raises(publishing.NotPublished, match="已经发布，不能再改"):
        publishing.publish(file, form_of(TEXT), catalogue)
    target.unlink()
    assert publishing.broken(catalogue) == ["subsidy/1.yaml: 已经发布，文件却不见了，请找回"]
    (catalogue / "other").mkdir()
    (catalogue / "other" / "1.yaml").write_text(TEXT, "utf-8")
    assert "other/1.yaml: 放在发布目录里，却没有发布过，请移走后用 publish 发布" in publishing.broken(catalogue)


def test_versions_follow_one_another(tmp_path: Path) -> None:
    file, catalogue = published(tmp_path)
    third = TEXT.replace("\nversion: 1\n", "\nversion: 3\n")
    file.write_text(third, "utf-8")
    with pytest.raises(publishing.NotPublished, match="“subsidy”的下一版应是 version: 2，文件里写的是 3"):
        publishing.publish(file, form_of(third), catalogue)
    second = TEXT.replace("\nversion: 1\n", "\nversion: 2\n")
    file.write_text(second, "utf-8")
    assert publishing.publish(file, form_of(second), catalogue).read_text("utf-8") == second
    assert publishing.broken(catalogue) == []


def test_a_form_with_a_fault_is_not_published(tmp_path: Path) -> None:
    file = tmp_path / "next.yaml"
    text = TEXT.replace("visible_if: direction in round.platform_directions", "visible_if: '1 == 2'", 1)
    file.write_text(text, "utf-8")
    with pytest.raises(publishing.NotPublished, match=r"next.yaml:\d+: error: 条件“1 == 2”永远不成立"):
        publishing.publish(file, form_of(text), tmp_path / "catalogue")
    assert not (tmp_path / "catalogue").exists()


def test_the_catalogue_is_as_it_was_published() -> None:
    assert publishing.broken(FOLDER) == []
    assert set(publishing.published(FOLDER)) == {f"{f.fund_type}/{f.version}.yaml" for f in forms().values()}
    # Whoever does not trust this code asks another.
    subprocess.run(["sha256sum", "--check", "--quiet", "--strict", publishing.LIST], cwd=FOLDER, check=True)


# ---- the command -----------------------------------------------------------------------------------------------


def test_lint_ends_with_1_when_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "--quiet", str(FOLDER)]) == 0
    assert capsys.readouterr().out == "8 份表单：0 处错误，0 处警告，31 处提示\n"
    file = tmp_path / "bad.yaml"
    file.write_text(TEXT.replace("kind: textarea", "kind: essay"), "utf-8")
    assert main(["lint", str(file)]) == 1
    assert f"{file}:" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["lint", "no/such"])
    assert ended.value.code == 2


def test_lint_with_the_demo_rounds_says_what_they_leave_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(
            [
                "lint",
                *(f"{t}/1" for t in ("reward", "subsidy", "master_studio", "innovation_cluster")),
                "--rounds",
                str(seed.FILE),
            ]
        )
        == 0
    )
    assert capsys.readouterr().out == "4 份表单：0 处错误，0 处警告，0 处提示\n"
    rounds = tmp_path / "rounds.yaml"
    rounds.write_text("- {fund_type: master_studio, parameters: {ratio: '0.5'}}\n", "utf-8")
    assert main(["lint", "master_studio/1", "--rounds", str(rounds)]) == 0
    assert "本批次没有参数 cap_wan，不做核对“amount_cap”" in capsys.readouterr().out


def test_check_finds_a_changed_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, catalogue = published(tmp_path)
    assert main(["check", "--catalogue", str(catalogue)]) == 0
    with (catalogue / "subsidy" / "1.yaml").open("a") as file:
        file.write("\n")
    assert main(["check", "--catalogue", str(catalogue)]) == 1
    assert "发布后被改动" in capsys.readouterr().out


# ---- schema ----------------------------------------------------------------------------------------------------


def test_the_schema_takes_the_catalogue_and_refuses_what_lint_refuses() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(json_schema.text()))
    validator.check_schema(validator.schema)
    for file in FOLDER.glob("*/*.yaml"):
        assert [e.message for e in validator.iter_errors(yaml.safe_load(file.read_text("utf-8")))] == []
    sound: dict[str, Any] = yaml.safe_load(OLD.replace("key: on", "key: day"))
    assert validator.is_valid(sound)
    for wrong in ({"kind": "essay"}, {"key": "1a"}, {"label": ""}, {"colour": "red"}, {"max": "many"}):
        data = yaml.safe_load(OLD)
        data["sections"][0]["fields"][0].update(wrong)
        assert not validator.is_valid(data), wrong
