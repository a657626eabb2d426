"""暂存 and 提交申请 through gateway and applications, beside a bare pair of processes that runs the same SQL: in turns, on one
machine, on the same database."""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from aiohttp import ClientSession

from deploy.demo.client import Person
from deploy.embedded.ports import free_port
from services.applications.core.codec import Codec
from services.applications.settings import ApplicationsSettings
from shared import clock
from shared.identity import Actor, Role, Signer
from tests.load.figures.crowd import Ask, Drive, clones, for_a_while, once_each
from tests.load.figures.statements import Writer
from tests.system.running import RunningSystem, create, fill

PEOPLE = 16
# An odd many: a neighbour on the machine spoils a round or two, not the median.
ROUNDS = 11
SECONDS = 4.0
SUBMISSIONS = 60
SECTION = "company"
# They would work off what the bare pair owes, which is nothing that exists.
BEHIND = ("relay", "documents", "notify-worker")


@contextmanager
def system() -> Iterator[RunningSystem]:
    with tempfile.TemporaryDirectory() as folder:
        running = RunningSystem(Path(folder) / "var", GM_CALLS_PER_MINUTE="10000000")
        running.start()
        try:
            yield running
        finally:
            running.stop()


@contextmanager
def bare(file: Path) -> Iterator[str]:
    """The bare pair's address."""
    ports = [free_port(), free_port()]
    module = [sys.executable, "-m", "tests.load.figures.bare"]
    processes = [
        subprocess.Popen([*module, "back", str(ports[1]), str(file)]),
        subprocess.Popen([*module, "front", str(ports[0]), str(ports[1])]),
    ]
    try:
        for port in ports:
            until = time.monotonic() + 20
            while True:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
                    break
                except httpx.TransportError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.1)
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        for process in processes:
            process.terminate()
            process.wait(20)


def settings_of(running: RunningSystem) -> tuple[ApplicationsSettings, Signer]:
    """The service's own settings, and the gateway's signature."""
    environments: dict[str, dict[str, str]] = running.description()["environments"]
    given = {name[3:].lower(): v for name, v in environments["applications"].items() if name.startswith("GM_")}
    settings = ApplicationsSettings(**given)  # type: ignore[arg-type]
    key = ApplicationsSettings(**{**given, "signing_key": environments["gateway"]["GM_SIGNING_KEY"]})  # type: ignore[arg-type]
    return settings, Signer("gateway", key.signing_key)


async def write_down(
    running: RunningSystem, settings: ApplicationsSettings, gateway: Signer, person: Person, ids: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The statements of one 暂存 and of one submission, and the section's values."""
    me = person.call("GET", "/me").json()
    values = person.call("GET", f"/applications/{ids[0]}/sections/{SECTION}").json()["saved"]
    etag = person.call("GET", f"/applications/{ids[0]}/sections/{SECTION}").json()["etag"]
    version = person.call("GET", f"/applications/{ids[1]}").json()["version"]
    enterprise = me["enterprise"]
    known = {str(person.call("GET", f"/applications/{ids[1]}").json()["round_id"])}
    known |= {str(f) for s in _sections(person, ids[1]) for f in s}

    def headers(method: str, path: str, etag: str) -> dict[str, str]:
        actor = Actor(
            account="bench", name="bench", roles=frozenset({Role.APPLICANT}), received_at=clock.now(),
            enterprise=enterprise["uscc"] if isinstance(enterprise, dict) else enterprise, enterprise_name="bench",
        )  # fmt: skip
        signed = gateway.headers("applications", method, path, actor)
        return signed | {"If-Match": f'"{etag}"', "Idempotency-Key": uuid4().hex}

    async def draft(client: Any) -> tuple[str, str]:
        path = f"/api/v1/applications/{ids[0]}/sections/{SECTION}/draft"
        answer = await client.put(path, json={"values": values}, headers=headers("PUT", path, etag))
        assert answer.status == 200, await answer.text()
        return "", await answer.text()

    async def submit(client: Any) -> tuple[str, str]:
        path = f"/api/v1/applications/{ids[1]}/submit"
        answer = await client.post(path, json={}, headers=headers("POST", path, version))
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["receipt"]["number"]), await answer.text()

    kinds = {
        "draft": await Writer(settings).write(draft, ids[0], known),
        "submit": await Writer(settings).write(submit, ids[1], known),
    }
    return kinds, values


def _sections(person: Person, id: str) -> Iterator[list[str]]:
    for section in person.call("GET", f"/applications/{id}").json()["sections"]:
        saved = person.call("GET", f"/applications/{id}/sections/{section['key']}").json()["saved"] or {}
        yield [file for slot in saved.values() if isinstance(slot, list) for file in slot if isinstance(file, str)]


class Ours:
    """One person at the gateway, many applications."""

    def __init__(self, url: str, person: Person, values: dict[str, Any]) -> None:
        self._url = f"{url}/api/v1"
        self._headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in person.cookies.items()),
            "X-CSRF-Token": person.csrf_token,
            "Content-Type": "application/json",
        }
        self._body = json.dumps({"values": values}, ensure_ascii=False).encode()
        self.etags: dict[str, str] = {}

    async def draft(self, http: ClientSession, id: str) -> None:
        headers = {**self._headers, "If-Match": f'"{self.etags.get(id, "1")}"'}
        url = f"{self._url}/applications/{id}/sections/{SECTION}/draft"
        async with http.put(url, data=self._body, headers=headers) as answer:
            text = await answer.text()
            if answer.status == 412:
                self.etags[id] = json.loads(text)["current"]["etag"]
                return
            assert answer.status == 200, text
            # From the header: what the answer says is not read here, as the bare pair's is not.
            self.etags[id] = answer.headers["ETag"].strip('"')

    def submit(self, version: str) -> Ask:
        async def ask(http: ClientSession, id: str) -> None:
            headers = {**self._headers, "If-Match": f'"{version}"', "Idempotency-Key": uuid4().hex}
            url = f"{self._url}/applications/{id}/submit"
            async with http.post(url, data=b"{}", headers=headers) as answer:
                assert answer.status == 200, await answer.text()

        return ask


def theirs(url: str, kind: str, body: bytes) -> Ask:
    async def ask(http: ClientSession, id: str) -> None:
        async with http.post(f"{url}/{kind}/{id}", data=body) as answer:
            assert answer.status == 200, await answer.text()

    return ask


def compared(name: str, ours: list[Drive], bare: list[Drive]) -> dict[str, float]:
    """Medians of the rounds' ratios, and the p99 over all."""
    mine, other = Drive(), Drive()
    for one in ours:
        mine.add(one)
    for one in bare:
        other.add(one)
    ratio = statistics.median(a.rate / b.rate for a, b in zip(ours, bare, strict=True))
    tail = mine.quantile(0.99) / other.quantile(0.99)
    print(
        f"{name}: {mine.rate:.0f}/s beside {other.rate:.0f}/s, ratio {ratio:.2f};"
        f" p50 {mine.quantile(0.5) * 1000:.0f} and {other.quantile(0.5) * 1000:.0f} ms,"
        f" p99 {mine.quantile(0.99) * 1000:.0f} and {other.quantile(0.99) * 1000:.0f} ms, ratio {tail:.2f}"
    )
    return {"ours_per_second": mine.rate, "bare_per_second": other.rate, "ratio": ratio, "p99_ratio": tail}


async def measure() -> dict[str, dict[str, float]]:
    """Both figures."""
    with system() as running:
        person = running.person("qiye1")
        template = create(person)
        fill(person, template)
        settings, gateway = settings_of(running)
        url = settings.database_url.get_secret_value().replace("postgresql+psycopg://", "postgresql://")
        codec = Codec(*settings.master_keys)
        for name in BEHIND:
            running.kill(name, signal.SIGSTOP)
        need = 2 + 2 * PEOPLE + 2 * SUBMISSIONS * ROUNDS
        ids = await asyncio.to_thread(clones, url, codec, template, need)
        kinds, values = await write_down(running, settings, gateway, person, ids[:2])
        file = running.var / "bare.json"
        file.write_text(json.dumps({"database_url": url, "kinds": kinds, "numbers_from": os.getpid() * 10**6}))
        me = Ours(running.url, person, values)
        version = str(person.call("GET", f"/applications/{template}").json()["version"])
        body = json.dumps({"values": values}, ensure_ascii=False).encode()
        mine, other = ids[2 : 2 + PEOPLE], ids[2 + PEOPLE : 2 + 2 * PEOPLE]
        to_submit = ids[2 + 2 * PEOPLE :]
        found: dict[str, dict[str, float]] = {}
        with bare(file) as bare_url:
            await for_a_while(me.draft, mine, 2)
            await for_a_while(theirs(bare_url, "draft", body), other, 2)
            drives: tuple[list[Drive], list[Drive]] = ([], [])
            for _ in range(ROUNDS):
                drives[0].append(await for_a_while(me.draft, mine, SECONDS))
                drives[1].append(await for_a_while(theirs(bare_url, "draft", body), other, SECONDS))
            found["暂存"] = compared("暂存", *drives)
            drives = ([], [])
            for n in range(ROUNDS):
                part = to_submit[2 * n * SUBMISSIONS : 2 * (n + 1) * SUBMISSIONS]
                drives[0].append(await once_each(me.submit(version), part[:SUBMISSIONS], PEOPLE // 2))
                drives[1].append(
                    await once_each(theirs(bare_url, "submit", b"{}"), part[SUBMISSIONS:], PEOPLE // 2)
                )
            found["提交申请"] = compared("提交申请", *drives)
        for name in BEHIND:
            running.kill(name, signal.SIGCONT)
        return found
