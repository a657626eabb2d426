"""What is read from outside while the night goes on: what is owed and how old it is, and what each process takes."""

import json
import threading
import time
from contextlib import suppress
from typing import Any
from urllib.request import urlopen

import httpx
import psutil
import psycopg

from tests.load.rehearsal import answered
from tests.system.running import RunningSystem

OWED = """
SELECT topic, count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)
FROM applications.outbox WHERE done_at IS NULL AND parked_at IS NULL GROUP BY topic
"""
MAILS = """
SELECT count(*), coalesce(extract(epoch FROM now() - min(accepted_at)), 0)
FROM notify.notifications WHERE state = 'pending'
"""
MB = 1024 * 1024
# Every how many samples services are asked what they answered: their answer costs them some milliseconds.
ASKED_EVERY = 15
# What the fixed work reads and writes: as much as a page has, some hundred microseconds each way.
PAGE = json.dumps(
    [{"id": str(n), "label": "项目名称", "values": [n, str(n), None], "row": {"a": n}} for n in range(300)]
)
TIMES = 4


def pace() -> float:
    """Return how often a page is read from JSON and written again in a second of this thread's own CPU time.

    A core that shares its silicon and its caches with another busy one, or that its host slows down, does less in the same CPU second.
    """
    # Once for the caches, as in a process that is at work.
    json.dumps(json.loads(PAGE))
    begun = time.thread_time()
    for _ in range(TIMES):
        json.dumps(json.loads(PAGE))
    return TIMES / (time.thread_time() - begun)


class Watch(threading.Thread):
    """Takes a sample every `pause` seconds until told to stop."""

    def __init__(
        self, system: RunningSystem, database_url: str, begins: float, *, crowd: int, pause: float = 1.0
    ) -> None:
        """`crowd`: the process that plays it."""
        super().__init__(daemon=True)
        self._crowd = crowd
        self._system = system
        self._database_url = database_url
        self._begins = begins
        self._pause = pause
        self._over = threading.Event()
        self._known: dict[int, psutil.Process] = {}
        # CPU seconds of processes that have ended, by name: a pool's children come and go.
        self._spent: dict[str, dict[int, float]] = {}
        self.samples: list[dict[str, Any]] = []

    def run(self) -> None:
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            while not self._over.wait(self._pause):
                self.samples.append(self._sample(connection))

    def stop(self) -> None:
        self._over.set()
        self.join(10)

    def _sample(self, connection: psycopg.Connection[Any]) -> dict[str, Any]:
        owed = {row[0]: [int(row[1]), float(row[2])] for row in connection.execute(OWED)}
        mails = connection.execute(MAILS).fetchone()
        assert mails is not None
        owed["mail"] = [int(mails[0]), float(mails[1])]
        processes = {}
        for name, process in self._system.description().get("processes", {}).items():
            if process["pid"] is not None:
                processes[name] = self._of(name, int(process["pid"]))
        processes["crowd"] = self._of("crowd", self._crowd)
        at = round(time.time() - self._begins, 2)
        often = {} if len(self.samples) % ASKED_EVERY else {"answered": self._answered()}
        return {
            **often,
            "at": at,
            "owed": owed,
            "processes": processes,
            "people": self._people(),
            "pace": pace(),
            "stolen": psutil.cpu_times().steal,
        }

    def _answered(self) -> answered.Answered:
        with suppress(httpx.HTTPError):
            return answered.counts(self._system)
        return {}

    def _people(self) -> dict[str, float]:
        """How many are in and in line, as the gateway says."""
        environment = self._system.description()["environments"]["gateway"]
        port = environment["GM_GATEWAY_INTERNAL_PORT"]
        found = {}
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(("gm_people_in ", "gm_people_in_line ")):
                    name, _, value = line.partition(" ")
                    found[name] = float(value)
        return found

    def _of(self, name: str, pid: int) -> dict[str, float]:
        memory = 0
        spent = self._spent.setdefault(name, {})
        with suppress(psutil.Error):
            parent = self._known.setdefault(pid, psutil.Process(pid))
            for each in [parent, *parent.children(recursive=True)]:
                with suppress(psutil.Error):
                    memory += each.memory_info().rss
                    times = each.cpu_times()
                    spent[each.pid] = times.user + times.system
        return {"mb": round(memory / MB, 1), "cpu": round(sum(spent.values()), 2)}


def peak_memory(samples: list[dict[str, Any]]) -> dict[str, float]:
    """The most MB each process had."""
    found: dict[str, float] = {}
    for sample in samples:
        for name, values in sample["processes"].items():
            found[name] = max(found.get(name, 0.0), values["mb"])
    return found


def cpu_seconds(samples: list[dict[str, Any]]) -> dict[str, float]:
    """What each process worked between the first sample and the last."""
    first, last = samples[0]["processes"], samples[-1]["processes"]
    return {name: round(values["cpu"] - first.get(name, {}).get("cpu", 0.0), 1) for name, values in last.items()}
