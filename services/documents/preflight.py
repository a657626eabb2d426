"""Check whether documents can be made here, and made fast."""

from collections.abc import Iterator

import httpx

from services.documents import fonts, libraries
from services.documents.settings import DocumentsSettings
from shared.preflight import Finding, bad, broker, good, look, store, warning


def findings(settings: DocumentsSettings) -> list[Finding]:
    return [
        *look("排版库", _libraries, "安装提示的软件包"),
        *look("字体", _fonts, f"安装 {' '.join(fonts.PACKAGES)} 后执行 python -m services.documents.fonts"),
        *look(broker.WHAT, lambda: broker.findings(settings.broker_url.get_secret_value())),
        *look(store.WHAT, lambda: store.findings(settings.store_url)),
        *look("申报服务", lambda: _applications(str(settings.applications_url))),
    ]


def _libraries() -> Iterator[Finding]:
    if libraries.has_harfbuzz_subset():
        yield good("排版库", "Pango 与 libharfbuzz-subset 齐备")
    else:
        yield bad("排版库", "缺少 libharfbuzz-subset", "安装 libharfbuzz-subset0；没有它生成 PDF 要慢十三倍")


def _fonts() -> Iterator[Finding]:
    if not libraries.has_fonts():
        yield bad("字体", "缺少字体", f"安装 {' '.join(fonts.PACKAGES)}")
    elif fonts.use():
        yield good("字体", "字体与精简字体齐备")
    else:
        yield warning("字体", "没有精简字体", "执行 python -m services.documents.fonts；没有它生成 PDF 较慢")


def _applications(url: str) -> Iterator[Finding]:
    answer = httpx.get(f"{url.rstrip('/')}/readyz", timeout=5, trust_env=False)
    if answer.status_code == 200:
        yield good("申报服务", "已就绪")
    else:
        yield bad("申报服务", f"应答 {answer.status_code}：{answer.text[:100]}", "先使申报服务就绪")
