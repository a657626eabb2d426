"""The database goes away, or its answer does: accepted means kept, and a retry finds what the first try did."""

import time
from uuid import uuid4

import httpx
import pytest

from deploy.demo.client import Person, authorities
from tests.faults.witness import clean, document, one_mail_each, revisions
from tests.system.fault_proxy import FaultProxy
from tests.system.mail_server import MailServer
from tests.system.running import RunningSystem, create, fill, version


def _ready(system: RunningSystem, name: str) -> tuple[Person, str]:
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name=name)
    return person, id


def _send(system: RunningSystem, person: Person, id: str, etag: str, key: str) -> httpx.Response:
    with httpx.Client(
        base_url=system.url, cookies=person.cookies, timeout=60, trust_env=False, verify=authorities()
    ) as http:
        headers = {"X-CSRF-Token": person.csrf_token, "If-Match": f'"{etag}"', "Idempotency-Key": key}
        return http.post(f"/api/v1/applications/{id}/submit", json={}, headers=headers)


def _retried(system: RunningSystem, person: Person, id: str, etag: str, key: str) -> dict[str, object]:
    """The same request again until it is answered for good."""
    until = time.monotonic() + 30
    while True:
        answer = _send(system, person, id, etag, key)
        if answer.status_code == 200:
            return dict(answer.json())
        assert answer.status_code in {409, 503}, answer.text
        assert answer.headers["Retry-After"]
        assert time.monotonic() < until, answer.text
        time.sleep(0.2)


@pytest.mark.fault("COMMIT's answer lost")
def test_lost_answer_of_a_commit_is_found_by_the_retry(
    system: RunningSystem, wire: FaultProxy, mail_server: MailServer
) -> None:
    person, id = _ready(system, "提交应答丢失")
    etag, key, lost = version(person, id), uuid4().hex, wire.commits_lost
    wire.lose_commit_after(b"INSERT INTO applications.revisions")
    first = _send(system, person, id, etag, key)
    assert wire.commits_lost == lost + 1
    assert first.status_code == 503
    assert first.headers["Retry-After"]
    # It is there although nobody was told.
    assert revisions(person, id) == [1]
    receipt = _retried(system, person, id, etag, key)["receipt"]
    assert isinstance(receipt, dict)
    assert receipt["revision"] == 1
    assert revisions(person, id) == [1]
    document(person, id, receipt)
    clean(system)
    one_mail_each(mail_server, [receipt["number"]])


@pytest.mark.fault("database connections cut")
def test_cut_connections_leave_nothing_half_done(
    system: RunningSystem, wire: FaultProxy, mail_server: MailServer
) -> None:
    person, id = _ready(system, "数据库连接中断")
    etag, key = version(person, id), uuid4().hex
    assert wire.cut() > 0
    receipt = _retried(system, person, id, etag, key)["receipt"]
    assert isinstance(receipt, dict)
    assert revisions(person, id) == [1]
    document(person, id, receipt)
    clean(system)
    one_mail_each(mail_server, [receipt["number"]])


@pytest.mark.fault("database hangs")
def test_whoever_asks_whether_services_are_ready_is_told_at_once(system: RunningSystem, wire: FaultProxy) -> None:
    """Within the patience of Kubernetes' probes (deploy/k8s), every time, and every service is ready again afterwards."""
    ports = system.description()["ports"]
    asked = [ports[name] for name in ("GM_GATEWAY_PORT", "GM_APPLICATIONS_PORT", "GM_NOTIFY_PORT")]

    def look(port: int) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, verify=authorities(), timeout=4)

    wire.freeze()
    try:
        for answer in [look(port) for port in asked * 2]:
            assert (answer.status_code, answer.json()["faults"]["database"]) == (503, "TimeoutError")
    finally:
        wire.thaw()
    until = time.monotonic() + 60
    for port in asked:
        while look(port).status_code != 200:
            assert time.monotonic() < until, port
            time.sleep(0.1)
