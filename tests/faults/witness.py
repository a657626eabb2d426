"""The invariants I1–I5, seen from outside: by `reconcile`, through public HTTP, in the store and in the mailbox."""

import io
from collections import Counter
from typing import Any

import pypdfium2

from deploy.demo.client import Person
from tests.system.mail_server import MailServer
from tests.system.running import RunningSystem


def clean(system: RunningSystem, seconds: float = 60) -> dict[str, Any]:
    """I1, I2 and I5: everything accepted has its revision and its PDF, and nothing is owed after `seconds`."""
    report = system.reconcile(seconds)
    assert report["clean"], report
    counts: dict[str, Any] = report["counts"]
    assert counts["accepted"] == counts["revisions"] == counts["pdfs"]
    return counts


def document(person: Person, id: str, receipt: dict[str, Any], seconds: float = 60) -> str:
    """I2: the revision's PDF opens and carries the receipt's number and digest; its text."""
    path = f"/applications/{id}/revisions/{receipt['revision']}/pdf"
    content = person.wait_for(path, seconds).content
    with pypdfium2.PdfDocument(io.BytesIO(content)) as found:
        text = "".join("".join(page.get_textpage().get_text_range().split()) for page in found)
    assert receipt["number"] in text
    assert receipt["sha256"] in text
    return text


def revisions(person: Person, id: str) -> list[int]:
    """I1: the numbers of the revisions there are."""
    return [r["number"] for r in person.call("GET", f"/applications/{id}/revisions").json()]


def one_mail_each(mail_server: MailServer, numbers: list[str], *, copies: tuple[int, ...] = (1,)) -> None:
    """I3: each of these application numbers is in the subject of as many mails as `copies` allows, and copies of
    one event carry one Message-ID."""
    for number in numbers:
        mails = [m for m in mail_server.messages if number in m["Subject"]]
        assert len(mails) in copies, (number, [m["Subject"] for m in mails])
        by_id = Counter(m["Message-ID"] for m in mails)
        assert len(by_id) == 1, by_id


__all__ = ["clean", "document", "one_mail_each", "revisions"]
