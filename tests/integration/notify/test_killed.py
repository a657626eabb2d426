"""A worker that is killed while it sends: every mail comes, some of the last few again, under the same Message-ID.

`python -m tests.integration.notify.test_killed DATABASE_URL SMTP_URL` is such a worker's sending part.
"""

import subprocess
import sys
import time
from collections import Counter

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from deploy.embedded.system import ROOT
from services.notify import ledger
from services.notify.channels import Email
from services.notify.models import Notification
from services.notify.sender import SmtpSender
from services.notify.settings import NotifySettings
from services.notify.worker import Senders
from shared.database import engine
from shared.messages import Person
from tests import factories
from tests.integration.notify.conftest import make_settings
from tests.system.mail_server import MailServer

MAILS = 300
LEASE_SECONDS = 3


def _settings(database_url: str, smtp_url: str) -> NotifySettings:
    return make_settings(
        database_url,
        smtp_url,
        notify_lease_seconds=LEASE_SECONDS,
        smtp_timeout_seconds=1,
        notify_sweep_seconds=0.2,
    )


def _start(settings: NotifySettings) -> subprocess.Popen[bytes]:
    urls = (settings.database_url.get_secret_value(), settings.smtp_url.get_secret_value())
    return subprocess.Popen([sys.executable, "-m", __name__, *urls], cwd=ROOT, stderr=subprocess.DEVNULL)


def _pending(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return int(
            session.scalar(select(func.count()).select_from(Notification).where(Notification.state == "pending"))
            or 0
        )


def test_killed_at_any_moment_repeats_little_and_loses_nothing(
    sessions: sessionmaker[Session], settings: NotifySettings, mail_server: MailServer
) -> None:
    with sessions.begin() as session:
        events = []
        for n in range(MAILS):
            to = Person(name="李响", email=f"{n}@domain{n % 40}.example", enterprise=factories.ENTERPRISE_1[0])
            events.append(factories.returned_event(to=to))
            ledger.accept(session, events[-1], settings.mail_from)
    kills = 0
    worker = _start(settings)
    until = time.monotonic() + 90
    try:
        for share in (0.15, 0.4, 0.65):
            while len(mail_server.messages) < share * MAILS:
                assert time.monotonic() < until
                time.sleep(0.01)
            worker.kill()
            worker.wait()
            kills += 1
            worker = _start(settings)
        while _pending(sessions):
            assert time.monotonic() < until, _pending(sessions)
            time.sleep(0.1)
    finally:
        worker.terminate()
        worker.wait(10)
    came = Counter(m["Message-ID"] for m in mail_server.messages)
    assert came.keys() == {f"<{event.event_id}@gm.example.cn>" for event in events}
    # What one worker has not written down yet: two queues of a batch, and a mail in each thread's hands.
    bound = kills * (2 * settings.notify_batch + settings.notify_concurrency + 1)
    assert sum(came.values()) - MAILS <= bound
    assert max(came.values()) <= 1 + kills
    with sessions() as session:
        assert (
            session.scalar(
                select(func.count()).where(Notification.state == "sent", Notification.channel == "email")
            )
            == MAILS
        )


def main(database_url: str, smtp_url: str) -> None:
    settings = _settings(database_url, smtp_url)
    database = engine(settings)
    sender = SmtpSender(smtp_url, settings.smtp_timeout_seconds)
    senders = Senders(sessionmaker(database, expire_on_commit=False), [Email(sender, settings)], settings)
    senders.start()
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
