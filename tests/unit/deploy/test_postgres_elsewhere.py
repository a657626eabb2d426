"""Root's clusters stand where PostgreSQL's user can reach them, and belong to the data folder that links to them."""

import os
import shutil
from pathlib import Path

import pytest

from deploy.embedded import postgres
from deploy.embedded.postgres import Account, Postgres


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As if root had a data folder that nobody else reaches."""
    place = tmp_path / "elsewhere"
    monkeypatch.setattr(postgres, "ELSEWHERE", place)
    monkeypatch.setattr(postgres, "account", lambda: Account(os.getuid(), os.getgid()))
    monkeypatch.setattr(postgres, "_reachable", lambda path: "pginstall" in str(path))
    return place


def started(var: Path, password: str) -> Path:
    """Where the cluster of a data folder stands, with something in it."""
    var.mkdir(exist_ok=True)
    Postgres(var / "postgres", 1, password)
    data = (var / "postgres").resolve()
    data.mkdir(parents=True, exist_ok=True)
    (data / "PG_VERSION").touch()
    return data


def test_cluster_of_a_deleted_folder_is_kept_and_not_taken(
    elsewhere: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    var = tmp_path / "var"
    data = started(var, "one")
    (data / "rows").write_text("theirs")
    # A second start finds its own.
    assert started(var, "one") == data
    assert (data / "rows").read_text() == "theirs"
    assert capsys.readouterr().out == ""
    shutil.rmtree(var)
    assert started(var, "another") == data
    assert not (data / "rows").exists()
    [kept] = elsewhere.glob("*.left-*")
    assert (kept / "rows").read_text() == "theirs"
    assert str(kept) in capsys.readouterr().out


def test_folder_whose_cluster_was_deleted_gets_a_new_one(elsewhere: Path, tmp_path: Path) -> None:
    data = started(tmp_path / "var", "one")
    shutil.rmtree(elsewhere)
    assert started(tmp_path / "var", "one") == data
