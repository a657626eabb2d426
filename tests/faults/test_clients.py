"""Clients that go away: nothing happened, or all of it, and asking again tells which."""

import socket
import time
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from deploy.demo.client import authorities
from tests.faults.witness import clean, document, one_mail_each, revisions
from tests.system.mail_server import MailServer
from tests.system.running import RunningSystem, create, fill, version


@pytest.mark.fault("client gone")
@pytest.mark.parametrize("sent", ["half of the body", "the whole body"])
def test_client_that_leaves_has_submitted_once_or_not_at_all(
    system: RunningSystem, mail_server: MailServer, sent: str
) -> None:
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="提交后关闭浏览器")
    etag, key = version(person, id), uuid4().hex
    headers = {
        "Host": urlsplit(system.url).netloc,
        "Cookie": "; ".join(f"{c.name}={c.value}" for c in person.cookies.jar),
        "X-CSRF-Token": person.csrf_token,
        "If-Match": f'"{etag}"',
        "Idempotency-Key": key,
        "Content-Type": "application/json",
        "Content-Length": "2",
    }
    head = f"POST /api/v1/applications/{id}/submit HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    at = urlsplit(system.url)
    with socket.create_connection((at.hostname, at.port)) as line:
        line.sendall(head.encode() + (b"{}" if sent == "the whole body" else b"{"))
    time.sleep(2)
    found = revisions(person, id)
    state = person.call("GET", f"/applications/{id}").json()["state"]
    assert (state, found) in [("draft", []), ("pending_acceptance", [1])]
    if sent != "the whole body":
        assert found == []
    with httpx.Client(
        base_url=system.url, cookies=person.cookies, timeout=60, trust_env=False, verify=authorities()
    ) as http:
        again = http.post(
            f"/api/v1/applications/{id}/submit",
            content=b"{}",
            headers={
                name: headers[name] for name in ("X-CSRF-Token", "If-Match", "Idempotency-Key", "Content-Type")
            },
        )
    assert again.status_code == 200, again.text
    assert revisions(person, id) == [1]
    receipt = again.json()["receipt"]
    document(person, id, receipt)
    clean(system)
    one_mail_each(mail_server, [receipt["number"]])
