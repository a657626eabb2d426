"""What may happen to messages: lost, doubled, out of order, or none that anybody could work with."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest
import redis

from deploy.demo.client import Person
from shared.celery import celery_app
from shared.messages import TOPICS
from tests.conftest import ValkeyServer
from tests.faults.witness import clean, document, one_mail_each
from tests.system.mail_server import MailServer
from tests.system.running import RunningSystem, create, fill, submit

WORKERS = ("documents", "notify-worker")


def _ready(system: RunningSystem, *names: str) -> tuple[Person, list[str]]:
    person = system.person("qiye1")
    ids = []
    for name in names:
        id = create(person)
        fill(person, id, name=name)
        ids.append(id)
    return person, ids


@contextmanager
def _paused_workers(system: RunningSystem) -> Iterator[None]:
    """What is published meanwhile waits in the queues."""
    groups = [system.pid(name) for name in WORKERS]
    for group in groups:
        os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        for group in groups:
            os.killpg(group, signal.SIGCONT)


def _jobs(database_url: str, *ids: str) -> list[tuple[str, str]]:
    with psycopg.connect(database_url) as connection:
        return [
            (str(id), str(topic))
            for id, topic in connection.execute(
                "SELECT id, topic FROM applications.outbox WHERE application_id = ANY(%s::uuid[])", [list(ids)]
            )
        ]


def _pdfs(store: Path) -> int:
    return len(list((store / "pdf").rglob("*.pdf")))


@pytest.mark.fault("broker's queue lost")
@pytest.mark.parametrize("how", ["flushed", "killed without its file"])
def test_lost_queue_loses_no_work(
    system: RunningSystem, broker: ValkeyServer, mail_server: MailServer, how: str
) -> None:
    person, ids = _ready(system, "队列丢失甲", "队列丢失乙")
    with _paused_workers(system):
        receipts = [submit(person, id)["receipt"] for id in ids]
        with redis.Redis.from_url(broker.url) as client:
            until = time.monotonic() + 10
            while client.llen("documents") + client.llen("notify") < 2:
                assert time.monotonic() < until, "nothing was published"
                time.sleep(0.05)
            if how == "flushed":
                client.flushall()
        if how != "flushed":
            broker.stop()
            broker.forget()
            broker.start()
    clean(system)
    for id, receipt in zip(ids, receipts, strict=True):
        document(person, id, receipt)
    one_mail_each(mail_server, [r["number"] for r in receipts])


@pytest.mark.fault("broker full")
def test_full_broker_stops_no_submission(
    system: RunningSystem, broker: ValkeyServer, mail_server: MailServer
) -> None:
    person, [id] = _ready(system, "消息服务存满")
    with redis.Redis.from_url(broker.url) as client:
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(redis.exceptions.OutOfMemoryError):
                client.set("full", "yes")
            receipt = submit(person, id)["receipt"]
            time.sleep(1)
            answer = person.call("POST", f"/applications/{id}/revisions/1/pdf", expect=202).json()
            assert answer["status"] == "queued"
        finally:
            client.config_set("maxmemory", "0")
    document(person, id, receipt)
    clean(system)
    one_mail_each(mail_server, [receipt["number"]])


@pytest.mark.fault("messages duplicated and reordered")
def test_doubled_and_shuffled_messages_have_one_effect(
    system: RunningSystem, broker: ValkeyServer, mail_server: MailServer, store: Path, database_url_behind: str
) -> None:
    person, ids = _ready(system, "消息重复甲", "消息重复乙")
    clean(system)
    before = _pdfs(store)
    with _paused_workers(system):
        receipts = [submit(person, id)["receipt"] for id in ids]
        jobs = _jobs(database_url_behind, *ids) * 3
        assert len(jobs) == 2 * 2 * 3
        random.Random(1).shuffle(jobs)
        app = celery_app("duplicates", broker.url)
        for id, topic in jobs:
            app.send_task(TOPICS[topic].task, args=[id], task_id=str(uuid4()), queue=TOPICS[topic].queue)
        app.close()
    clean(system)
    assert _pdfs(store) == before + 2
    for id, receipt in zip(ids, receipts, strict=True):
        document(person, id, receipt)
    one_mail_each(mail_server, [r["number"] for r in receipts])


@pytest.mark.fault("poison message")
@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_messages_that_nobody_can_read_stop_no_others(
    system: RunningSystem, broker: ValkeyServer, mail_server: MailServer, topic: str
) -> None:
    app = celery_app("poison", broker.url)
    app.send_task(TOPICS[topic].task, args=["no id at all"], queue=TOPICS[topic].queue)
    app.send_task(TOPICS[topic].task, args=[str(uuid4())], queue=TOPICS[topic].queue)
    app.send_task(TOPICS[topic].task, args=[], kwargs={"wrong": 1}, queue=TOPICS[topic].queue)
    app.send_task("nobody.knows", args=[], queue=TOPICS[topic].queue)
    app.close()
    with redis.Redis.from_url(broker.url) as client:
        client.lpush(TOPICS[topic].queue, b"\x00 no message")
    person, [id] = _ready(system, "坏消息之后")
    receipt = submit(person, id)["receipt"]
    document(person, id, receipt)
    clean(system)
    one_mail_each(mail_server, [receipt["number"]])


@pytest.mark.slow
@pytest.mark.fault("poison message")
def test_document_that_always_kills_its_worker_is_parked_and_comes_back_by_hand(system: RunningSystem) -> None:
    person, [id, other] = _ready(system, "每次都使进程终止", "其他文件")
    operator = system.person("yunwei")
    receipt = submit(person, id)["receipt"]
    path = f"/applications/{id}/revisions/1/pdf"
    until = time.monotonic() + 120
    while not (parked := operator.call("GET", "/ops/overview").json()["parked"]):
        assert time.monotonic() < until, "it was never parked"
        answer = person.call("GET", path, expect=(200, 202))
        assert answer.status_code == 202, "the worker was faster than the test"
        if answer.json()["status"] == "rendering":
            # It may be over by the time that it is found.
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(system.pid("documents")).children():
                    child.kill()
        time.sleep(0.05)
    [row] = parked
    assert row["starts"] == 3
    report = system.reconcile(0)
    assert any(row["id"] in line for line in report["differences"]), report
    # What comes after it is served.
    document(person, other, submit(person, other)["receipt"])
    operator.call("POST", f"/ops/parked/{row['id']}/requeue", json={})
    document(person, id, receipt)
    clean(system)
