"""The guide is true: its form is a form, its edits apply, its commands print what it says they print."""

import re
import shlex
from pathlib import Path

import pytest

from deploy.forms import __main__ as tools
from services.applications import forms

GUIDE = Path(forms.__file__).with_name("GUIDE.md")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


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
    text = next(block for kind, block in BLOCKS if kind == "yaml")
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


def test_every_command_and_kind_is_in_the_guide() -> None:
    text = GUIDE.read_text("utf-8")
    from services.applications.forms.functions import FUNCTIONS
    from services.applications.forms.tools.aspects import KINDS

    for word in (*KINDS, *FUNCTIONS):
        assert re.search(rf"\b{word}\b", text), word
    for command in tools.COMMANDS:
        assert f"forms {command}" in text
