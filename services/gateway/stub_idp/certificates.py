"""Prove who holds the key of a certificate (一证通) that a known CA gave an enterprise; a test CA with its helper.

    python -m services.gateway.stub_idp.certificates ca FOLDER
    python -m services.gateway.stub_idp.certificates issue FOLDER NAME --uscc … --org … --person … [--days 365]
    python -m services.gateway.stub_idp.certificates sign KEYFILE CHALLENGE

A certificate's subject says `serialNumber` = 统一社会信用代码, `O` = the enterprise, `CN` = the holder.
"""

import argparse
import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from shared import clock
from shared.text import identifiers

# What is signed says what it is for, so that no other signature of the key fits.
PURPOSE = b"yizhengtong sign-in:"
CA, CA_KEY = "ca.pem", "ca.key"


class WrongCertificate(Exception):
    """The message says why nobody signs in with it."""


@dataclass(frozen=True)
class Holder:
    """Whom a certificate names."""

    uscc: str
    org_name: str
    person: str


def read(ca_pem: bytes, certificate_pem: str, signature: str, challenge: str, at: datetime) -> Holder:
    """The holder of a certificate of the CA (chain, validity, uses) whose key signed the challenge."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem.strip().encode("ascii"))
        raw = base64.b64decode("".join(signature.split()), validate=True)
    except (ValueError, binascii.Error):
        raise WrongCertificate("证书或签名无法识别，请检查后重新粘贴") from None
    _trusted(ca_pem, certificate, at)
    _signed(certificate, raw, PURPOSE + challenge.encode())
    try:
        uscc, org, person = (
            str(certificate.subject.get_attributes_for_oid(oid)[0].value)
            for oid in (NameOID.SERIAL_NUMBER, NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
        )
        return Holder(identifiers.uscc(uscc), org, person)
    except (IndexError, ValueError):
        raise WrongCertificate("证书中没有有效的企业信息") from None


def _trusted(ca_pem: bytes, certificate: x509.Certificate, at: datetime) -> None:
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise WrongCertificate("证书不在有效期内，请更新证书")
    # Such certificates name no host, which is what the usual policy would ask an end entity for.
    verifier = (
        PolicyBuilder()
        .store(Store(x509.load_pem_x509_certificates(ca_pem)))
        .time(at)
        .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        verifier.verify(certificate, [])
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (VerificationError, x509.ExtensionNotFound):
        raise WrongCertificate("证书不是由受信任的机构签发") from None
    if basic.ca or not usage.digital_signature:
        raise WrongCertificate("该证书不能用于登录")


def _signed(certificate: x509.Certificate, signature: bytes, message: bytes) -> None:
    key = certificate.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), SHA256())
        else:
            raise WrongCertificate("不支持该证书的密钥类型")
    except InvalidSignature:
        raise WrongCertificate("签名与证书不符，请使用证书对应的密钥签名") from None


# ---- the test CA -----------------------------------------------------------------------------------------------


def make_ca(folder: Path, *, name: str = "测试一证通 CA") -> Path:
    """A CA in a folder, unless there is one; the path of its certificate."""
    if not (folder / CA).exists():
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = (
            _builder(subject, subject, key.public_key(), clock.now() - timedelta(days=1), 3650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, SHA256())
        )
        _write(folder / CA_KEY, key)
        (folder / CA).write_bytes(made.public_bytes(Encoding.PEM))
    return folder / CA


def issue(
    folder: Path, name: str, holder: Holder, *, since: datetime | None = None, days: int = 365
) -> tuple[Path, Path]:
    """A certificate and key `NAME.pem`, `NAME.key` from a folder's CA."""
    ca = x509.load_pem_x509_certificate((folder / CA).read_bytes())
    ca_key = load_pem_private_key((folder / CA_KEY).read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.SERIAL_NUMBER, holder.uscc),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, holder.org_name),
            x509.NameAttribute(NameOID.COMMON_NAME, holder.person),
        ]
    )
    identifier = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    made = (
        _builder(subject, ca.subject, key.public_key(), since or clock.now() - timedelta(minutes=5), days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(ca_key, SHA256())
    )
    _write(folder / f"{name}.key", key)
    (folder / f"{name}.pem").write_bytes(made.public_bytes(Encoding.PEM))
    return folder / f"{name}.pem", folder / f"{name}.key"


def make_demo_certificates(ca_file: Path) -> None:
    """The test CA and a certificate for two demo enterprises, where the CA's file is still missing."""
    from services.gateway.stub_idp.people import demo

    if ca_file.exists() or ca_file.name != CA:
        return
    make_ca(ca_file.parent)
    data = demo()
    for name, entry in zip(("qiye1", "qiye2"), data.enterprises, strict=False):
        person = next(p.name for p in data.people if p.username == name)
        issue(ca_file.parent, name, Holder(entry["UNION_CODE"], entry["ORG_NAME"], person))


def sign(key_file: Path, challenge: str) -> str:
    """What the holder of a key pastes into the page."""
    key = load_pem_private_key(key_file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return base64.b64encode(key.sign(PURPOSE + challenge.encode(), ec.ECDSA(SHA256()))).decode()


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, since: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.gateway.stub_idp.certificates")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("ca").add_argument("folder", type=Path)
    issuing = commands.add_parser("issue")
    issuing.add_argument("folder", type=Path)
    issuing.add_argument("name")
    for option in ("--uscc", "--org", "--person"):
        issuing.add_argument(option, required=True)
    issuing.add_argument("--days", type=int, default=365)
    signing = commands.add_parser("sign")
    signing.add_argument("key", type=Path)
    signing.add_argument("challenge")
    given = parser.parse_args()
    match given.command:
        case "ca":
            print(make_ca(given.folder))
        case "issue":
            holder = Holder(identifiers.uscc(given.uscc), given.org, given.person)
            print(*issue(given.folder, given.name, holder, days=given.days), sep="\n")
        case "sign":
            print(sign(given.key, given.challenge))


if __name__ == "__main__":
    main()
