"""What `make run` reads out of `.env` and the environment."""

from pathlib import Path

import pytest

from deploy import local


def test_an_empty_captcha_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("GM_STUB_CAPTCHA=\nGM_SMTP_URL=\nGM_IDP_SCOPE=openid\n")
    monkeypatch.setattr(local, "ROOT", tmp_path)
    monkeypatch.setenv("GM_IDP_SCOPE", "")
    found = local.settings()
    assert found["GM_STUB_CAPTCHA"] == ""
    assert "GM_SMTP_URL" not in found
    # Elsewhere what is empty is not set, and takes nothing away.
    assert found["GM_IDP_SCOPE"] == "openid"
    monkeypatch.setenv("GM_STUB_CAPTCHA", "1234")
    assert local.settings()["GM_STUB_CAPTCHA"] == "1234"
    # An empty one in the environment goes before the file's.
    monkeypatch.setenv("GM_STUB_CAPTCHA", "")
    (tmp_path / ".env").write_text("GM_STUB_CAPTCHA=8888\n")
    assert local.settings()["GM_STUB_CAPTCHA"] == ""
