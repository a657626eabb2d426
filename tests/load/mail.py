"""How mails leave: `make bench-mail`.

2,000 returns stand in the ledger at once and go from there through one notify worker to an SMTP sink, which must hold
each of them exactly once at the end. Beside it, in the same run and against the same sink, the same mails are sent by
smtplib alone: over one connection, and over as many connections in threads as the worker has. Delivery is measured from
the first mail in the sink to the last; that is the part in which nothing but delivery is left to do.
"""

import multiprocessing
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from sqlalchemy import select
from sqlalchemy.orm import sessionmaker

from deploy.embedded.ports import free_port
from deploy.embedded.postgres import Postgres
from services.notify import __main__ as commands
from services.notify import ledger
from services.notify.channels import Email, Parcel
from services.notify.models import Notification
from services.notify.sender import MemorySender, SmtpSender
from services.notify.settings import NotifySettings
from services.notify.worker import Senders
from shared.database import engine, migrate
from shared.messages import Person
from tests import factories

MAILS = 2_000
TURNS = 3


class Sink:
    """A process of its own that takes every mail and remembers when, and which."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._ids: list[str] = []
        self._first = self._last = 0.0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        now = time.monotonic()
        self._first = self._first or now
        self._last = now
        self._ids.append(envelope.original_content)
        return "250 kept"

    def serve(self, port: int) -> None:
        controller = Controller(self, hostname="127.0.0.1", port=port)
        controller.start()
        self._pipe.send("ready")
        while (asked := self._pipe.recv()) != "end":
            if asked == "count":
                self._pipe.send(len(self._ids))
            else:
                ids = [str(message_from_bytes(raw)["Message-ID"]) for raw in self._ids]
                self._pipe.send((ids, self._last - self._first))
                self._ids, self._first, self._last = [], 0.0, 0.0
        controller.stop()


def _serve(pipe: Connection, port: int) -> None:
    Sink(pipe).serve(port)


class Post:
    """The sink, as the benchmark asks it."""

    def __init__(self) -> None:
        self.port = free_port()
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(theirs, self.port), daemon=True
        )
        self._process.start()
        self._pipe.recv()

    def wait(self, count: int, seconds: float = 300) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._pipe.send("count")
            if self._pipe.recv() >= count:
                return
            time.sleep(0.05)
        raise AssertionError("the mails did not all arrive")

    def take(self) -> tuple[list[str], float]:
        """What came since the last time, and how many seconds lay between the first and the last."""
        self._pipe.send("take")
        found: tuple[list[str], float] = self._pipe.recv()
        return found

    def end(self) -> None:
        self._pipe.send("end")
        self._process.join(10)


def _settings(url: str, port: int) -> NotifySettings:
    return NotifySettings(
        database_url=url,  # type: ignore[arg-type]
        broker_url="redis://127.0.0.1:1/0",  # type: ignore[arg-type]
        applications_url="http://127.0.0.1:9",  # type: ignore[arg-type]
        public_url="http://127.0.0.1:8080",  # type: ignore[arg-type]
        smtp_url=f"smtp://127.0.0.1:{port}",  # type: ignore[arg-type]
        mail_from="工美资金管理系统 <noreply@gm.example.cn>",
        signing_key=factories.private_key("notify"),
        trusted_keys=factories.trusted_keys(),  # type: ignore[arg-type]
    )


def _events(count: int) -> list[ledger.AnyEvent]:
    """Returns for contacts of forty domains."""
    return [
        factories.returned_event(
            to=Person(
                name="李响", email=f"lianxi{n}@qiye{n % 40}.example.com", enterprise=factories.ENTERPRISE_1[0]
            )
        )
        for n in range(count)
    ]


def _alone(port: int, events: list[ledger.AnyEvent], settings: NotifySettings, connections: int) -> None:
    """smtplib and nothing else: the mails are made beforehand, down to the bytes that go over the wire."""
    kept = MemorySender([])
    channel = Email(kept, settings)
    for event in events:
        channel.carry(Parcel(event, event.to, f"<{event.event_id}@gm.example.cn>"))
    parts = [kept.mails[n::connections] for n in range(connections)]

    def send(part: list[Any]) -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            for mail in part:
                smtp.sendmail(mail.sender, [mail.to], mail.content)

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(send, parts))


def _delivered(url: str, port: int, events: list[ledger.AnyEvent]) -> None:
    """One worker's sending threads, in a process of their own, on a ledger that owes all of it."""
    settings = _settings(url, port)
    database = engine(settings)
    sessions = sessionmaker(database, expire_on_commit=False)
    for start in range(0, len(events), 200):
        with sessions.begin() as session:
            for event in events[start : start + 200]:
                ledger.accept(session, event, settings.mail_from)
    database.dispose()
    subprocess.run([sys.executable, "-m", "tests.load.mail", "send", url, str(port), str(len(events))], check=True)


def send(url: str, port: int, count: int) -> None:
    """The worker's part: send until the ledger owes nothing."""
    settings = _settings(url, port)
    database = engine(settings)
    sessions = sessionmaker(database, expire_on_commit=False)
    sender = SmtpSender(settings.smtp_url.get_secret_value(), settings.smtp_timeout_seconds)
    senders = Senders(sessions, [Email(sender, settings)], settings)
    senders.start()
    owed = select(Notification.event_id).where(Notification.state == "pending").limit(1)
    while True:
        time.sleep(0.1)
        with sessions() as session:
            if session.scalar(owed) is None:
                break
    senders.stop()
    senders.join(5)
    sender.close_all()
    database.dispose()


def _exactly_once(ids: list[str], events: list[ledger.AnyEvent]) -> None:
    counted = Counter(ids)
    expected = {f"<{event.event_id}@gm.example.cn>" for event in events}
    assert counted.keys() == expected, f"{len(expected - counted.keys())} missing"
    doubled = [id for id, n in counted.items() if n > 1]
    assert not doubled, f"{len(doubled)} doubled"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gm-bench-") as folder:
        server = Postgres(Path(folder) / "data", free_port(), "bench")
        server.prepare()
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(
                server.command, stdout=log, stderr=log, env=server.env(), **server.popen_options
            )
        post = Post()
        try:
            server.wait(60, process)
            server.create_database("notify")
            url = server.url("notify")
            migrate(_settings(url, post.port), Path(str(commands.__file__)).parent / "migrations", "notify")
            _compare(url, post)
        finally:
            post.end()
            process.terminate()
            process.wait(20)
            server.remove()


def _compare(url: str, post: Post) -> None:
    settings = _settings(url, post.port)
    ways = {
        "smtplib, one connection": lambda events: _alone(post.port, events, settings, 1),
        f"smtplib, {settings.notify_concurrency} connections": lambda events: _alone(
            post.port, events, settings, settings.notify_concurrency
        ),
        "delivery, one worker": lambda events: _delivered(url, post.port, events),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(TURNS):
        for name, way in ways.items():
            events = _events(MAILS)
            way(events)
            post.wait(MAILS)
            ids, took = post.take()
            _exactly_once(ids, events)
            seconds[name].append(took)
            print(f"{turn + 1}. {name}: {MAILS} mails, each once, {MAILS / took:.0f}/s", flush=True)
    # Turn by turn: what else the machine does changes within minutes.
    first, several, ours = (seconds[name] for name in ways)
    for name, other in zip(list(ways)[:2], (first, several), strict=True):
        ratio = statistics.median(theirs / mine for theirs, mine in zip(other, ours, strict=True))
        print(f"delivery / {name}: {ratio:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["send"]:
        send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
