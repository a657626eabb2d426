"""`make rehearse`: starts a system of its own, plays the night, waits until nothing is owed, counts, reports."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import psutil

from deploy.embedded.system import ROOT
from shared import clock
from tests.load.rehearsal import costs, incidents, lateness, measure, people, report
from tests.load.rehearsal.count import counts
from tests.load.rehearsal.plan import Options, enterprises, returns
from tests.load.rehearsal.watch import Watch
from tests.system.running import RunningSystem

# Before the first of them is due, and for the last ones to give up.
LEAD_SECONDS = 1.0
ALL_CORES = sorted(os.sched_getaffinity(0))
PATIENCE_SECONDS = 180.0
SETTINGS = {
    # Everybody comes from this one machine.
    "GM_ALLOWED_ADDRESSES": "127.0.0.0/8",
    "GM_SIGNINS_PER_MINUTE": "1000000",
}


def rehearse(
    options: Options, system: RunningSystem, folder: Path, say: Any, weights: dict[str, float]
) -> dict[str, Any]:
    """One night against a running system that holds nothing else; the report. `weights`: of useful work."""
    database_url = system.description()["environments"]["applications"]["GM_DATABASE_URL"]
    crowd = enterprises(options)
    people.enrol(database_url, crowd)
    plan = {
        "url": system.url,
        "seconds": options.seconds,
        "patience": PATIENCE_SECONDS,
        "crowd": [enterprise.as_json() for enterprise in crowd],
        "returns": returns(options),
    }
    _put(folder / "crowd.json", plan)
    with (folder / "play.log").open("wb") as log:
        player = subprocess.Popen(
            [sys.executable, "-m", "tests.load.rehearsal.play", str(folder)], cwd=ROOT, stdout=log, stderr=log
        )
    psutil.Process(player.pid).cpu_affinity(crowd_cores(options))
    try:
        while not (folder / "gathered").exists():
            _must_live(player, folder)
            time.sleep(0.05)
        officer, director = system.person("yewu"), system.person("shending")
        round_id, begins = people.open_round(officer, director, seconds=options.seconds, lead=LEAD_SECONDS)
        _put(folder / "night.json", {"begins": begins, "round_id": round_id})
        closing = time.strftime("%H:%M:%S", time.localtime(begins + options.seconds))
        say(
            f"{options.people} enterprises submit in the last {options.minutes:g} minutes"
            f" of {options.seconds / 60:g}; the round closes at {closing}"
        )
        watch = Watch(system, database_url, begins, crowd=player.pid)
        watch.start()
        loops = lateness.histograms(system)
        if options.away:
            threading.Thread(target=take_away, args=(options, system, begins), daemon=True).start()
        killing = None
        if options.kill_gateway:
            killing = ThreadPoolExecutor(1).submit(incidents.kill_gateway, options, system, begins)
        player.wait()
        killed = incidents.restarts(system, killing.result()) if killing else None
        late = {
            service: lateness.between(loops[service], now, 0.99)
            for service, now in lateness.histograms(system).items()
        }
        _must_live(player, folder)
    finally:
        player.kill()
    say("everybody has gone home; waiting for what is still owed")
    reconciled = system.reconcile(max(120.0, options.people * 3.0))
    drained = max(0.0, time.time() - begins - options.seconds)
    watch.stop()
    steps = measure.read(folder / "steps.jsonl")
    receipts = [s["told"] for s in steps if s["step"] == "submit" and not s["fault"]]
    checks = counts(database_url, round_id, receipts, system.var)
    # After the counts: what is handed in then was in no browser of the crowd.
    extended = incidents.extend(options, system, database_url, round_id, crowd) if options.extend else {}
    return report.build(
        options, steps, watch.samples, checks, reconciled,
        weights=weights, drain_seconds=_drained(watch.samples, options.seconds, drained), lateness=late,
        killed=asdict(killed) if killed else {}, extended=extended, begun=clock.show(clock.now()),
        machine={"cores": os.cpu_count(), "memory_gb": round(psutil.virtual_memory().total / 2**30)},
    )  # fmt: skip


def crowd_cores(options: Options) -> list[int]:
    """The cores on which the crowd runs: all, or the last ones."""
    return ALL_CORES[-options.crowd_cores :] if options.crowd_cores else ALL_CORES


def system_cores(options: Options) -> list[int]:
    """The cores on which the system runs: all, or those that the crowd has not."""
    return ALL_CORES[: -options.crowd_cores] if options.crowd_cores else ALL_CORES


def take_away(options: Options, system: RunningSystem, begins: float) -> None:
    """Leave the system half of its cores for a while that ends a minute before the close."""
    cores = system_cores(options)
    begin, end = options.away_between
    time.sleep(max(0.0, begins + begin - time.time()))
    _keep_on(system, cores[: max(1, len(cores) // 2)])
    time.sleep(max(0.0, begins + end - time.time()))
    _keep_on(system, cores)


def _keep_on(system: RunningSystem, cores: list[int]) -> None:
    assert system.process is not None
    parent = psutil.Process(system.process.pid)
    for each in [parent, *parent.children(recursive=True)]:
        with suppress(psutil.Error):
            # All threads of a process, and what it starts from now on.
            for thread in each.threads():
                os.sched_setaffinity(thread.id, cores)


def _put(file: Path, content: Any) -> None:
    """Visible only when it is whole."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps(content), encoding="utf-8")
    part.replace(file)


def _must_live(player: subprocess.Popen[bytes], folder: Path) -> None:
    if player.poll() not in {None, 0}:
        raise SystemExit(f"the crowd broke down: {(folder / 'play.log').read_text()[-2000:]}")


def _drained(samples: list[dict[str, Any]], closing: float, at_most: float) -> float:
    """Seconds after the close until a sample found nothing owed any more."""
    owing = [s["at"] for s in samples if any(count for count, _ in s["owed"].values())]
    return min(at_most, max(0.0, (owing[-1] if owing else 0.0) + 1 - closing))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make rehearse", description=__doc__)
    for option in fields(Options):
        parser.add_argument(
            f"--{option.name.replace('_', '-')}", type=type(option.default), default=option.default
        )
    parser.add_argument("--reports", type=Path, default=ROOT / "var" / "reports", help="where the report goes")
    parser.add_argument("--documents", type=int, default=1, help="how many documents workers")
    given = vars(parser.parse_args())
    reports, documents = given.pop("reports"), given.pop("documents")
    options = Options(**given)
    # What starts from here on has these cores, until the crowd is given its own.
    os.sched_setaffinity(0, system_cores(options))
    folder = Path(tempfile.mkdtemp(prefix="gm-rehearsal-"))
    system = RunningSystem(folder / "var", f"documents={documents}", f"gateway={options.gateways}", **SETTINGS)
    found: dict[str, Any] = {"green": False}
    # Only where there is too much to do does it matter what each thing that was done is worth.
    weights = costs.weights() if options.overload else measure.COST
    try:
        system.start()
        found = rehearse(options, system, folder, lambda text: print(f"  … {text}", flush=True), weights)
    finally:
        if system.process is not None:
            system.stop()
        if found["green"]:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"  what the processes said is kept in {folder / 'var' / 'log'}")
    page = report.write(found, reports)
    for check in found["counts"]:
        print(f"  {check['what']}：{check['expected']} = {check['found']} {'✓' if check['equal'] else '✗'}")
    print(
        f"  提交申请：及时 {found['in_time']}，错过 {found['missed']}；截止时还没有填报完 {found['in_line']}；"
        f"最后一分钟有效工作 {found['useful_share']}，按同一机器速度 {found['useful_share_at_pace']}"
    )
    if found["away"]:
        print(
            f"  一半处理器恢复后 {found['away']['back_after']} s 恢复正常（目标不超过 30 s；None：一分钟内未恢复）"
        )
    print(f"  提交 p99（最后一分钟）{found['peak']['p99']} s；截止后 {found['drain_seconds']} s 全部完成")
    for fault in found["faults"][:10]:
        print(f"  ✗ {fault}")
    print(f"  {'通过' if found['green'] else '未通过'}　{page}")
    return 0 if found["green"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
