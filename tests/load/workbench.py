"""What 表单工作台 costs its author: `make bench-workbench`.

A form of 120 fields and a table stands beside one of 4 fields, in the drafts of a system that runs as `make run` starts it. Over HTTP, from the
outside: a preview filled in by example; what the page says while one types (lint, examples, preview). Then 暂存 is asked for one after the other,
by turns alone and while 政策沙盘 judges one run after another.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.demo.client import Person
from tests.load.pages import large_form
from tests.system.running import PLENTY, RunningSystem, create, fill, submit

TURNS = 60
SIZES = {"4 fields": (4, 0), "120 fields, a table": (120, 1)}
# Handed in, and how often all of them are judged.
HANDED_IN, RUNS = 60, 6
PREVIEW_AIM, LINT_AIM = 0.3, 0.2


def draft(person: Person, name: str, fields: int, rows: int) -> str:
    """Make a draft of a form with so many fields; return its text."""
    made = person.call("POST", "/form-drafts", json={"fund_type": name, "label": "量度"}).json()
    form = _without_defaults(large_form(fields, rows)[0]) | {"fund_type": name, "version": 1}
    # What the language itself would say is not said.
    del form["district"]
    text = json.dumps(form, ensure_ascii=False, indent=1)
    kept = person.call("PUT", f"/form-drafts/{name}", json={"text": text}, etag=made["etag"]).json()
    wrong = [fault for fault in kept["faults"] if fault["severity"] == "error"]
    assert not wrong, wrong[:3]
    return text


def _without_defaults(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _without_defaults(value) for key, value in part.items() if value not in (None, [], {}, "")}
    return [_without_defaults(value) for value in part] if isinstance(part, list) else part


def took(ask: Callable[[], Any]) -> tuple[float, float]:
    """Median and 95th percentile of so many turns, in seconds."""
    seconds = []
    for _ in range(TURNS):
        began = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        limits = {"GM_CALLS_PER_MINUTE": "100000", "GM_HEAVY_PER_MINUTE": "100000"}
        system = RunningSystem(Path(folder) / "var", **PLENTY, **limits)
        system.start()
        try:
            _measure(system)
            _beside_a_sandbox(system)
        finally:
            system.stop()


def _measure(system: RunningSystem) -> None:
    person = system.person("bianzhi")
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for n, (label, size) in enumerate(SIZES.items()):
        name = f"bench_{n}"
        text = draft(person, name, *size)

        def preview(name: str = name, last: str = f"第 {size[0] - 1} 项内容") -> None:
            shown = person.page(f"/forms/{name}/edit/preview?section=large&filled=1")
            assert shown.status_code == 200, shown.text
            assert last in shown.text, shown.text[:500]

        def lint(name: str = name, text: str = text) -> None:
            person.call("POST", f"/form-drafts/{name}/look", json={"text": text})

        found[label] = {"preview": took(preview), "while one types": took(lint)}
    small, large = (found[label] for label in SIZES)
    for what, aim in (("preview", PREVIEW_AIM), ("while one types", LINT_AIM)):
        median, p95 = large[what]
        print(
            f"{what}: {median / small[what][0]:.2f} of a small form's; median {median * 1000:.0f} ms, "
            f"p95 {p95 * 1000:.0f} ms (at most {aim * 1000:.0f})"
        )


def _beside_a_sandbox(system: RunningSystem) -> None:
    applicant, editor = system.person("qiye1"), system.person("bianzhi")
    for _ in range(HANDED_IN):
        id = create(applicant)
        fill(applicant, id)
        submit(applicant, id)
    typing = create(applicant)
    path = f"/applications/{typing}/sections/social_benefit"
    etag = applicant.call("GET", path).json()["etag"]

    def autosave() -> None:
        nonlocal etag
        values = {"social_benefit": f"第 {time.perf_counter_ns()} 次"}
        etag = applicant.call("PUT", f"{path}/draft", json={"values": values}, etag=etag).json()["etag"]

    rounds = {r["id"] for r in applicant.call("GET", "/rounds").json() if r["fund_type"] == "reward"}
    asked = {"rounds": sorted(rounds), "version": 2, "parameters": {}}
    alone: list[float] = []
    beside: list[float] = []
    judged = 0
    for _ in range(RUNS):
        alone.append(took(autosave)[0])
        id = editor.call("POST", "/sandbox/reward/runs", json=asked).json()["id"]
        seconds = []
        while (run := editor.call("GET", f"/sandbox/reward/runs/{id}").json())["state"] in {"waiting", "running"}:
            for _ in range(5):
                began = time.perf_counter()
                autosave()
                seconds.append(time.perf_counter() - began)
        assert run["state"] == "done", run
        judged += HANDED_IN
        beside.append(statistics.median(seconds))
    ratio = statistics.median(alone) / statistics.median(beside)
    print(f"暂存 while 政策沙盘 judges: {ratio:.2f} of its rate alone ({judged} revisions judged)")


if __name__ == "__main__":
    main()
