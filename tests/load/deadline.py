"""`make bench-deadline`: what the queue of documents gives on deadline night: two workers beside one, and how far off
the seconds are that people are told.

A system without a documents worker takes all submissions; then one worker child makes the first half of what is owed and
two make the second. Seconds drift on shared machines: with nothing else running, the ratio counts.
"""

import asyncio
import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from deploy.demo.client import Person
from services.applications.core import repository, round_queries
from services.applications.core.codec import Codec
from services.applications.filling.start import start
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.forms.definition import Form
from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import Attachment, Round
from shared import clock
from shared.database import async_engine
from shared.identity import Actor, Role
from shared.messages import Profile
from tests.system.running import RunningSystem, create, fill

PEOPLE = 8
AT_ONCE = 50
PATTERN = "样本项目"
UNKNOWN = Profile(registry={}, registry_fetched_at=None, account={}, account_fetched_at=None)


@dataclass
class Submission:
    """One application: whose, what it is called, and the receipt once it is submitted."""

    person: Person
    id: str
    name: str
    receipt: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/applications/{self.id}/revisions/1/pdf"


def prepared(system: RunningSystem, count: int) -> list[Submission]:
    """Filled in and not submitted: one through the portal, and copies of it under names and keys of their own."""
    people = [system.person("qiye1") for _ in range(PEOPLE)]
    pattern = create(people[0])
    fill(people[0], pattern, name=PATTERN)
    names = [f"第{number:03d}号燕京八绝传承项目" for number in range(count)]
    ids = asyncio.run(_copies(system, UUID(pattern), names))
    pairs = enumerate(zip(ids, names, strict=True))
    return [Submission(people[number % PEOPLE], str(id), name) for number, (id, name) in pairs]


async def _copies(system: RunningSystem, pattern: UUID, names: list[str]) -> list[UUID]:
    environment = system.description()["environments"]["applications"]
    settings = ApplicationsSettings(
        **{key.removeprefix("GM_").lower(): value for key, value in environment.items() if key.startswith("GM_")}
    )
    engine = async_engine(settings)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    codec = Codec(settings.master_key)
    try:
        async with sessions() as session:
            known = await repository.application_for_system(session, pattern)
            form = catalogue_form(known.fund_type, known.form_version)
            opener = codec.of(known, form)
            files = await repository.attachments(session, pattern)
            sections = await repository.sections(session, pattern)
            values = {key: opener.open(key, row.saved) for key, row in sections.items() if row.saved is not None}
            actor = Actor(
                account=known.created_by,
                name="李响",
                roles=frozenset({Role.APPLICANT}),
                enterprise=known.enterprise,
                enterprise_name=known.enterprise_name,
                received_at=clock.now(),
            )
            round_ = await round_queries.round_(session, known.round_id)
        return [await _copy(sessions, codec, actor, round_, form, files, values, name) for name in names]
    finally:
        await engine.dispose()


async def _copy(
    sessions: async_sessionmaker[AsyncSession],
    codec: Codec,
    actor: Actor,
    round_: Round,
    form: Form,
    files: list[Attachment],
    values: dict[str, Any],
    name: str,
) -> UUID:
    async with sessions.begin() as session:
        made = await start(session, codec, actor, round_, UNKNOWN, most_drafts=10_000)
        text = json.dumps(values, ensure_ascii=False).replace(PATTERN, name)
        for file in files:
            id = uuid4()
            text = text.replace(str(file.id), str(id))
            columns = ("section", "slot", "name", "size", "media_type", "sha256", "created_by", "scanned_at")
            session.add(Attachment(id=id, application_id=made.id, **{key: getattr(file, key) for key in columns}))
        sealer = codec.of(made, form)
        filled = json.loads(text)
        for key, row in (await repository.sections(session, made.id)).items():
            if key in filled:
                row.saved, row.saved_at = sealer.seal(key, filled[key]), clock.now()
        return made.id


def patiently(person: Person, method: str, path: str, *, etag: str | None = None, key: str | None = None) -> Any:
    """The JSON of an answer 200; who is told to wait tries again with the same key, as a browser does."""
    headers = {"X-CSRF-Token": person.csrf_token}
    headers |= {"If-Match": f'"{etag}"'} if etag else {}
    headers |= {"Idempotency-Key": key} if key else {}
    while True:
        answer = person.send(method, path, headers=headers, json={} if key else None)
        if answer.status_code == 200:
            return answer.json()
        assert "Retry-After" in answer.headers, f"{method} {path}: {answer.status_code} {answer.text}"
        time.sleep(1)


def submit_all(submissions: list[Submission]) -> None:
    """As many at once as there are threads."""

    def one(submission: Submission, etag: str) -> None:
        path = f"/applications/{submission.id}/submit"
        answer = patiently(submission.person, "POST", path, etag=etag, key=uuid4().hex)
        submission.receipt = answer["receipt"]

    def version(submission: Submission) -> str:
        return str(patiently(submission.person, "GET", f"/applications/{submission.id}")["version"])

    with ThreadPoolExecutor(PEOPLE) as pool:
        versions = list(pool.map(version, submissions))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, submissions, versions))


def database(system: RunningSystem) -> str:
    url = str(system.description()["environments"]["applications"]["GM_DATABASE_URL"])
    return url.replace("postgresql+psycopg", "postgresql")


def done(system: RunningSystem) -> dict[str, tuple[float, float]]:
    """By application: when its document was started and recorded."""
    query = (
        "SELECT application_id::text, extract(epoch FROM started_at)::float8, extract(epoch FROM done_at)::float8"
        " FROM applications.outbox WHERE topic = 'render_document' AND done_at IS NOT NULL"
    )
    with psycopg.connect(database(system)) as connection:
        return {id: (began, ended) for id, began, ended in connection.execute(query)}


def wait_until_done(system: RunningSystem, count: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while len(done(system)) < count:
        assert time.monotonic() < until, f"{len(done(system))} of {count} documents after {seconds:.0f} s"
        time.sleep(0.5)


class Asking(threading.Thread):
    """People who look at their place in line now and then, and remember what they were told."""

    def __init__(self, submissions: list[Submission], each: int) -> None:
        super().__init__(daemon=True)
        self._asked = random.Random(7).sample(submissions, min(each, len(submissions)))
        self.told: list[tuple[str, float, float]] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            for submission in self._asked:
                answer = submission.person.call("GET", submission.path, expect=(200, 202, 503))
                if answer.status_code == 202:
                    self.told.append((submission.id, time.time(), float(answer.json()["eta_seconds"])))
            self.over.wait(2)

    def errors(self, ended: dict[str, tuple[float, float]]) -> list[float]:
        """How far off each was, as a part of what it really took; of what is there by now."""
        pairs = [(seconds, ended[id][1] - at) for id, at, seconds in self.told if id in ended]
        return [abs(seconds - real) / real for seconds, real in pairs if real > 0]


@contextmanager
def asking(submissions: list[Submission], each: int = 20) -> Iterator[Asking]:
    thread = Asking(submissions, each)
    thread.start()
    try:
        yield thread
    finally:
        thread.over.set()
        thread.join(60)


def per_second(ended: list[float]) -> float:
    """Documents a second, from the first end to the last."""
    return (len(ended) - 1) / (max(ended) - min(ended))


def main(count: int = 120) -> None:
    with tempfile.TemporaryDirectory() as folder:
        system = RunningSystem(Path(folder) / "var", "documents=0")
        system.start()
        try:
            submissions = prepared(system, count)
            submit_all(submissions)
            rates: list[float] = []
            known: set[float] = set()
            for workers in (1, 2):
                with system.worker(GM_DOCUMENTS_CONCURRENCY=str(workers)), asking(submissions) as people:
                    wait_until_done(system, count // 2 * workers, 1200)
                found = done(system)
                ended = {end for _, end in found.values()}
                rates.append(per_second(sorted(ended - known)))
                known = ended
                off = statistics.median(people.errors(found))
                print(
                    f"{workers} worker(s): {rates[-1]:.2f} documents a second;"
                    f" seconds told are off by {off:.0%} at the median"
                )
            print(f"two workers over one: {rates[1] / rates[0]:.2f} times the documents")
        finally:
            system.stop()


if __name__ == "__main__":
    main()
