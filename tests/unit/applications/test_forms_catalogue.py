"""The catalogue as a folder of files: read when wanted, and a bad one concerns nobody else."""

from pathlib import Path

import pytest

from services.applications.forms import catalogue
from services.applications.forms.catalogue import FOLDER, Catalogue, form, newest, sound
from shared.errors import NotFound

TEXT = (FOLDER / "reward" / "1.yaml").read_text("utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for version in (1, 2, 10):
        file = tmp_path / "reward" / f"{version}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(TEXT.replace("\nversion: 1\n", f"\nversion: {version}\n"), "utf-8")
    (tmp_path / "reward" / "draft.yaml").write_text("not a version", "utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "1.yaml").write_text(TEXT.replace("kind: textarea", "kind: essay"), "utf-8")
    (tmp_path / "third").mkdir()
    (tmp_path / "third" / "1.yaml").write_text(TEXT, "utf-8")
    return tmp_path


def test_a_form_with_faults_concerns_nobody_who_wants_another(folder: Path) -> None:
    found = Catalogue([folder])
    assert list(found) == [("other", 1), ("reward", 1), ("reward", 2), ("reward", 10), ("third", 1)]
    assert found["reward", 10].version == 10
    assert found["reward", 10] is found["reward", 10]
    with pytest.raises(ValueError, match=r"other/1.yaml:\d+: 没有“essay”这种字段"):
        found["other", 1]
    with pytest.raises(ValueError, match="内容是“reward”第 1 版"):
        found["third", 1]
    with pytest.raises(KeyError):
        found["reward", 3]


def test_what_cannot_be_used_is_left_out_and_named_in_the_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = Catalogue([folder])
    monkeypatch.setattr(catalogue, "forms", lambda: found)
    assert [(f.fund_type, f.version) for f in sound()] == [("reward", 1), ("reward", 2), ("reward", 10)]
    assert {record.form for record in caplog.records} == {"other/1", "third/1"}
    assert "没有“essay”这种字段" in caplog.records[0].reason


def test_the_newest_version_is_the_greatest_number(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Catalogue([folder])
    monkeypatch.setattr(catalogue, "forms", lambda: found)
    assert newest("reward").version == 10
    assert form("reward", 2).version == 2
    for missing in (lambda: form("reward", 3), lambda: newest("nothing")):
        with pytest.raises(NotFound):
            missing()
