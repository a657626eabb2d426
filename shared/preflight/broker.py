"""Check whether the broker loses or throws away what waits in it."""

from collections.abc import Iterator
from typing import Any

from shared.preflight import Finding, bad, good, warning

WHAT = "消息服务"


def findings(broker_url: str) -> Iterator[Finding]:
    """Of a Redis its policy; of any other broker that it takes us."""
    if broker_url.partition("://")[0] in {"redis", "rediss"}:
        yield from _redis(broker_url)
    else:
        yield from _other(broker_url)


def _redis(url: str) -> Iterator[Finding]:
    from redis import Redis

    with Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3) as client:
        said: dict[str, Any] = client.info("everything")
    yield good(WHAT, f"Redis 协议 {said.get('redis_version', '?')}")
    policy = str(said.get("maxmemory_policy", "?"))
    if policy == "noeviction":
        yield good("内存策略", "noeviction")
    else:
        yield bad(
            "内存策略", f"maxmemory-policy = {policy}", "设为 noeviction；否则内存紧张时会悄悄丢弃排队的任务"
        )
    limit, used = int(said.get("maxmemory", 0)), int(said.get("used_memory", 0))
    if limit and used > limit * 0.8:
        yield bad(
            "消息服务内存", f"已用 {used / limit:.0%}", "提高 maxmemory；写满后任务改由数据库重新投递，会变慢"
        )
    if int(said.get("aof_enabled", 0)) != 1:
        yield warning(
            "消息持久化", "没有启用 appendonly", "启用 appendonly；重启后排队的任务要等租约到期才重新投递"
        )
    elif said.get("aof_last_write_status") != "ok":
        yield bad("消息持久化", "最近一次写入失败", "检查消息服务的磁盘")
    else:
        yield good("消息持久化", "appendonly 已启用")
    if said.get("role") != "master":
        yield bad("消息服务角色", str(said.get("role")), "GM_BROKER_URL 应指向主节点")


def _other(url: str) -> Iterator[Finding]:
    from kombu.connection import Connection

    with Connection(url, connect_timeout=3) as connection:
        connection.ensure_connection(max_retries=1, timeout=5)
        yield good(WHAT, f"{connection.transport.driver_type} 可以连接")
