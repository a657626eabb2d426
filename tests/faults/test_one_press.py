"""保存并提交申请 while a process is killed between its two halves: what was typed is saved, and the application is submitted once."""

import re
import threading
import time
from html import unescape
from uuid import uuid4

import httpx
import psycopg
import pytest

from deploy.demo.client import Person, authorities
from tests.faults.witness import clean, document, one_mail_each, revisions
from tests.system.mail_server import MailServer
from tests.system.running import RunningSystem, create, fill

TYPED = "两步之间进程被终止。"
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'applications.revisions'::regclass"


def _press(system: RunningSystem, person: Person, id: str, page: str, key: str) -> int:
    """Send the page as a browser does. Return the status of where it leads, or 0 where the connection broke."""
    typed = dict(
        re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page[page.index("data-form") :])
    )
    sent = {name: unescape(value) for name, value in typed.items()}
    sent |= {"f.social_benefit": TYPED, "action": "submit", "key": key}
    parts = {name: (None, value) for name, value in sent.items()}
    with httpx.Client(
        cookies=person.cookies, timeout=60, trust_env=False, verify=authorities(), follow_redirects=True
    ) as http:
        try:
            answer = http.post(
                f"{system.url}/applications/{id}/sections/social_benefit",
                files=parts,
                headers={"Accept": "text/html"},
            )
        except httpx.TransportError:
            return 0
        return answer.status_code


def _page(system: RunningSystem, person: Person, id: str) -> str:
    with httpx.Client(cookies=person.cookies, timeout=60, trust_env=False, verify=authorities()) as http:
        answer = http.get(f"{system.url}/applications/{id}/sections/social_benefit")
    assert answer.status_code == 200
    return answer.text


@pytest.mark.slow
@pytest.mark.fault("killed between saving and submitting")
@pytest.mark.parametrize("name", ["gateway", "applications"])
def test_killed_between_saving_and_submitting(
    system: RunningSystem, database_url_behind: str, mail_server: MailServer, name: str
) -> None:
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="一步提交")
    page, key = _page(system, person, id), uuid4().hex
    before = system.pid(name)
    with psycopg.connect(database_url_behind) as holding, psycopg.connect(database_url_behind) as looking:
        looking.autocommit = True
        # The first half goes through; the second waits for its revision.
        holding.execute("LOCK TABLE applications.revisions IN SHARE MODE")
        pressed = threading.Thread(target=_press, args=(system, person, id, page, key))
        pressed.start()
        until = time.monotonic() + 30
        while looking.execute(WAITING).fetchone() != (1,):
            assert time.monotonic() < until, "the second half never began"
            time.sleep(0.05)
        system.kill(name)
        pressed.join(60)
    until = time.monotonic() + 60
    while system.description()["processes"][name]["pid"] in {None, before} or not _served(system, person):
        assert time.monotonic() < until, "it does not serve again"
        time.sleep(0.1)
    saved = person.call("GET", f"/applications/{id}/sections/social_benefit").json()["saved"]
    assert saved["social_benefit"] == TYPED
    state = person.call("GET", f"/applications/{id}").json()["state"]
    assert (state, revisions(person, id)) in [("draft", []), ("pending_acceptance", [1])]
    # The person comes back, by the page as it stands now or with the old one, and presses again.
    assert _press(system, person, id, page, key) in {200, 409, 412}
    if not revisions(person, id):
        assert _press(system, person, id, _page(system, person, id), uuid4().hex) == 200
    assert revisions(person, id) == [1]
    receipt = person.call("GET", f"/applications/{id}/revisions/1").json()["receipt"]
    assert TYPED in document(person, id, receipt)
    clean(system)
    one_mail_each(mail_server, [receipt["number"]])


def _served(system: RunningSystem, person: Person) -> bool:
    try:
        return (
            person.send("GET", "/me").status_code == 200 and person.send("GET", "/applications").status_code == 200
        )
    except httpx.TransportError:
        return False
