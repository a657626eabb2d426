"""Say in one table what is promised of a night and what was kept (承诺与结果)."""

from dataclasses import dataclass
from typing import Any

from tests.load.rehearsal.incidents import SEEN_SECONDS

# Seconds: 提交申请 at p99 in the last minute, the system itself again after cores came back; milliseconds that an event loop may be late.
SUBMIT_SECONDS, BACK_SECONDS, LATE_MS = 2.0, 30, 20.0
# Of the best minute's useful work, in a night that is too much.
USEFUL = 0.9


@dataclass(frozen=True)
class Promise:
    """What is promised, what was found, and whether that keeps it."""

    what: str
    found: str
    kept: bool


def promises(report: dict[str, Any]) -> list[Promise]:
    """Return the promises of a night, those that were broken among them: a crowded night is one that is more than the machine carries."""
    r, late, lateness = report, report["late"], report["loop_lateness_p99_ms"]
    wrong = sum(count for status, count in r["answers"].items() if "不应" in status)
    unequal = [count["what"] for count in r["counts"] if not count["equal"]]
    found = [
        Promise(
            "截止前材料全部保存并已打开提交申请的，全部受理",
            f"{r['in_time']} 家，未能受理 {r['missed']} 家",
            r["missed"] == 0,
        ),
        Promise(
            "受理的每一份都有回执、版本、PDF和通知，不多不少",
            "、".join(unequal) or ("相符" if r["reconcile"].get("clean") else "reconcile 有差异"),
            not unequal and bool(r["reconcile"].get("clean")),
        ),
        Promise(
            "截止后到达的不受理",
            f"{late['asked']} 份，拒绝 {late['refused']} 份",
            late["asked"] == late["refused"],
        ),
        Promise("只有“请稍后再来”，没有其他服务器错误", f"其他错误 {wrong} 次", wrong == 0),
        Promise(
            f"最后一分钟提交申请 p99 小于 {SUBMIT_SECONDS:g} 秒",
            f"{r['peak']['p99']} 秒",
            r["peak"]["p99"] < SUBMIT_SECONDS,
        ),
        Promise(
            f"各服务响应及时（事件循环 p99 不迟于 {LATE_MS:g} 毫秒）",
            "、".join(f"{name} {ms}" for name, ms in lateness.items()),
            all(ms <= LATE_MS for ms in lateness.values()),
        ),
    ]
    if r["crowded"]:
        found.append(
            Promise(
                f"人多时做成的事不减少（最后一分钟不低于最多一分钟的 {USEFUL:g}）",
                f"{r['useful_share']}，按同一机器速度 {r['useful_share_at_pace']}",
                r["useful_share"] >= USEFUL,
            )
        )
    if r["away"]:
        back = r["away"]["back_after"]
        found.append(
            Promise(
                f"处理器恢复后 {BACK_SECONDS} 秒内恢复正常",
                "一分钟内未恢复" if back is None else f"{back:.0f} 秒",
                back is not None and back <= BACK_SECONDS,
            )
        )
    if killed := r["killed"]:
        found.append(
            Promise(
                f"截止前 {killed['before']:g} 秒一个网关进程被杀，由监督进程重新启动",
                f"{killed['name']} 重新启动 {killed['restarts']} 次",
                killed["restarts"] == 1,
            )
        )
    if extended := r["extended"]:
        found += [
            Promise(
                "补时由一人提出、另一人确认",
                "提出者不能自行确认" if extended["confirmed_by_another"] else "提出者自行确认了",
                bool(extended["confirmed_by_another"]),
            ),
            Promise(
                f"补时确认后 {SEEN_SECONDS:g} 秒内，申报单位看到新的截止时间",
                f"{extended['enterprises']} 家，{extended['seen_after']} 秒",
                extended["seen_after"] <= SEEN_SECONDS,
            ),
            Promise(
                "补时内，截止后到达而未受理的，重新提交即受理",
                f"{extended['asked']} 份，受理 {extended['taken']} 份",
                extended["asked"] == extended["taken"],
            ),
        ]
    return found
