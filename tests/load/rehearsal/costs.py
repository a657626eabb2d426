"""Measure what each step of an evening costs on a quiet system: CPU seconds of all its processes together, the database included; and
what a refusal costs the gateway beside a page, with thousands in line. `make bench-costs`.

The figures are the weights of useful work: a rehearsal of overload measures them before its night, by step and section, for what a step costs
changes with the product. The simulation has those of one day (`COST` in `tests/unit/overload/night.py`). What is made afterwards (documents, mails)
stands still meanwhile.
"""

import math
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from deploy.demo.client import Person
from deploy.demo.files import pdf
from deploy.demo.values import REWARD_SLOTS, file_for, reward_values
from deploy.embedded.ports import free_port
from deploy.embedded.system import ROOT
from tests.load.rehearsal.measure import mean_weight, weight_of
from tests.load.rehearsal.plan import SECTIONS, Options
from tests.system.running import RunningSystem, create
from tests.unit.overload.night import COST

EVENINGS, WARM = 24, 4
# As many before a night, which takes two minutes.
BEFORE_A_NIGHT = 12
# What is left to do when a step has been answered is done within so long.
AFTER_SECONDS = 0.4
# Pages and refusals that are counted, and people who stand in line meanwhile.
PAGES, REFUSALS, IN_LINE = 100, 500, 5000
STILL = ("documents", "notify-worker")
# The mean of the crowd's largest files.
_SIZES = Options()
FILE_BYTES = round(
    (_SIZES.largest_mb - _SIZES.smallest_mb) / math.log(_SIZES.largest_mb / _SIZES.smallest_mb) * 1024 * 1024
)


class Evening:
    """One application of one person, step by step as the rehearsal's crowd plays them."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.id, self.version, self.number = "", "", 0
        self.etags: dict[str, str] = {}
        self.files: dict[str, list[str]] = {slot: [] for slot in REWARD_SLOTS}

    def page(self, path: str) -> str:
        answer = self.person.page(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def of(self, rest: str) -> str:
        return f"/applications/{self.id}{rest}"

    def projects(self, _: str) -> None:
        self.page("/projects")

    def create(self, _: str) -> None:
        self.id = create(self.person)

    def open(self, section: str) -> None:
        text = self.page(self.of(f"/sections/{section}"))
        self.etags[section] = text.split('name="etag" value="')[1].split('"')[0]

    def _write(self, section: str, end: str) -> None:
        values = reward_values(self.files)[section]
        path, etag = self.of(f"/sections/{section}{end}"), self.etags[section]
        answer = self.person.call("PUT", path, etag=etag, json={"values": values})
        self.etags[section] = answer.headers["ETag"].strip('"')

    def autosave(self, section: str) -> None:
        self._write(section, "/draft")

    def save(self, section: str) -> None:
        self._write(section, "")

    def attach(self, section: str) -> None:
        for slot, place in REWARD_SLOTS.items():
            if place == section:
                name, content = file_for(slot)
                content = pdf(self.id, weight=FILE_BYTES) if slot == "financial_statements" else content
                path = self.of(f"/attachments?section={section}&slot={slot}")
                made = self.person.call("POST", path, files={"file": (name, content)})
                self.files[slot] = [made.json()["id"]]

    def look_over(self, _: str) -> None:
        text = self.page(self.of("/submit"))
        self.version = text.split('name="etag" value="')[1].split('"')[0]

    def submit(self, _: str) -> None:
        made = self.person.call("POST", self.of("/submit"), etag=self.version, key=True, json={})
        self.number = made.json()["receipt"]["revision"]

    def receipt(self, _: str) -> None:
        self.page(self.of(f"/receipt/{self.number}"))

    def pdf(self, _: str) -> None:
        self.person.call("POST", self.of(f"/revisions/{self.number}/pdf"), expect=(200, 202))


def spent(system: RunningSystem) -> float:
    """CPU seconds of all processes but those that stand still."""
    assert system.process is not None
    parent = psutil.Process(system.process.pid)
    still = {system.pid(name) for name in STILL}
    found = 0.0
    for each in [parent, *parent.children(recursive=True)]:
        if each.pid not in still:
            times = each.cpu_times()
            found += times.user + times.system + times.children_user + times.children_system
    return found


def measured(system: RunningSystem, evenings: list[Evening], act: Callable[[Evening], Any]) -> float:
    """CPU seconds of one act, less what the system would have used without it."""
    began, before = time.monotonic(), spent(system)
    time.sleep(1.0)
    idle = (spent(system) - before) / (time.monotonic() - began)
    began, before = time.monotonic(), spent(system)
    for evening in evenings:
        act(evening)
    time.sleep(AFTER_SECONDS)
    return (spent(system) - before - idle * (time.monotonic() - began)) / len(evenings)


def measure(system: RunningSystem, evenings: int = EVENINGS) -> dict[str, float]:
    """The cost of each step by its name in the rehearsal, with the section of which it is done: `submit`, `save company`."""
    costs = {
        "sign_in": measured(
            system, [Evening(system.person("qiye1"))] * 8, lambda _: system.person("qiye1", anew=True)
        )
    }
    person = system.person("qiye1")
    for count in (WARM, evenings):
        crowd = [Evening(person) for _ in range(count)]

        def step(name: str, section: str = "", crowd: list[Evening] = crowd) -> None:
            cost = measured(system, crowd, lambda evening: getattr(evening, name)(section))
            # Of the warm ones, until those that count come.
            costs[weight_of(name, section)] = max(0.0, cost)

        for name in ("projects", "create"):
            step(name)
        for section in SECTIONS:
            for name in ("open", "autosave", "attach", "save"):
                step(name, section)
        for name in ("look_over", "submit", "receipt", "pdf"):
            step(name)
    return costs


@contextmanager
def quiet(folder: Path) -> Iterator[RunningSystem]:
    """A system of its own in which nothing is made afterwards."""
    system = RunningSystem(folder / "var", GM_CALLS_PER_MINUTE="1000000", GM_SIGNINS_PER_MINUTE="1000000")
    system.start()
    try:
        for name in STILL:
            system.kill(name, signal.SIGSTOP)
        yield system
    finally:
        for name in STILL:
            system.kill(name, signal.SIGCONT)
        system.stop()


def weights() -> dict[str, float]:
    """What each step costs this machine and this product, before a night."""
    with tempfile.TemporaryDirectory() as folder, quiet(Path(folder)) as system:
        return measure(system, BEFORE_A_NIGHT)


def gateway_ms(pid: int, count: int, act: Callable[[], int]) -> float:
    """Milliseconds of a gateway's CPU for one act, all of which are answered alike."""
    gateway = psutil.Process(pid)

    def used() -> float:
        times = gateway.cpu_times()
        return times.user + times.system

    before = used()
    answered = {act() for _ in range(count)}
    assert len(answered) == 1, answered
    return (used() - before) / count * 1000


@contextmanager
def full(system: RunningSystem) -> Iterator[tuple[int, int]]:
    """Another gateway of the system, with room for nobody: its process and its port."""
    environment = system.description()["environments"]["gateway"]
    port = free_port()
    ports = {"GM_GATEWAY_PORT": str(port), "GM_GATEWAY_INTERNAL_PORT": str(free_port())}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.load.rehearsal.full"], env={**environment, **ports}, cwd=ROOT
    )
    try:
        wait_for(port, process)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(30)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)


def refusals(system: RunningSystem) -> dict[str, float]:
    """Milliseconds of the gateway's CPU for a page; for a refusal of somebody who comes for the first time, with a connection of their own;
    for one who stands in line and asks again; and for a newcomer when thousands stand there."""
    person = system.person("qiye1")
    host = urlsplit(system.url).netloc

    def page() -> int:
        return person.page("/projects").status_code

    gateway_ms(system.pid("gateway"), PAGES // 5, page)
    found = {"a page": gateway_ms(system.pid("gateway"), PAGES, page)}
    with full(system) as (pid, port), closing(HTTPConnection("127.0.0.1", port, timeout=30)) as kept:

        def ask(http: HTTPConnection, **headers: str) -> HTTPResponse:
            http.request("GET", "/login", headers={"Accept": "text/html", "Host": host, **headers})
            answer = http.getresponse()
            answer.read()
            return answer

        def stranger() -> int:
            with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as http:
                return ask(http).status

        place = (ask(kept).getheader("Set-Cookie") or "").partition(";")[0]
        assert stranger() == 503
        gateway_ms(pid, REFUSALS, stranger)
        found["a newcomer refused"] = gateway_ms(pid, REFUSALS, stranger)
        found["refused again"] = gateway_ms(pid, REFUSALS, lambda: ask(kept, Cookie=place).status)
        for _ in range(IN_LINE):
            stranger()
        found["a newcomer refused, thousands in line"] = gateway_ms(pid, REFUSALS, stranger)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, quiet(Path(folder)) as system:
        found = measure(system)
        for name, cost in found.items():
            print(f"{name:<26} {cost * 1000:6.1f} ms")
        for step, (known, _) in COST.items():
            print(f"{step:<10} {mean_weight(found, step) * 1000:6.1f} ms   (in the simulation {known * 1000:.0f})")
        told = refusals(system)
        for name, cost in told.items():
            print(f"gateway, {name}: {cost:.2f} ms, {cost / told['a page']:.2f} of a page")


if __name__ == "__main__":
    main()
