"""Whose certificate is believed: chain, validity, use, and the key that signed the challenge."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.gateway.stub_idp import certificates
from services.gateway.stub_idp.certificates import Holder, WrongCertificate
from shared import clock

HOLDER = Holder("91110105MA00TE5T2T", "北京燕京景泰蓝工艺品有限公司", "李响")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ca")
    certificates.make_ca(made)
    certificates.issue(made, "good", HOLDER)
    return made


def read(folder: Path, name: str, *, signer: str | None = None, ca: Path | None = None, at: datetime | None = None,
         signed: str = "challenge", challenge: str = "challenge") -> Holder:  # fmt: skip
    signature = certificates.sign(folder / f"{signer or name}.key", signed)
    pem = (folder / f"{name}.pem").read_text()
    return certificates.read((ca or folder / "ca.pem").read_bytes(), pem, signature, challenge, at or clock.now())


def test_holder_of_the_key_is_known(folder: Path) -> None:
    assert read(folder, "good") == HOLDER


def test_certificate_of_another_ca_is_refused(folder: Path, tmp_path: Path) -> None:
    certificates.make_ca(tmp_path)
    with pytest.raises(WrongCertificate, match="受信任的机构"):
        read(folder, "good", ca=tmp_path / "ca.pem")
    # Even one of the same name and subject.
    certificates.issue(tmp_path, "forged", HOLDER)
    with pytest.raises(WrongCertificate, match="受信任的机构"):
        read(tmp_path, "forged", ca=folder / "ca.pem")


def test_expired_and_future_certificates_are_refused(folder: Path) -> None:
    certificates.issue(folder, "old", HOLDER, since=clock.now() - timedelta(days=30), days=29)
    certificates.issue(folder, "new", HOLDER, since=clock.now() + timedelta(days=1))
    for name in ("old", "new"):
        with pytest.raises(WrongCertificate, match="有效期"):
            read(folder, name)


def test_signature_must_be_the_certificates_and_of_this_challenge(folder: Path) -> None:
    certificates.issue(folder, "other", HOLDER)
    with pytest.raises(WrongCertificate, match="签名与证书不符"):
        read(folder, "good", signer="other")
    with pytest.raises(WrongCertificate, match="签名与证书不符"):
        read(folder, "good", signed="an earlier challenge")


def test_ca_itself_and_nonsense_cannot_sign_in(folder: Path) -> None:
    with pytest.raises(WrongCertificate):
        read(folder, "ca")
    with pytest.raises(WrongCertificate, match="无法识别"):
        certificates.read((folder / "ca.pem").read_bytes(), "not a certificate", "x", "c", clock.now())


def test_certificate_without_a_right_code_is_refused(folder: Path) -> None:
    certificates.issue(folder, "wrong", Holder("91110105MA00TE5T20", "某公司", "某人"))
    with pytest.raises(WrongCertificate, match="企业信息"):
        read(folder, "wrong")


def test_keys_are_readable_by_their_owner_only(folder: Path) -> None:
    assert (folder / "good.key").stat().st_mode & 0o077 == 0
