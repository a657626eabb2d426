"""Check before a deadline: database, cache, the portal's certificate, identity provider, legal-person registry."""

from collections.abc import Iterator
from pathlib import Path

from redis import Redis
from sqlalchemy import func, select

from services.gateway.accounts.models import SCHEMA, Account
from services.gateway.settings import GatewaySettings
from shared.database import engine
from shared.identity import Role
from shared.preflight import Finding, bad, database, good, look, warning
from shared.preflight.machine import certificate, tokens

MIGRATIONS = Path(__file__).parent / "migrations"


def findings(settings: GatewaySettings) -> list[Finding]:
    return [
        *look("数据库", lambda: database.findings(settings, MIGRATIONS, SCHEMA)),
        *look("业务管理人员", lambda: _officers(settings)),
        *look("表单编制人员", lambda: _form_editors(settings)),
        *_cache(settings),
        *look("门户证书", lambda: _portal(settings)),
        *look("身份平台证书", lambda: _provider(settings)),
        *look("法人库", lambda: _registry(settings)),
        *_environment(settings),
        *tokens(unbound=settings.accept_unbound_tokens),
    ]


def _officers(settings: GatewaySettings) -> Iterator[Finding]:
    """Tell whether anybody can write rounds."""
    if count := _with_role(settings, Role.OFFICER):
        yield good("业务管理人员", f"{count} 人")
    else:
        yield warning(
            "业务管理人员", "没有可用的账号", "无人能建立和修改批次：用 staff set 为一个账号设置角色 officer"
        )


def _form_editors(settings: GatewaySettings) -> Iterator[Finding]:
    """Tell whether anybody can write and publish forms on pages."""
    if count := _with_role(settings, Role.FORM_EDITOR):
        yield good("表单编制人员", f"{count} 人")
    else:
        yield warning(
            "表单编制人员", "没有可用的账号", "无人能在表单工作台编制表单：用 staff set 为账号设置角色 form_editor"
        )


def _with_role(settings: GatewaySettings, role: Role) -> int:
    """Return how many accounts that are not disabled have a role."""
    found = engine(settings)
    try:
        with found.connect() as connection:
            query = select(func.count()).where(Account.roles.contains([role]), Account.disabled_at.is_(None))
            return connection.scalar(query) or 0
    finally:
        found.dispose()


def _cache(settings: GatewaySettings) -> Iterator[Finding]:
    try:
        with Redis.from_url(
            settings.redis_url.get_secret_value(), socket_timeout=2, socket_connect_timeout=2
        ) as client:
            client.ping()
    except Exception as error:
        yield warning("会话缓存", f"没有应答：{error!r}"[:160], "没有缓存也能工作，但每个请求都要查询数据库")
    else:
        yield good("会话缓存", "可以使用")


def _portal(settings: GatewaySettings) -> Iterator[Finding]:
    if settings.https:
        yield from certificate("门户证书", settings.public_url.host or "", settings.public_url.port or 443)
    else:
        yield warning("门户证书", f"{settings.public_url} 没有加密", "生产环境应使用 https")


def _provider(settings: GatewaySettings) -> Iterator[Finding]:
    provider = settings.idp_issuer or settings.idp_url
    if settings.stub_idp or provider is None:
        yield warning("身份平台", "使用演示用的身份平台", "生产环境应设置 GM_IDP_ISSUER 或 GM_IDP_URL")
    elif provider.scheme == "https":
        yield from certificate("身份平台证书", provider.host or "", provider.port or 443)
    else:
        yield bad("身份平台证书", f"{provider} 没有加密", "应为 https 地址")


def _registry(settings: GatewaySettings) -> Iterator[Finding]:
    url = settings.registry_url
    if url is None:
        yield warning("法人库", "未接入", "企业须自行填写登记信息；接入应设置 GM_REGISTRY_URL 和 GM_REGISTRY_KEY")
    elif url.scheme == "https":
        yield from certificate("法人库证书", url.host or "", url.port or 443)
    else:
        yield warning("法人库证书", f"{url} 没有加密", "生产环境应使用 https")


def _environment(settings: GatewaySettings) -> Iterator[Finding]:
    if settings.environment == "production":
        yield good("运行环境", "production")
        if not settings.trusted_proxies:
            yield warning(
                "代理", "没有可信的代理", "若经代理访问，所有人会按同一个地址限流，应设置 GM_TRUSTED_PROXIES"
            )
    else:
        yield warning("运行环境", settings.environment, "正式运行应设置 GM_ENVIRONMENT=production")
