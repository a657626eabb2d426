"""Preflight against real servers, fit ones and others."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.embedded.ports import HOST, free_port
from deploy.preflight import wanted
from services.applications.operations import preflight as of_applications
from services.gateway import preflight as of_gateway
from services.notify import preflight as of_notify
from services.notify.settings import NotifySettings
from shared import clock
from shared.database import migrate
from shared.preflight import Finding, Level, broker, database, look, store
from shared.preflight.machine import certificate
from tests import factories
from tests.conftest import ValkeyServer
from tests.integration.applications.conftest import make_settings
from tests.integration.gateway.conftest import make_settings as gateway_settings
from tests.system.mail_server import MailServer

APPLICATIONS = of_applications.MIGRATIONS


def _levels(found: list[Finding]) -> dict[str, Level]:
    return {finding.what: finding.level for finding in found}


def test_database_that_does_not_keep_what_it_confirms_is_named(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    settings = make_settings(make_database(), tmp_path)
    levels = _levels(list(database.findings(settings, APPLICATIONS, "applications")))
    # The tests' own server runs without fsync, and nothing has been migrated yet.
    assert levels["提交即落盘"] is Level.BAD
    assert levels["数据库结构 applications"] is Level.BAD
    assert levels["时钟"] is Level.GOOD
    assert levels["数据库连接"] is Level.GOOD
    migrate(settings, APPLICATIONS, "applications")
    levels = _levels(list(database.findings(settings, APPLICATIONS, "applications")))
    assert levels["数据库结构 applications"] is Level.GOOD


def test_an_office_without_anybody_who_writes_rounds_or_forms_is_named(
    make_migrated_database: Callable[[], str],
) -> None:
    settings = gateway_settings(make_migrated_database(), "redis://127.0.0.1:1/0")
    assert _levels(list(of_gateway._officers(settings))) == {"业务管理人员": Level.WARNING}
    assert _levels(list(of_gateway._form_editors(settings))) == {"表单编制人员": Level.WARNING}
    with psycopg.connect(settings.database_url.get_secret_value().replace("+psycopg", "")) as connection:
        # Who may not come in writes nothing.
        for name, disabled in (("a", "now()"), ("b", "NULL")):
            connection.execute(
                "INSERT INTO identity.accounts (id, subject, name, roles, disabled_at)"
                f" VALUES (gen_random_uuid(), '{name}', '甲', ARRAY['officer'], {disabled})"
            )
            connection.commit()
            levels = _levels(list(of_gateway._officers(settings)))
            assert levels == {"业务管理人员": Level.WARNING if name == "a" else Level.GOOD}


def test_database_that_is_away_is_named(tmp_path: Path) -> None:
    settings = make_settings(f"postgresql://u:p@127.0.0.1:{free_port()}/x", tmp_path)
    found = look("数据库", lambda: database.findings(settings, APPLICATIONS, "applications"))
    assert [finding.level for finding in found] == [Level.BAD]


def test_broker_that_throws_work_away_is_named(valkey_server: ValkeyServer) -> None:
    assert set(_levels(list(broker.findings(valkey_server.url))).values()) == {Level.GOOD}
    with redis.Redis.from_url(valkey_server.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", str(int(client.info("memory")["used_memory"]) + 100_000))
        client.config_set("appendonly", "no")
        try:
            levels = _levels(list(broker.findings(valkey_server.url)))
        finally:
            client.config_set("maxmemory", "0")
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("appendonly", "yes")
    assert levels["内存策略"] is Level.BAD
    assert levels["消息服务内存"] is Level.BAD
    assert levels["消息持久化"] is Level.WARNING


def test_store_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    levels = _levels(list(store.findings(f"file://{tmp_path}/store")))
    assert levels["对象存储"] is Level.GOOD
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    (tmp_path / "file").touch()
    [found] = look("对象存储", lambda: store.findings(f"file://{tmp_path}/file/store"))
    assert found.level is Level.BAD


def _notify(database_url: str, smtp_url: str, broker_url: str) -> NotifySettings:
    values = {
        "database_url": database_url,
        "broker_url": broker_url,
        "applications_url": "http://127.0.0.1:9",
        "public_url": "http://127.0.0.1:8080",
        "smtp_url": smtp_url,
        "mail_from": "noreply@example.com",
        "signing_key": factories.private_key("notify"),
        "trusted_keys": factories.trusted_keys(),
    }
    return NotifySettings.model_validate(values)


def test_mail_server_is_greeted(database_url: str, redis_url: str) -> None:
    server = MailServer()
    server.start()
    try:
        settings = _notify(database_url, server.url, redis_url)
        levels = _levels(of_notify.findings(settings))
        assert levels["邮件服务器"] is Level.GOOD
        assert levels["待发邮件"] is Level.GOOD
        assert server.messages == []
    finally:
        server.stop()
    assert _levels(of_notify.findings(settings))["邮件服务器"] is Level.BAD


class _Secure:
    """A TLS server on loopback with a certificate of its own making."""

    def __init__(self, folder: Path, days: int) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(clock.now() - timedelta(days=100))
            .not_valid_after(clock.now() + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.file = folder / "cert.pem"
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        secret = folder / "key.pem"
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.file, secret)
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            try:
                self._context.wrap_socket(line, server_side=True).close()
            except (ssl.SSLError, OSError):
                line.close()

    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.file))

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def secure(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[_Secure]:
    server = _Secure(tmp_path, request.param)
    yield server
    server.close()


@pytest.mark.parametrize(
    ("secure", "level"), [(90, Level.GOOD), (10, Level.WARNING), (1, Level.BAD), (-1, Level.BAD)],
    indirect=["secure"],
)  # fmt: skip
def test_certificate_is_judged_by_its_end(secure: _Secure, level: Level) -> None:
    [found] = certificate("门户证书", "localhost", secure.port, secure.trusted())
    assert found.level is level


@pytest.mark.parametrize("secure", [90], indirect=True)
def test_certificate_of_nobody_we_know_is_bad(secure: _Secure) -> None:
    [found] = certificate("门户证书", "localhost", secure.port)
    assert found.level is Level.BAD
    assert "不受信任" in found.found


def test_every_process_with_a_pool_is_counted() -> None:
    processes = {name: {} for name in ("postgres", "gateway", "relay-1", "relay-2", "documents", "notify-worker")}
    environments = {"gateway": {"GM_DATABASE_POOL_SIZE": "20"}, "applications": {}, "notify": {}}
    assert wanted(processes, environments) == {"gateway": 21, "relay-1": 23, "relay-2": 23, "notify-worker": 10}
