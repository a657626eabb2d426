"""The report: JSON for programs, one page for people."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tests.load.rehearsal import charts, measure
from tests.load.rehearsal.count import Check
from tests.load.rehearsal.plan import LAST_MINUTE, PEAK_FACTOR, Options
from tests.load.rehearsal.promises import promises
from tests.load.rehearsal.watch import cpu_seconds, peak_memory

NAMES = {
    "sign_in": "登录", "projects": "我的项目", "create": "新建申请", "open": "打开表单", "autosave": "暂存",
    "attach": "上传附件", "save": "保存表单", "look_over": "提交前核对", "submit": "提交申请",
    "submit_late": "截止后提交（应被拒绝）", "receipt": "查看回执", "pdf": "生成PDF", "return": "退回补正（审核人员）",
}  # fmt: skip


def build(
    options: Options,
    steps: list[dict[str, Any]],
    samples: list[dict[str, Any]],
    checks: list[Check],
    reconciled: dict[str, Any],
    *,
    drain_seconds: float,
    lateness: dict[str, float],
    begun: str,
    machine: dict[str, Any],
    weights: dict[str, float],
    killed: dict[str, Any] | None = None,
    extended: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Everything the page shows, and whether the night was borne. `weights`: CPU seconds of each kind of answer on a quiet system."""
    submits = [s for s in steps if s["step"] == "submit"]
    late = [s for s in steps if s["step"] == "submit_late"]
    peak = [s["ended"] - s["due"] for s in submits if not s["fault"] and s["due"] >= options.seconds - 60]
    lost = [s for s in submits if "round_closed" in s["fault"]]
    wrong = [s for s in steps if s["fault"] and not measure.told_later(s)]
    faults = [f"{NAMES.get(s['step'], s['step'])}（{s['who']}）：{s['fault']}" for s in wrong]
    counted = measure.answers(steps)
    cpu = cpu_seconds(samples)
    cost, plan = measure.capacity(cpu, options.people)
    refused = sum(s["told"] == "round_closed" for s in late)
    expected = options.people - len(late)
    promised = measure.promised(steps, options.seconds)
    # Of a night that is too much not everybody gets in; whoever came in time does.
    crowded = bool(options.overload or options.away)
    borne = promised["missed"] == 0 if crowded else not faults and len(submits) == expected
    green = (
        all(check.equal for check in checks)
        and bool(reconciled.get("clean"))
        and borne
        and refused == len(late)
        and not any("不应" in status for status in counted)
    )
    away: dict[str, Any] = {}
    if options.away:
        begin, end = options.away_between
        away = {
            "from": begin,
            "to": end,
            "back_after": measure.back_after(steps, weights, begin, end, LAST_MINUTE),
        }
    minutes = measure.minutes(steps, samples, options.seconds, weights)
    return {
        "green": green,
        "options": asdict(options),
        "closes_at": options.seconds,
        "begun": begun,
        "machine": machine,
        "peak_factor": PEAK_FACTOR,
        "counts": [{**asdict(check), "equal": check.equal} for check in checks],
        "reconcile": reconciled,
        "late": {"asked": len(late), "refused": refused},
        "lost_to_overload": len(lost),
        # That each PDF was made and its notice sent is what the counts say.
        "told_later": sum(map(measure.told_later, steps)),
        **promised,
        "crowded": crowded,
        "people": options.people,
        "minutes": minutes,
        "away": away,
        "killed": killed or {},
        "extended": extended or {},
        "weights": {name: round(cost, 4) for name, cost in weights.items()},
        "useful_share": measure.useful_share(minutes),
        "useful_share_at_pace": measure.useful_share(minutes, "useful_at_pace"),
        "peak": {f"p{int(p * 100)}": round(measure.percentile(peak, p), 3) for p in (0.5, 0.99)},
        "steps": measure.by_step(steps, weights),
        "faults": faults,
        "answers": counted,
        "submissions": measure.over_time(steps, options.seconds - options.last),
        "owed": [{"at": s["at"], **s["owed"]} for s in samples],
        "drain_seconds": round(drain_seconds, 1),
        "memory": peak_memory(samples),
        "memory_over_time": [{"at": s["at"], **{n: p["mb"] for n, p in s["processes"].items()}} for s in samples],
        "cpu": cpu,
        "loop_lateness_p99_ms": {name: round(seconds * 1000, 1) for name, seconds in lateness.items()},
        "cost": cost,
        "capacity": plan,
        "target_load": measure.TARGET_LOAD,
        "drain": measure.DRAIN_SECONDS,
    }


def write(report: dict[str, Any], folder: Path) -> Path:
    """`rehearsal.json` and `rehearsal.html`; the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, ensure_ascii=False, indent=1)
    (folder / "rehearsal.json").write_text(text, encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    page = folder / "rehearsal.html"
    shown = environment.get_template("report.html").render(
        r=report, charts=_charts(report), names=NAMES, promises=promises(report)
    )
    page.write_text(shown, encoding="utf-8")
    return page


def _charts(report: dict[str, Any]) -> dict[str, str]:
    close: dict[str, Any] = {"mark": report["closes_at"], "mark_label": "截止"}
    slots = report["submissions"]
    owed = {"render_document": "PDF", "notify": "通知", "mail": "邮件"}

    def line(key: str) -> list[tuple[float, float]]:
        return [(slot["at"], slot[key]) for slot in slots]

    def queue(place: int) -> charts.Series:
        return {
            label: [(max(0.0, s["at"]), s[topic][place] if topic in s else 0.0) for s in report["owed"]]
            for topic, label in owed.items()
        }

    memory = {
        name: [(max(0.0, s["at"]), s[name]) for s in report["memory_over_time"] if name in s]
        for name in report["memory"]
    }

    def each(key: str) -> list[tuple[float, float]]:
        return [(max(0.0, minute["at"] + 30), minute[key]) for minute in report["minutes"]]

    served = {
        f"{service}：{name}": [
            (max(0.0, m["at"] + 30), m["answered"][service].get(kind, 0.0))
            for m in report["minutes"]
            if service in m["answered"]
        ]
        for service in ("gateway", "applications")
        for kind, name in (("served", "已办"), ("refused", "请稍后再来"))
    }
    kinds = sorted({kind for minute in report["minutes"] for kind in minute["cpu"]})
    cpu = {
        kind: [(max(0.0, m["at"] + 30), m["cpu"][kind]) for m in report["minutes"] if kind in m["cpu"]]
        for kind in kinds
    }
    return {
        "useful": charts.lines(
            {"有效工作": each("useful"), "按同一机器速度": each("useful_at_pace")}, unit="CPU 秒/分钟", **close
        ),
        "pace": charts.lines(
            {"机器速度": each("pace"), "被宿主占用": each("stolen")}, unit="最快一分钟为 1；核", **close
        ),
        "refused": charts.lines({"请稍后再来": each("refused")}, unit="次/分钟", **close),
        "answered": charts.lines(served, unit="次/分钟", **close),
        "people": charts.lines({"正在办理": each("in"), "排队": each("in_line")}, unit="人", **close),
        "cpu": charts.lines(cpu, unit="核", **close),
        "rate": charts.lines({"计划提交": line("due"), "已受理": line("answered")}, unit="份/秒", **close),
        "latency": charts.lines({"p50": line("p50"), "p99": line("p99")}, unit="提交用时（秒）", **close),
        "owed": charts.lines(queue(0), unit="尚欠（件）", **close),
        "age": charts.lines(queue(1), unit="最久等待（秒）", **close),
        "memory": charts.lines(memory, unit="内存（MB）", **close),
    }
