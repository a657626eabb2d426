"""What the bureau's pages cost beside an earlier commit: `make bench-case ARGS=commit`.

Both releases run whole, each with servers of its own, and are asked turn by turn in one run. What is printed is the CPU
time (user and system) of all services for one page, and the ratio of both: a case that was returned, corrected and
submitted again, the queue, and an expert's case.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.client import Person
from deploy.embedded.system import ROOT
from tests.system.running import RunningSystem, create, fill, submit, version

TURNS, PER_TURN = 5, 10
SERVICES = ("gateway", "applications", "notify")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Release:
    """One running system with people and cases in it."""

    system: RunningSystem
    pages: dict[str, tuple[Person, str]]

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU that each service has used so far, the processes that it has begun included."""
        found = {}
        for name in SERVICES:
            fields = Path(f"/proc/{self.system.pid(name)}/stat").read_text().rpartition(")")[2].split()
            found[name] = sum(int(field) for field in fields[11:15]) / TICK
        return found

    def asked(self, page: str) -> dict[str, float]:
        """Milliseconds of CPU of each service for one page."""
        person, path = self.pages[page]
        before = self.cpu()
        for _ in range(PER_TURN):
            answer = person.page(path)
            assert answer.status_code == 200, (path, answer.status_code, answer.text[:400])
        return {name: (now - before[name]) / PER_TURN * 1000 for name, now in self.cpu().items()}


def played(system: RunningSystem) -> dict[str, tuple[Person, str]]:
    """Cases as the bureau meets them, and who opens which page of them."""
    applicant, reviewer = system.person("qiye1"), system.person("shencha")
    cases = []
    for n in range(4):
        cases.append(create(applicant))
        fill(applicant, cases[-1], name=f"景泰蓝赏瓶{n}")
        submit(applicant, cases[-1])
    again = cases[0]
    path = f"/review/applications/{again}"
    reviewer.call("POST", f"{path}/lease", json={})
    opinions = [{"section": None, "field": None, "row": None, "text": "请核对全部材料。"}]
    body = {"working_days": 10, "opinions": opinions, "unlock": []}
    reviewer.call("POST", f"{path}/return", json=body, etag=version(reviewer, again))
    for opinion in applicant.call("GET", f"/applications/{again}/opinions").json():
        reply = {"reply": "已核对并改正。"}
        applicant.call("PUT", f"/applications/{again}/opinions/{opinion['id']}", json=reply)
    found = applicant.call("GET", f"/applications/{again}/sections/company").json()
    values = found["saved"] | {"registered_address": "北京市海淀区学院路20号"}
    applicant.call("PUT", f"/applications/{again}/sections/company", json={"values": values}, etag=found["etag"])
    submit(applicant, again)
    reviewer.call("POST", f"{path}/lease", json={})
    scored = cases[1]
    for action in ("accept", "pass"):
        reviewer.call("POST", f"/review/applications/{scored}/lease", json={})
        etag = version(reviewer, scored)
        reviewer.call("POST", f"/review/applications/{scored}/{action}", json={}, etag=etag)
    choices = reviewer.call("GET", f"/review/applications/{scored}/experts").json()["choices"]
    given = {"experts": [choice["account"] for choice in choices]}
    path = f"/review/applications/{scored}/experts"
    reviewer.call("PUT", path, json=given, etag=version(reviewer, scored))
    expert = system.person("zhuanjia1")
    return {
        "审核页面": (reviewer, f"/review/{again}"),
        "申报受理": (reviewer, "/review?state=pending_acceptance,form_review"),
        "专家评审": (expert, f"/expert/{scored}"),
    }


@contextmanager
def running(root: Path, var: Path) -> Iterator[Release]:
    """A release that runs from `root`, with its cases."""
    system = RunningSystem(var, root=root)
    system.start()
    try:
        yield Release(system, played(system))
    finally:
        system.stop()


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """The sources of a commit, beside the repository."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), commit], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.load.case")
    parser.add_argument("before", help="the commit to compare with")
    commit = parser.parse_args().before
    with tempfile.TemporaryDirectory() as name, ExitStack() as both:
        folder = Path(name)
        root = both.enter_context(checked_out(commit, folder / "sources"))
        before = both.enter_context(running(root, folder / "before"))
        after = both.enter_context(running(ROOT, folder / "after"))
        for page in before.pages:
            costs: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
            for turn in range(TURNS + 1):
                for which in (0, 1) if turn % 2 else (1, 0):
                    cost = (before, after)[which].asked(page)
                    if turn:  # the first turn warms caches
                        costs[which].append(cost)
            old, new = (statistics.median(sum(cost.values()) for cost in found) for found in costs)
            print(f"{page} {new / old:5.2f}  {old:6.1f} ms → {new:6.1f} ms CPU", flush=True)
            for service in SERVICES:
                old, new = (statistics.median(cost[service] for cost in found) for found in costs)
                print(f"  {service:<13} {old:6.1f} ms → {new:6.1f} ms")


if __name__ == "__main__":
    main()
