"""Check the object store: a small object goes in, comes back and goes away again; and there is room."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

from shared.preflight import Finding, bad, good, warning
from shared.preflight.machine import room, store_folder
from shared.store import Store

WHAT = "对象存储"


def findings(store_url: str) -> Iterator[Finding]:
    store = Store.from_url(store_url)
    key, body = f"preflight/{uuid4()}", uuid4().bytes
    store.put(key, body)
    same = store.get(key) == body
    asyncio.run(store.delete(key))
    if not same:
        yield bad(WHAT, "读回的内容与写入的不同", "停止使用该存储并检查")
    else:
        yield good(WHAT, f"{store_url.partition('://')[0]} 可写可读")
    folder = store_folder(store_url)
    if folder is not None:
        yield from room("存储空间", folder)
        open_to_others = folder.stat().st_mode & 0o077
        if open_to_others:
            yield warning("存储权限", f"{folder} 其他用户也能进入", f"chmod 700 {folder}")
        else:
            yield good("存储权限", "仅服务用户可以进入")
