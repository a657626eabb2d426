"""Settings from the environment: nothing set, set to nothing, and in files."""

import base64
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.settings import DatabaseSettings, ServerSettings, Settings, load

KEY = base64.urlsafe_b64encode(bytes(32)).decode()
URL = "postgresql://u:p@db/gongmei"


@pytest.fixture(autouse=True)
def needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GM_SIGNING_KEY", KEY)
    monkeypatch.setenv("GM_TRUSTED_KEYS", f"gateway={KEY}")


def test_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GM_LOG_LEVEL", "GM_TRACES_SHARE", "GM_MIGRATION_DATABASE_URL", "GM_DATABASE_POOL_SIZE"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("GM_DATABASE_URL", URL)
    found = load(DatabaseSettings)
    assert (found.log_level, found.traces_share, found.database_pool_size) == ("INFO", 1.0, 10)
    assert found.migration_database_url is None


def test_required_and_empty_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GM_SIGNING_KEY", "")
    with pytest.raises(SystemExit) as ended:
        load(Settings)
    assert ended.value.code == 2
    assert capsys.readouterr().err == "配置错误 GM_SIGNING_KEY: 未设置\n"


def test_secrets_come_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, text in {"GM_SIGNING_KEY": f"{KEY}\n", "GM_DATABASE_URL": URL, "GM_LOG_LEVEL": "DEBUG\r\n"}.items():
        file = tmp_path / name
        file.write_bytes(text.encode())
        monkeypatch.setenv(f"{name}_FILE", str(file))
        monkeypatch.delenv(name, raising=False)
    # What Compose passes on beside it.
    monkeypatch.setenv("GM_LOG_LEVEL", "")
    found = load(DatabaseSettings)
    assert (found.signing_key, found.log_level) == (bytes(32), "DEBUG")
    assert found.database_url == SecretStr("postgresql+psycopg://u:p@db/gongmei")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["no file", "no text"])
def test_file_that_cannot_be_read_is_named(
    content: bytes | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.delenv("GM_SIGNING_KEY")
    monkeypatch.setenv("GM_SIGNING_KEY_FILE", str(file))
    with pytest.raises(SystemExit) as ended:
        load(Settings)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"配置错误 GM_SIGNING_KEY_FILE: 无法读取 {file}")


def test_two_sources_of_one_secret_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GM_SIGNING_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(SystemExit):
        load(Settings)
    assert "只能设置其一" in capsys.readouterr().err


def test_an_empty_file_is_not_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_text("\n")
    monkeypatch.delenv("GM_SIGNING_KEY")
    monkeypatch.setenv("GM_SIGNING_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(SystemExit):
        load(Settings)
    assert "GM_SIGNING_KEY: 未设置" in capsys.readouterr().err


def test_as_many_requests_are_worked_on_as_find_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GM_DATABASE_URL", URL)
    for connections, at_once, places in ((10, 20, 8), (40, 20, 20), (10, 5, 5), (2, 20, 1)):
        monkeypatch.setenv("GM_DATABASE_POOL_SIZE", str(connections))
        monkeypatch.setenv("GM_REQUESTS_AT_ONCE", str(at_once))
        assert load(ServerSettings).places == places
