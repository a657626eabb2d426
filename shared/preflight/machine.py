"""Check the machine and the wires from it: room on a disk, certificates."""

import shutil
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from shared import clock
from shared.preflight import Finding, bad, good, warning

GB = 1024**3
# Below these a night of large files may end in a full disk.
ROOM_BAD, ROOM_WARNING = 2 * GB, 20 * GB
EXPIRES_BAD, EXPIRES_WARNING = timedelta(days=3), timedelta(days=30)


def room(what: str, folder: Path) -> Iterator[Finding]:
    """Free space where a folder stands."""
    usage = shutil.disk_usage(folder)
    yield judged(what, folder, free=usage.free, total=usage.total)


def judged(what: str, folder: Path, *, free: int, total: int) -> Finding:
    """So many bytes free of so many."""
    found = f"{folder} 剩余 {free / GB:.1f} GB，共 {total / GB:.0f} GB"
    if free < ROOM_BAD:
        return bad(what, found, "立即清理或扩容，磁盘写满后附件与 PDF 无法保存")
    if free < ROOM_WARNING:
        return warning(what, found, "截止之夜前请扩容")
    return good(what, found)


def store_folder(store_url: str) -> Path | None:
    """Return the folder of a `file://` store; None for one elsewhere."""
    parts = urlsplit(store_url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def certificate(
    what: str, host: str, port: int, context: ssl.SSLContext | None = None, *, now: datetime | None = None
) -> Iterator[Finding]:
    """Tell whether a server's certificate is trusted here, and for how long."""
    trusted = context or ssl.create_default_context()
    try:
        with (
            socket.create_connection((host, port), timeout=5) as line,
            trusted.wrap_socket(line, server_hostname=host) as encrypted,
        ):
            known = encrypted.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        yield bad(
            what, f"{host}:{port} 的证书不受信任：{error.verify_message}", "更换证书，或安装签发机构的根证书"
        )
        return
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(known["notAfter"])), UTC)
    left = ends - (now or clock.now())
    found = f"{host}:{port} 的证书有效至 {clock.show(ends)}"
    if left < EXPIRES_BAD:
        yield bad(what, found, "立即更换证书")
    elif left < EXPIRES_WARNING:
        yield warning(what, found, "三十天内到期，请安排更换")
    else:
        yield good(what, found)


def tokens(*, unbound: bool) -> Iterator[Finding]:
    """Tell whether tokens between services open one request each."""
    if unbound:
        yield warning("服务间令牌", "接受不限定请求的旧令牌", "升级完成后去掉 GM_ACCEPT_UNBOUND_TOKENS 并重启")
    else:
        yield good("服务间令牌", "每个令牌只用于一次调用")
