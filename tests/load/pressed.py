"""What 提交申请 with the page before it costs while many press at once and all workers are at work, beside an earlier commit:
`make bench-pressed ARGS=commit`. CPU of all processes of a system, the database included, and how many pairs a second were taken.

Whoever is told to come again does so; no line forms within the few seconds of a round. What still runs when a round has ended (documents, notices) is not waited for, since
that is the question: what of it goes before those who submit.
"""

import argparse
import re
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil

from deploy.demo.client import Person
from deploy.embedded.system import ROOT
from services.applications.core.codec import Codec
from tests.load.beside import checked_out
from tests.load.figures.crowd import clones
from tests.load.figures.pair import settings_of
from tests.system.running import RunningSystem, create, fill

# So many at once, of one enterprise; the first round warms caches.
AT_ONCE, PAIRS, ROUNDS = 16, 60, 4
TAG = re.compile(r'name="etag" value="([^"]+)"')


@dataclass
class Release:
    """One running system, with applications in which everything is saved."""

    system: RunningSystem
    person: Person
    saved: list[str] = field(default_factory=list)

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU of each process so far, with those that it began."""
        found = {}
        for name, process in self.system.description()["processes"].items():
            parent = psutil.Process(int(process["pid"]))
            times = [each.cpu_times() for each in (parent, *parent.children(recursive=True))]
            found[name] = sum(t.user + t.system + t.children_user + t.children_system for t in times)
        return found

    def prepare(self) -> None:
        """Fill in one, and copy it as often as is submitted."""
        template = create(self.person)
        fill(self.person, template)
        settings, _ = settings_of(self.system)
        url = settings.database_url.get_secret_value().replace("postgresql+psycopg://", "postgresql://")
        self.saved = clones(url, Codec(*settings.master_keys), template, PAIRS * ROUNDS)

    def press(self) -> tuple[dict[str, float], float]:
        """Submit the next applications at once: milliseconds of CPU of each process for one, and how many a second."""
        these, self.saved = self.saved[:PAIRS], self.saved[PAIRS:]
        clients = [self.person.another() for _ in range(AT_ONCE)]

        def submit(n: int) -> None:
            http, id = clients[n % AT_ONCE], these[n]
            headers = {"X-CSRF-Token": self.person.csrf_token, "Idempotency-Key": uuid4().hex}
            while (page := http.get(f"/applications/{id}/submit")).status_code == 503:
                time.sleep(1)
            found = TAG.search(page.text)
            assert found is not None, (page.status_code, page.text[:400])
            headers["If-Match"] = f'"{found[1]}"'
            while (
                done := http.post(f"/api/v1/applications/{id}/submit", json={}, headers=headers)
            ).status_code == 503:
                time.sleep(1)
            assert done.status_code == 200, done.text[:400]

        before, began = self.cpu(), time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(submit, range(PAIRS)))
        took = time.monotonic() - began
        spent = {name: (now - before[name]) / PAIRS * 1000 for name, now in self.cpu().items()}
        for client in clients:
            client.close()
        return spent, PAIRS / took


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("before", help="the commit to compare with")
    commit = parser.parse_args().before
    with tempfile.TemporaryDirectory() as name, ExitStack() as both:
        folder = Path(name)
        root = both.enter_context(checked_out(commit, folder / "sources"))
        releases = []
        for sources, var in ((root, "before"), (ROOT, "after")):
            system = RunningSystem(folder / var, root=sources, GM_CALLS_PER_MINUTE="1000000")
            system.start()
            both.callback(system.stop)
            releases.append(Release(system, system.person("qiye1")))
            releases[-1].prepare()
        found: list[list[tuple[dict[str, float], float]]] = [[], []]
        for turn in range(ROUNDS):
            for which in (0, 1) if turn % 2 else (1, 0):
                pressed = releases[which].press()
                if turn:
                    found[which].append(pressed)
        old, new = (statistics.median(sum(spent.values()) for spent, _ in rounds) for rounds in found)
        slow, fast = (statistics.median(rate for _, rate in rounds) for rounds in found)
        print(f"a pair: {old:.1f} ms → {new:.1f} ms CPU ({new / old:.2f}); {slow:.1f} → {fast:.1f} a second")
        for process in found[1][0][0]:
            old, new = (statistics.median(spent[process] for spent, _ in rounds) for rounds in found)
            print(f"  {process:<14} {old:6.1f} → {new:6.1f} ms")


if __name__ == "__main__":
    main()
