"""`make bench-documents`: what a document costs, rungs side by side in one run; only the ratios mean anything.

The reference form is set as it was before anybody looked at what it costs (`stock`: the templates of that day, tables laid
out automatically, Noto Sans CJK, style sheet and fonts loaded anew each time), by WeasyPrint's public means, by the
faster paths, and by a Chromium that is kept warm. Each rung runs in a process of its own, in turns, so that a machine
that slows down slows them all; the median of the turns counts.
"""

import gc
import io
import multiprocessing
import os
import re
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import psutil
import pypdfium2
import segno
from jinja2 import FileSystemLoader
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration

from services.documents import markup, rendering
from shared.document import ApplicationForm, Table, Text
from tests.load.chromium import Chromium, find_chromium
from tests.unit.documents.models import model, plan

TURNS = 9
SENTENCE = "本项目以景泰蓝制作技艺为依托，掐丝点蓝烧蓝磨光镀金全部手工完成，传承国家级非物质文化遗产。"
STOCK = Path(__file__).parent / "stock"


def reference() -> ApplicationForm:
    """Two tables of thirty rows and some 3,500 Han characters."""
    return model(rows=30, more=(plan(30), *(Text(text=SENTENCE * 18) for _ in range(4))))


def _stock_qr(text: str) -> str:
    code = segno.make(text, error="m", micro=False, boost_error=False)
    return str(code.png_data_uri(scale=6, border=2))


def _stock_percentages(table: Table) -> list[str]:
    whole = sum(column.width for column in table.columns)
    return [f"{column.width * 100 / whole:.4f}%" for column in table.columns]


def stock_markup(form: ApplicationForm) -> tuple[str, str]:
    """XHTML and style sheet by the templates of before."""
    environment = markup._environment().overlay(loader=FileSystemLoader(STOCK))
    environment.filters = {**environment.filters, "qr": _stock_qr, "percentages": _stock_percentages}
    css = "\n".join(
        (STOCK / name).read_text("utf-8") for name in ("shared/print.css", f"{form.kind}/document.css")
    )
    css = css.replace("table-layout: fixed", "table-layout: auto")
    css = re.sub(r'"Gongmei (Sans|Serif)", "Noto \w+ CJK SC"', '"Noto Sans CJK SC"', css)
    return environment.get_template(f"{form.kind}/document.xhtml").render(model=form), css


def stock(form: ApplicationForm) -> bytes:
    text, css = stock_markup(form)
    fonts = FontConfiguration()
    sheet = CSS(string=css, font_config=fonts)
    content = HTML(string=text).write_pdf(stylesheets=[sheet], font_config=fonts)
    assert isinstance(content, bytes)
    return content


@cache
def press(fast: bool) -> rendering.Press:
    return rendering.warm_up(fast=fast)


def ours(form: ApplicationForm, *, fast: bool, variant: str | None = None) -> bytes:
    return rendering.render(form, press(fast), variant=variant).content


@cache
def browser() -> Chromium:
    return Chromium()


def chromium(form: ApplicationForm) -> bytes:
    text, css = stock_markup(form)
    return browser().print(text.replace("</head>", f"<style>{css}</style></head>"))


RUNGS: dict[str, Callable[[ApplicationForm], bytes]] = {
    "stock WeasyPrint, Noto Sans CJK": stock,
    "public means, untagged": partial(ours, fast=False),
    "faster paths, untagged": partial(ours, fast=True),
    "public means, PDF/A-3a tagged": partial(ours, fast=False, variant=rendering.VARIANT),
    "faster paths, PDF/A-3a tagged": partial(ours, fast=True, variant=rendering.VARIANT),
}
CHROMIUM = "Chromium kept warm"
if find_chromium():
    RUNGS[CHROMIUM] = chromium
Told = tuple[float, int, int, float]


def once(rung: str) -> Told:
    """Of one document: CPU seconds, bytes, pages, and the proportional memory of the processes that made it in MB."""
    form = reference()
    began = _cpu(rung)
    content = RUNGS[rung](form)
    cpu = _cpu(rung) - began
    with pypdfium2.PdfDocument(io.BytesIO(content)) as found:
        pages = len(found)
    return cpu, len(content), pages, sum(map(pss, _processes(rung)))


def _processes(rung: str) -> list[int]:
    return browser().processes() if rung == CHROMIUM else [os.getpid()]


def _cpu(rung: str) -> float:
    if rung != CHROMIUM:
        return time.process_time()
    # Helpers come and go: what they took is their parent's.
    times = [psutil.Process(pid).cpu_times() for pid in _processes(rung) if psutil.pid_exists(pid)]
    return sum(sum(each[:4]) for each in times)


def pss(pid: int) -> float:
    """Proportional set size in MB: what is shared counts in equal parts for all who share it."""
    try:
        return float(psutil.Process(pid).memory_full_info().pss) / 2**20
    except psutil.NoSuchProcess:
        return 0.0


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def ladder() -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = {rung: [] for rung in RUNGS}
    pools = {rung: _pool(1) for rung in RUNGS}
    for turn in range(TURNS + 1):
        for rung, pool in pools.items():
            told = pool.submit(once, rung).result()
            # The first of each is not counted: it loads what the others find loaded.
            if turn:
                found[rung].append(told)
    for pool in pools.values():
        pool.shutdown()
    return found


def many(count: int) -> None:
    form = reference()
    for _ in range(count):
        ours(form, fast=True, variant=rendering.VARIANT)


def scaling(documents: int = 32) -> float:
    """Throughput of two processes over that of one."""
    took = []
    for workers in (1, 2):
        with _pool(workers) as pool:
            list(pool.map(many, [1] * workers * 2))
            began = time.perf_counter()
            list(pool.map(many, [1] * documents))
            took.append(time.perf_counter() - began)
    return took[0] / took[1]


def extra_worker() -> float:
    """MB that one more child of a warm worker adds, after it has made some documents."""
    with _pool(1) as pool:
        return pool.submit(_grown).result()


def _grown() -> float:
    from services.documents import worker  # noqa: F401  # what a worker has loaded before it forks

    press(fast=True)
    gc.freeze()
    children: list[int] = []
    totals = []
    for _ in range(4):
        ready, told = os.pipe()
        if (child := os.fork()) == 0:
            many(5)
            os.write(told, b"r")
            time.sleep(60)
            os._exit(0)
        os.read(ready, 1)
        children.append(child)
        totals.append(sum(map(pss, [os.getpid(), *children])))
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
    return (totals[-1] - totals[0]) / (len(totals) - 1)


def main() -> None:
    found = ladder()
    base, base_size = (statistics.median(told[i] for told in found[next(iter(RUNGS))]) for i in (0, 1))
    print(f"{'':34}{'CPU':>8}{'ratio':>8}{'KB':>8}{'ratio':>8}{'pages':>7}{'PSS MB':>8}")
    medians = {}
    for rung, told in found.items():
        cpu, size, pages, memory = (statistics.median(column) for column in zip(*told, strict=True))
        medians[rung] = cpu
        print(
            f"{rung:34}{cpu:7.2f}s{cpu / base:8.2f}{size / 1024:8.0f}{size / base_size:8.2f}{pages:7.0f}{memory:8.0f}"
        )
    if CHROMIUM in medians:
        for rung in ("public means, untagged", "faster paths, untagged"):
            print(f"{rung} over {CHROMIUM}: {medians[rung] / medians[CHROMIUM]:.2f}")
    else:
        print("no Chromium here: its rung is left out")
    print(f"one more worker: {extra_worker():.0f} MB PSS")
    print(f"two processes over one: {scaling():.2f} times the documents")


if __name__ == "__main__":
    main()
