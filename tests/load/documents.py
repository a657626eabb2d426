"""`make bench-documents`: what a document costs, rungs side by side in one run; only the ratios mean anything.

The reference form is set as stock WeasyPrint would (tables laid out automatically, Noto Sans CJK, style sheet and fonts
loaded anew each time) and as we do. Each rung runs in a process of its own, in turns, so that a machine that slows
down slows them all; the median of the turns counts. Then two processes at once against one: what a second core gives.
"""

import multiprocessing
import re
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import Any

import psutil
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration

from services.documents import markup, rendering
from shared.document import ApplicationForm, Text
from tests.unit.documents.models import model, plan

TURNS = 5
SENTENCE = "本项目以景泰蓝制作技艺为依托，掐丝点蓝烧蓝磨光镀金全部手工完成，传承国家级非物质文化遗产。"


def reference() -> ApplicationForm:
    """Two tables of thirty rows and some 3,500 Han characters."""
    return model(rows=30, more=(plan(30), *(Text(text=SENTENCE * 18) for _ in range(4))))


def stock(form: ApplicationForm) -> bytes:
    text = markup.html(form)
    css = "\n".join(markup.style_sheets(form.kind))
    css = css.replace("table-layout: fixed", "table-layout: auto")
    css = re.sub(r'"Gongmei (Sans|Serif)", "Noto \w+ CJK SC"', '"Noto Sans CJK SC"', css)
    fonts = FontConfiguration()
    sheet = CSS(string=css, font_config=fonts)
    content = HTML(string=text).write_pdf(stylesheets=[sheet], font_config=fonts)
    assert isinstance(content, bytes)
    return content


@cache
def press() -> rendering.Press:
    return rendering.warm_up()


def ours(form: ApplicationForm) -> bytes:
    return rendering.render(form, press(), variant=None).content


def archive(form: ApplicationForm) -> bytes:
    return rendering.render(form, press()).content


RUNGS: dict[str, Callable[[ApplicationForm], bytes]] = {
    "stock WeasyPrint, Noto Sans CJK": stock,
    "ours, untagged": ours,
    "ours, PDF/A-3a tagged": archive,
}


def once(rung: str) -> tuple[float, int, int]:
    """CPU seconds, bytes and this process's resident memory in MB, of one document; the first is not counted."""
    form = reference()
    began = time.process_time()
    content = RUNGS[rung](form)
    return time.process_time() - began, len(content), psutil.Process().memory_info().rss // 2**20


def many(count: int) -> None:
    form = reference()
    for _ in range(count):
        archive(form)


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def ladder() -> dict[str, Any]:
    found: dict[str, list[tuple[float, int, int]]] = {rung: [] for rung in RUNGS}
    pools = {rung: _pool(1) for rung in RUNGS}
    for turn in range(TURNS + 1):
        for rung, pool in pools.items():
            told = pool.submit(once, rung).result()
            if turn:
                found[rung].append(told)
    for pool in pools.values():
        pool.shutdown()
    return found


def scaling(documents: int = 16) -> float:
    """Throughput of two processes over that of one."""
    took = []
    for workers in (1, 2):
        with _pool(workers) as pool:
            list(pool.map(many, [1] * workers * 2))
            began = time.perf_counter()
            list(pool.map(many, [1] * documents))
            took.append(time.perf_counter() - began)
    return took[0] / took[1]


def main() -> None:
    found = ladder()
    base, base_size = (statistics.median(told[i] for told in found[next(iter(RUNGS))]) for i in (0, 1))
    print(f"{'':34}{'CPU':>8}{'ratio':>8}{'KB':>8}{'ratio':>8}{'RSS MB':>8}")
    for rung, told in found.items():
        cpu, size, memory = (statistics.median(column) for column in zip(*told, strict=True))
        print(f"{rung:34}{cpu:7.2f}s{cpu / base:8.2f}{size / 1024:8.0f}{size / base_size:8.2f}{memory:8.0f}")
    print(f"two processes over one: {scaling():.2f} times the documents")


if __name__ == "__main__":
    main()
