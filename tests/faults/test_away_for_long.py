"""Something is away over more than one attempt, or over the very moment at which something falls due: afterwards each mail is
there once and each due event has happened once."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from deploy.demo.client import Person
from shared import clock
from tests.faults.witness import clean
from tests.system.mail_server import MailServer
from tests.system.running import RunningSystem, create, fill, submit, version

pytestmark = pytest.mark.slow

# Retries go by GM_NOTIFY_RETRY_SECONDS: at 0.5 s instead of 10 this is what ten minutes are in production.
AWAY_SECONDS = float(os.environ.get("GM_TEST_AWAY_SECONDS", "30"))
RETRY_SECONDS = os.environ.get("GM_TEST_RETRY_SECONDS", "0.5")
RELAYS = 2


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, mails: MailServer) -> Iterator[RunningSystem]:
    """As `make run` has it, with two relays, which start at the same moment."""
    running = RunningSystem(
        tmp_path_factory.mktemp("away") / "var",
        f"relay={RELAYS}",
        GM_SMTP_URL=mails.url,
        GM_NOTIFY_RETRY_SECONDS=RETRY_SECONDS,
    )
    running.start()
    yield running
    running.stop()


def _submitted(person: Person, name: str) -> str:
    id = create(person)
    fill(person, id, name=name)
    submit(person, id)
    return id


def _return(reviewer: Person, id: str) -> None:
    leased = reviewer.call("POST", f"/review/applications/{id}/lease", json={}).json()
    body = {
        "correct_by": (clock.now() + timedelta(days=7)).isoformat(),
        "opinions": [{"section": "fund_plan", "field": "bank_name", "text": "开户银行请填写全称。"}],
    }
    reviewer.call("POST", f"/review/applications/{id}/return", json=body, etag=str(leased["version"]))


def _notice(reviewer: Person, id: str, kind: str) -> dict[str, Any]:
    """What the desk shows of the mail of a kind."""
    shown = reviewer.call("GET", f"/applications/{id}/timeline").json()["notifications"]
    [found] = [n for n in shown if n["kind"] == kind and n["channel"] == "email"] or [{}]
    return dict(found)


def _until(what: str, holds: Any, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.2)


@pytest.mark.timeout(240 + AWAY_SECONDS)
@pytest.mark.fault("SMTP server away")
def test_returns_while_the_mail_server_is_away_are_in_the_post_once(
    whole: RunningSystem, mails: MailServer
) -> None:
    person, reviewer = whole.person("qiye1"), whole.person("shencha")
    ids = [_submitted(person, f"邮件服务器停机{n}") for n in range(5)]
    clean(whole)
    mails.messages.clear()
    mails.stop()
    stopped = time.monotonic()
    for n, id in enumerate(ids):
        _return(reviewer, id)
        # Some come while it has been away for a while.
        if n % 2:
            time.sleep(AWAY_SECONDS / 5)
    for id in ids:
        _until("the desk does not say that it waits", lambda id=id: _notice(reviewer, id, "application_returned"))
        waiting = _notice(reviewer, id, "application_returned")
        assert (waiting["state"], waiting["answer"], waiting["tried"]) == ("pending", None, [])
    while time.monotonic() - stopped < AWAY_SECONDS:
        time.sleep(0.5)
        assert _notice(reviewer, ids[0], "application_returned")["state"] == "pending"
    mails.start()
    _until("not every mail came", lambda: len(mails.messages) >= len(ids))
    clean(whole)
    # Anything that would come twice had its time.
    time.sleep(4 * float(RETRY_SECONDS))
    assert len(mails.messages) == len(ids)
    assert len({m["Message-ID"] for m in mails.messages}) == len(ids)
    for id in ids:
        shown = _notice(reviewer, id, "application_returned")
        assert (shown["state"], shown["answer"]) == ("sent", "250 kept")
        # An outage of our own is nobody's failure: it was tried once.
        assert [t["outcome"] for t in shown["tried"]] == ["accepted"]


DUE = """
-- A deadline that is over, with its grace, in three seconds.
UPDATE applications.applications SET correct_by = now() - interval '117 seconds' WHERE id = %(missed)s;
-- One that is a day away in three seconds, set long ago.
UPDATE applications.applications SET correct_by = now() + interval '1 day 3 seconds', correct_set_at = now() - interval '5 days'
  WHERE id = %(near)s;
-- 公示 that ends in three seconds.
UPDATE applications.applications SET state = 'publicity', approved_wan = 20, publicity_from = now() - interval '7 days',
  publicity_until = now() + interval '3 seconds' WHERE id = %(public)s;
-- A round that closes in three hours and three seconds, on drafts of last week; a start sets the demonstration's own anew.
INSERT INTO applications.rounds SELECT (jsonb_populate_record(r, jsonb_build_object('id', %(round)s::text,
  'closes_at', now() + interval '3 hours 3 seconds'))).* FROM applications.rounds r
  WHERE id = (SELECT round_id FROM applications.applications WHERE id = %(missed)s);
UPDATE applications.applications SET created_at = now() - interval '7 days', round_id = %(round)s WHERE state = 'draft';
"""


@pytest.mark.fault("every relay away over a due time")
def test_what_fell_due_while_no_relay_ran_happens_once(whole: RunningSystem, mails: MailServer) -> None:
    person, reviewer = whole.person("qiye1"), whole.person("shencha")
    missed, near, public = (_submitted(person, name) for name in ("逾期", "临期", "公示"))
    for id in (missed, near):
        _return(reviewer, id)
    drafts = [create(person) for _ in range(30)]
    clean(whole)
    database = whole.description()["environments"]["applications"]["GM_DATABASE_URL"]
    names = {"missed": missed, "near": near, "public": public, "round": str(uuid4())}
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        for statement in DUE.split(";\n"):
            if statement.strip():
                connection.execute(statement, names)
    # Everything stops before any of it falls due, and starts again well after.
    whole.stop()
    mails.messages.clear()
    time.sleep(5)
    whole.start()
    reviewer, person = whole.person("shencha"), whole.person("qiye1")
    expected = Counter(
        {("correction_missed", missed): 1, ("correction_due", near): 1, ("publicity_over", public): 1}
    )
    expected.update(("round_closing", id) for id in drafts)
    database = whole.description()["environments"]["applications"]["GM_DATABASE_URL"].replace("+psycopg", "")

    def told() -> Counter[tuple[str, str]]:
        with psycopg.connect(database) as connection:
            rows = connection.execute(
                "SELECT kind, application_id FROM notify.notifications WHERE channel = 'inbox' AND kind = ANY(%s)",
                [["correction_missed", "correction_due", "publicity_over", "round_closing"]],
            )
            return Counter((str(kind), str(id)) for kind, id in rows)

    _until("not everything that fell due was told", lambda: told() >= expected, seconds=90)
    # 公示 was begun by this test's own hand, of which the audit knows nothing; nothing else is amiss.
    differences = whole.reconcile()["differences"]
    assert [d.partition("：")[2].partition("，")[0] for d in differences] == ["状态为 publicity"], differences
    # Two relays look every five seconds: what they would double, they would by now.
    time.sleep(12)
    assert told() == expected
    subjects = Counter(m["Message-ID"] for m in mails.messages)
    assert set(subjects.values()) == {1}
    assert sum("截止" in m["Subject"] for m in mails.messages) == len(drafts)
    assert sum("逾期" in m["Subject"] for m in mails.messages) == 1
    # It has lapsed, once, and what only came near stands as it was.
    timeline = reviewer.call("GET", f"/applications/{missed}/timeline").json()
    assert [e["action"] for e in timeline["entries"]].count("lapse") == 1
    assert reviewer.call("GET", f"/applications/{near}").json()["state"] == "returned"
    refused = person.call(
        "POST", f"/applications/{missed}/submit", json={}, etag=version(person, missed), key=True, expect=409
    )
    assert refused.json()["type"]
