"""The real system, as `make run` starts it, in a folder and on ports of its own."""

import asyncio
import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID, uuid4
from weakref import WeakKeyDictionary

from deploy.demo.client import Person
from deploy.embedded.postgres import Postgres
from deploy.embedded.system import ROOT
from services.applications.__main__ import report
from services.applications.settings import ApplicationsSettings
from shared import clock
from shared.database import in_transaction
from shared.identity import Actor, Role
from shared.settings import load
from shared.store import Store
from tests import factories
from tests.attached import attach
from tests.system import cluster

START_SECONDS = 120


PLENTY = {
    "GM_DRAFTS_PER_ROUND": "5000",
    "GM_NOTIFY_PER_ADDRESS": "100000",
    "GM_NOTIFY_PER_ENTERPRISE": "100000",
}


def _forget(var: Path) -> None:
    """Delete the database of a system that is over: root's stands outside of the folder that pytest tidies."""
    place = var / "postgres"
    if place.is_symlink():
        shutil.rmtree(place.readlink(), ignore_errors=True)


class RunningSystem:
    """Starts, describes and stops it. `settings` are GM_… variables; `root` holds the sources that run. Its database is migrated
    already; `from_nothing`: it starts as on a new machine."""

    def __init__(
        self, var: Path, *counts: str, root: Path = ROOT, from_nothing: bool = False, **settings: str
    ) -> None:
        self.var = var
        if root == ROOT and not from_nothing and "GM_DATABASE_URL" not in settings and not var.exists():
            var.mkdir(parents=True)
            (var / "secrets.json").write_text(json.dumps({"database_password": cluster.PASSWORD}))
            # For root it makes the link to where the server's user can reach.
            Postgres(var / "postgres", 0, cluster.PASSWORD)
            cluster.put(var / "postgres")
        atexit.register(_forget, var)
        self._root = root
        self._command = [
            sys.executable, "-m", "deploy.local", "--var", str(var), "run", "--free-ports", *counts,
        ]  # fmt: skip
        # Tests play a season with two enterprises: budgets that no single one meets.
        self._settings = {**PLENTY, **settings}
        self._log = var.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None
        self._people: dict[str, Person] = {}
        self._everybody: list[Person] = []

    def start(self) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GM_")}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, cwd=self._root, env={**environment, **self._settings}, stdout=log, stderr=log
            )
        until = time.monotonic() + START_SECONDS
        while not self.description().get("ready"):
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"the system did not start:\n{self._log.read_text()[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        assert self.process is not None
        for person in self._everybody:
            person.close()
        # Whoever comes after the next start signs in again, perhaps on another port.
        self._everybody.clear()
        self._people.clear()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def description(self) -> dict[str, Any]:
        """`run.json`, or nothing while there is none."""
        try:
            return dict(json.loads((self.var / "run.json").read_text()))
        except FileNotFoundError:
            return {}

    @property
    def url(self) -> str:
        return str(self.description()["public_url"])

    @property
    def mail_page(self) -> str:
        return str(self.description()["mail_page"])

    def pid(self, name: str) -> int:
        return int(self.description()["processes"][name]["pid"])

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        os.kill(self.pid(name), number)

    def log(self, name: str) -> list[dict[str, Any]]:
        """The JSON lines of a process's log."""
        lines = (self.var / "log" / f"{name}.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    @contextmanager
    def worker(self, *module: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """A documents worker beside the system, in a group of its own, while it lasts; ready when it is given.
        `module`: another module and its arguments, which may be dead before it is ready."""
        ready = self.var / f"worker-{uuid4().hex}"
        process = subprocess.Popen(
            [sys.executable, "-m", *(module or ("services.documents", "worker"))],
            cwd=ROOT,
            env={
                **self.description()["environments"]["documents"],
                "GM_READY_FILE": str(ready),
                **settings,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + START_SECONDS
        while not ready.exists() and process.poll() is None:
            assert time.monotonic() < until, "the worker is not ready"
            time.sleep(0.05)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(60)

    def execute(self, service: str, *command: str) -> tuple[int, str]:
        """A command of a service beside the system: its exit code and output."""
        full = [sys.executable, "-m", "deploy.local", "--var", str(self.var), "exec", service, *command]
        done = subprocess.run(full, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def reconcile(self, seconds: float = 60) -> dict[str, Any]:
        """The report, once nothing is under way any more or the time is up. In this process, since a start costs two seconds; of a
        thread's own, since a browser's tests have an event loop already."""
        settings = self._applications()
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(1) as thread:
            while True:
                found = thread.submit(asyncio.run, report(settings)).result()
                if not found.pending or time.monotonic() > until:
                    return dict(json.loads(found.json()))
                time.sleep(0.5)

    def _applications(self) -> ApplicationsSettings:
        with mock.patch.dict(os.environ, self.description()["environments"]["applications"], clear=True):
            return load(ApplicationsSettings)

    def attach(self, person: Person, id: str, slots: dict[str, str]) -> dict[str, list[str]]:
        """Keep a file in each slot of somebody's draft, in this process; the ids by slot."""
        settings, me = self._applications(), person.call("GET", "/me").json()
        unit = me["enterprise"]
        actor = Actor(
            account=me["account"], name=me["name"], roles=frozenset(map(Role, me["roles"])), enterprise=unit["uscc"],
            enterprise_name=unit["name"], received_at=clock.now(),
        )  # fmt: skip
        store = Store.from_url(settings.store_url)
        done = in_transaction(settings, lambda session: attach(session, store, settings, actor, UUID(id), slots))
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, done).result()

    def person(self, username: str, *, anew: bool = False) -> Person:
        """Somebody who is signed in: since an earlier test, or `anew`."""
        known = self._people.get(username)
        if known and not anew and known.send("GET", "/me").status_code == 200:
            return known
        person = Person(self.url, username, lambda _: None)
        self._everybody.append(person)
        person.sign_in("Demo#2024", "8888")
        self._people[username] = person
        _AT[person] = self
        return person


# Whoever signed in to a system whose database and store are within reach.
_AT: WeakKeyDictionary[Person, RunningSystem] = WeakKeyDictionary()


def create(person: Person, fund_type: str = "reward") -> str:
    """A new draft."""
    rounds = person.call("GET", "/rounds").json()
    round_id = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == fund_type)
    return str(person.call("POST", "/applications", json={"round_id": round_id}, key=True).json()["id"])


def fill(person: Person, id: str, fund_type: str = "reward", **changes: str) -> None:
    """Every section saved, with attachments."""
    slots = factories.SLOTS[fund_type]
    files = _AT[person].attach(person, id, slots) if person in _AT else _uploaded(person, id, slots)
    for key, values in factories.values_of(fund_type, files, **changes).items():
        path = f"/applications/{id}/sections/{key}"
        # What nobody has written yet stands at 1.
        if person.call("PUT", path, json={"values": values}, etag="1", expect=(200, 412)).status_code == 412:
            etag = person.call("GET", path).json()["etag"]
            person.call("PUT", path, json={"values": values}, etag=etag)


def _uploaded(person: Person, id: str, slots: dict[str, str]) -> dict[str, list[str]]:
    files = {}
    for slot, section in slots.items():
        made = person.call(
            "POST",
            f"/applications/{id}/attachments",
            params={"section": section, "slot": slot},
            files={"file": factories.file_for(slot)},
        )
        files[slot] = [made.json()["id"]]
    return files


def publish_round(system: RunningSystem, body: dict[str, Any]) -> str:
    """Have an officer write a round and a director publish it, also without numbers that it lacks; return its id."""
    made = system.person("yewu").call("POST", "/rounds", json={**body, "publish": False}).json()
    system.person("shending").call("POST", f"/rounds/{made['id']}/publish", json={"accept_missing": True})
    return str(made["id"])


def version(person: Person, id: str) -> str:
    return str(person.call("GET", f"/applications/{id}").json()["version"])


def submit(person: Person, id: str) -> dict[str, Any]:
    """The answer to a submission that is accepted."""
    etag = version(person, id)
    return dict(person.call("POST", f"/applications/{id}/submit", json={}, etag=etag, key=True).json())


def delete_drafts(person: Person) -> None:
    """Leave somebody's enterprise without drafts, whatever earlier tests have left it."""
    while drafts := person.call("GET", "/applications", params={"state": "draft"}).json()["items"]:
        for draft in drafts:
            person.call("DELETE", f"/applications/{draft['id']}", etag=str(draft["version"]), json={})


def withdraw(person: Person, id: str) -> None:
    person.call("POST", f"/applications/{id}/withdraw", json={}, etag=version(person, id))
