"""The guide is true: its form is a form, its edits apply, its commands print what it says they print, and so do its tables."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from deploy.forms import __main__ as tools
from services.applications import forms
from services.applications.forms.authoring.lint import lint_text
from services.applications.forms.formulas.functions import FUNCTIONS
from services.applications.forms.formulas.type_names import KINDS

GUIDE = Path(forms.__file__).with_name("GUIDE.md")
TEXT = GUIDE.read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
FORM, *PIECES = (block for kind, block in BLOCKS if kind == "yaml")
# The rows of its tables: what stands in their columns.
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")] for line in TEXT.splitlines() if line.startswith("| ")
]


def edited(text: str, hunk: str) -> str:
    lines = hunk.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(old) == 1, old
    return text.replace(old, new)


def test_the_guide_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("catalogue").mkdir()
    monkeypatch.setattr(tools, "FOLDER", Path("catalogue"))
    text = FORM
    commands = 0
    for kind, block in BLOCKS:
        if kind == "diff":
            text = edited(text, block)
        elif kind == "console":
            for said in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, wanted = said.partition("\n")
                version = re.search(r"^version: (\d)$", text, re.MULTILINE)
                assert version
                Path(f"craft_fair-{version[1]}.yaml").write_text(text, "utf-8")
                program, *arguments = shlex.split(command)
                assert program == "forms"
                tools.main(arguments)
                printed = capsys.readouterr()
                assert printed.out + printed.err == wanted, command
                commands += 1
    assert commands == 6
    assert (tmp_path / "catalogue" / "PUBLISHED").read_text().count("\n") == 2


@pytest.mark.parametrize("piece", PIECES, ids=range(len(PIECES)))
def test_a_piece_of_a_form_is_sound(piece: str) -> None:
    """It stands in a material of its own, beside those of the form; its checks stand with the form's."""
    form = yaml.safe_load(FORM)
    content = yaml.safe_load(piece)
    form["checks"] += content.pop("checks", [])
    form["sections"].append({"key": "a", "label": "甲", "title": "甲", **content})
    found = lint_text(yaml.safe_dump(form, allow_unicode=True))
    assert {fault.severity for fault in found} == {"note"}, found


def test_every_command_kind_and_function_has_its_line() -> None:
    for command in tools.COMMANDS:
        assert any(row[0].startswith(f"`forms {command}") for row in ROWS), command
    assert {row[1].strip("`"): row[0] for row in ROWS if row[1].strip("`") in KINDS} == KINDS
    assert {found[1] for row in ROWS if (found := re.match(r"`(\w+)\(", row[0]))} == set(FUNCTIONS)


def test_every_formula_of_its_tables_is_one() -> None:
    """In the material 费用与申请金额, beside the piece with fixed rows."""
    form = yaml.safe_load(FORM)
    piece = next(piece for piece in map(yaml.safe_load, PIECES) if "groups" in piece)
    piece["fields"].append({"key": "id_no", "kind": "id_card", "label": "身份证号码"})
    form["sections"].append({"key": "a", "label": "甲", "title": "甲", **piece})
    start = next(i for i, row in enumerate(ROWS) if row[0] == "`applied_wan`")
    listed = [code for row in ROWS[start:] for code in re.findall("`([^`]+)`", " ".join(row))]
    codes = [
        code
        for code in listed
        if re.search(r"\w", code) and not code.startswith(("材料.", "source.", "rows_from"))
    ]
    codes = [code.replace("kind in", "fair.kind in") for code in codes if code not in ("and", "or", "not")]
    assert len(codes) > 30
    for code in codes:
        # A condition that compares it with itself: whatever it gives can be compared.
        of_many = "costs.amount_wan" in code and "(" not in code
        form["sections"][1]["required_if"] = (
            f"count({code}) > 1" if of_many else f"default({code}, {code}) == ({code})"
        )
        found = lint_text(yaml.safe_dump(form, allow_unicode=True, width=2000))
        assert not [f for f in found if f.severity == "error" and "绕成" not in f.message], (code, found)
