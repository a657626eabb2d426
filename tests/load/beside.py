"""Ask a release and an earlier one the same things, turn by turn in one run, and compare what they cost.

Both run whole, each with servers of its own. What is printed is the CPU time (user and system) of all services for one act, and the
ratio of both.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.embedded.system import ROOT
from tests.system.running import RunningSystem

TURNS, PER_TURN = 5, 10
SERVICES = ("gateway", "applications", "notify")
TICK = os.sysconf("SC_CLK_TCK")
Acts = dict[str, Callable[[], httpx.Response]]


@dataclass(frozen=True)
class Release:
    """One running system, and what is done to it, by name."""

    system: RunningSystem
    acts: Acts

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU that each service has used so far, the processes that it has begun included."""
        found = {}
        for name in SERVICES:
            fields = Path(f"/proc/{self.system.pid(name)}/stat").read_text().rpartition(")")[2].split()
            found[name] = sum(int(field) for field in fields[11:15]) / TICK
        return found

    def cost(self, act: str) -> dict[str, float]:
        """Milliseconds of CPU of each service for one act."""
        before = self.cpu()
        for _ in range(PER_TURN):
            answer = self.acts[act]()
            assert answer.status_code == 200, (act, answer.url, answer.status_code, answer.text[:400])
        return {name: (now - before[name]) / PER_TURN * 1000 for name, now in self.cpu().items()}


@contextmanager
def running(root: Path, var: Path, play: Callable[[RunningSystem], Acts]) -> Iterator[Release]:
    """A release that runs from `root`, with what is played in it."""
    system = RunningSystem(var, root=root)
    system.start()
    try:
        yield Release(system, play(system))
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


def compare(play: Callable[[RunningSystem], Acts]) -> None:
    """Compare this release with the commit that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("before", help="the commit to compare with")
    commit = parser.parse_args().before
    with tempfile.TemporaryDirectory() as name, ExitStack() as both:
        folder = Path(name)
        root = both.enter_context(checked_out(commit, folder / "sources"))
        before = both.enter_context(running(root, folder / "before", play))
        after = both.enter_context(running(ROOT, folder / "after", play))
        for act in before.acts:
            costs: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
            for turn in range(TURNS + 1):
                for which in (0, 1) if turn % 2 else (1, 0):
                    cost = (before, after)[which].cost(act)
                    if turn:  # the first turn warms caches
                        costs[which].append(cost)
            old, new = (statistics.median(sum(cost.values()) for cost in found) for found in costs)
            print(f"{act} {new / old:5.2f}  {old:6.1f} ms → {new:6.1f} ms CPU", flush=True)
            for service in SERVICES:
                old, new = (statistics.median(cost[service] for cost in found) for found in costs)
                print(f"  {service:<13} {old:6.1f} ms → {new:6.1f} ms")
