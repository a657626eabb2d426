"""Each service stopped: everything that is not its own still works, and the screen says what waits. A stopped process is
frozen here, which is worse than gone: it takes connections and says nothing."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from deploy.demo.client import Person, authorities
from tests.faults import witness
from tests.system.mail_server import MailServer
from tests.system.running import RunningSystem, create, fill, submit

pytestmark = pytest.mark.slow


@contextmanager
def away(system: RunningSystem, name: str) -> Iterator[None]:
    pid = system.pid(name)
    system.kill(name, signal.SIGSTOP)
    try:
        yield
    finally:
        system.kill(name, signal.SIGCONT)
        assert system.pid(name) == pid


def look(person: Person, system: RunningSystem, path: str, status: int = 200) -> str:
    """A page as a browser sees it; the last of a few tries, as a person would make."""
    with httpx.Client(
        base_url=system.url,
        cookies=person.cookies,
        headers={"Accept": "text/html"},
        trust_env=False,
        verify=authorities(),
        timeout=30,
    ) as browser:
        answer = browser.get(path, follow_redirects=True)
        assert answer.status_code == status, answer.text[:500]
        return answer.text


def ready(system: RunningSystem) -> tuple[Person, str]:
    person = system.person("qiye1")
    id = create(person)
    fill(person, id)
    return person, id


@pytest.mark.fault("a service away")
def test_applications_away(system: RunningSystem) -> None:
    person, id = ready(system)
    with away(system, "applications"):
        # Signing in, the entrance, the inbox are not its own.
        other = system.person("qiye2", anew=True)
        assert "站内信" in look(other, system, "/notifications")
        said = look(person, system, "/projects", 503)
        assert "申报服务暂时没有响应" in said
        assert "自动重试" in said
        # After a few it is left alone: nobody waits for what does not come.
        for _ in range(3):
            look(person, system, "/projects", 503)
        began = time.monotonic()
        look(person, system, "/projects", 503)
        assert time.monotonic() - began < 2
    until = time.monotonic() + 30
    while True:
        try:
            look(person, system, "/projects")
            break
        except AssertionError:
            assert time.monotonic() < until
            time.sleep(0.5)
    receipt = submit(person, id)["receipt"]
    witness.document(person, id, receipt)
    witness.clean(system)


@pytest.mark.fault("a service away")
def test_notify_away(system: RunningSystem) -> None:
    person, id = ready(system)
    with away(system, "notify"):
        receipt = submit(person, id)["receipt"]
        assert receipt["number"] in look(person, system, "/projects")
        assert "通知服务暂时没有响应" in look(person, system, "/notifications", 503)
        assert person.call("GET", f"/applications/{id}/timeline").json()["notifications"] is None
        witness.document(person, id, receipt)
    witness.clean(system)


@pytest.mark.fault("a service away")
@pytest.mark.parametrize("name", ["documents", "relay"])
def test_whoever_makes_documents_away(system: RunningSystem, name: str) -> None:
    person, id = ready(system)
    with away(system, name):
        receipt = submit(person, id)["receipt"]
        said = look(person, system, f"/applications/{id}/revisions/1/pdf")
        assert "排队" in said or "正在生成" in said
        # Typing, saving, withdrawing go on.
        section = f"/applications/{create(person)}/sections/social_benefit"
        etag = person.call("GET", section).json()["etag"]
        person.call("PUT", f"{section}/draft", json={"values": {"social_benefit": "照常"}}, etag=str(etag))
    witness.document(person, id, receipt)
    witness.clean(system)


@pytest.mark.fault("a service away")
def test_notify_worker_away(system: RunningSystem, mail_server: MailServer) -> None:
    person, id = ready(system)
    with away(system, "notify-worker"):
        receipt = submit(person, id)["receipt"]
        witness.document(person, id, receipt)
        assert not [m for m in mail_server.messages if receipt["number"] in m["Subject"]]
        assert "通知" in look(system.person("yunwei"), system, "/ops")
        owed = system.person("yunwei").call("GET", "/ops/overview").json()["queues"]
        assert next(q for q in owed if q["topic"] == "notify")["owed"] >= 1
    witness.clean(system)
    witness.one_mail_each(mail_server, [receipt["number"]])


@pytest.mark.fault("a service away")
def test_gateway_away(system: RunningSystem, mail_server: MailServer) -> None:
    """What was accepted goes on without it."""
    person, id = ready(system)
    receipt = submit(person, id)["receipt"]
    with away(system, "gateway"):
        witness.clean(system)
        witness.one_mail_each(mail_server, [receipt["number"]])
    witness.document(person, id, receipt)
