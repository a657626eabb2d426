"""Check whether mails can go out, and whether any are stuck."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import func, select

from services.notify.models import SCHEMA, Notification
from services.notify.sender import SmtpSender
from services.notify.settings import NotifySettings
from shared.database import engine
from shared.preflight import Finding, bad, broker, database, good, look, warning
from shared.preflight.four_eyes import four_eyes
from shared.preflight.machine import certificate, tokens
from shared.synthetic import ENTERPRISE

MIGRATIONS = Path(__file__).parent / "migrations"


def findings(settings: NotifySettings) -> list[Finding]:
    return [
        *look("数据库", lambda: database.findings(settings, MIGRATIONS, SCHEMA)),
        *look(broker.WHAT, lambda: broker.findings(settings.broker_url.get_secret_value())),
        *look("邮件服务器", lambda: _smtp(settings), "检查 GM_SMTP_URL 与邮件服务器"),
        *look("短信", lambda: _texts(settings)),
        *look("待发邮件", lambda: _ledger(settings)),
        *four_eyes({"GM_RESENDS_BY_TWO": settings.resends_by_two}),
        *tokens(unbound=settings.accept_unbound_tokens),
    ]


def _smtp(settings: NotifySettings) -> Iterator[Finding]:
    url = settings.smtp_url.get_secret_value()
    said = SmtpSender(url, min(settings.smtp_timeout_seconds, 5)).greet()
    parts = urlsplit(url)
    yield good("邮件服务器", f"{parts.hostname} 应答 {said[:80]}")
    if parts.scheme == "smtps":
        yield from certificate("邮件服务器证书", parts.hostname or "", parts.port or 465)
    elif parts.scheme == "smtp" and settings.environment == "production":
        yield warning("邮件加密", "GM_SMTP_URL 没有加密", "使用 smtps:// 或 smtp+starttls://")


def _texts(settings: NotifySettings) -> Iterator[Finding]:
    if settings.sms_url is None:
        yield good("短信", "没有设置 GM_SMS_URL，不发短信")
    elif not settings.sms_key.get_secret_value():
        yield bad("短信", "没有设置 GM_SMS_KEY", "向短信平台取得密钥")
    elif settings.sms_url.scheme == "http" and settings.environment == "production":
        yield warning("短信", "GM_SMS_URL 没有加密", "使用 https://")
    else:
        yield good("短信", f"由 {settings.sms_url.host} 发送")


def _ledger(settings: NotifySettings) -> Iterator[Finding]:
    own = engine(settings)
    try:
        with own.connect() as connection:
            age, waiting, lost = connection.execute(
                select(
                    func.coalesce(
                        func.extract(
                            "epoch",
                            func.now()
                            - func.min(Notification.accepted_at).filter(Notification.state == "pending"),
                        ),
                        0,
                    ),
                    func.count().filter(Notification.state == "pending"),
                    func.count().filter(
                        Notification.state == "undeliverable", Notification.enterprise != ENTERPRISE
                    ),
                )
            ).one()
    finally:
        own.dispose()
    found = f"{waiting} 封待发，最久 {float(age):.0f} 秒；{lost} 封无法送达"
    if float(age) > 600:
        yield bad("待发邮件", found, "查看 notify-worker 的日志：邮件服务器拒收，或没有发送进程")
    elif lost:
        yield warning("待发邮件", found, "reconcile 列出无法送达的邮件；请核对地址后另行通知")
    else:
        yield good("待发邮件", found)
