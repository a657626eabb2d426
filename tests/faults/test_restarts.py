"""Whatever is stopped while applicants are at it: what they were told holds, and the rest is asked for again."""

import contextlib
import signal
import time
from collections.abc import Iterator

import httpx
import pytest

from deploy.demo.client import authorities
from tests.faults.applicants import Applicant, applicants, kept
from tests.faults.witness import clean, one_mail_each
from tests.system.mail_server import MailServer
from tests.system.running import RunningSystem

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, mails: MailServer) -> Iterator[RunningSystem]:
    """As `make run` has it: its own PostgreSQL, which keeps what it has committed, and its own Valkey."""
    running = RunningSystem(
        tmp_path_factory.mktemp("restarts") / "var",
        GM_SMTP_URL=mails.url,
        GM_NOTIFY_RETRY_SECONDS="0.5",
        GM_PUBLISH_LEASE_SECONDS="3",
        GM_JOB_LEASE_SECONDS="8",
    )
    running.start()
    yield running
    running.stop()


def _restarted(system: RunningSystem, name: str, number: signal.Signals) -> None:
    before = system.pid(name)
    system.kill(name, number)
    until = time.monotonic() + 60
    while system.description()["processes"][name]["pid"] in {None, before}:
        assert time.monotonic() < until, f"{name} was not restarted"
        time.sleep(0.05)
    _until_ready(system)


def _until_ready(system: RunningSystem) -> None:
    """Everything answers again: the next one is restarted only then, as an operator would."""
    ports = system.description()["ports"]
    names = ("GM_GATEWAY_PORT", "GM_APPLICATIONS_PORT", "GM_NOTIFY_PORT")
    until = time.monotonic() + 60
    for name in names:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (
                    httpx.get(
                        f"http://127.0.0.1:{ports[name]}/readyz", trust_env=False, verify=authorities()
                    ).status_code
                    == 200
                ):
                    break
            assert time.monotonic() < until, f"{name} is not ready again"
            time.sleep(0.1)


def _at_work(found: list[Applicant]) -> None:
    for applicant in found:
        applicant.start()
    for applicant in found:
        assert applicant.began.wait(10)


def _ended(found: list[Applicant]) -> None:
    for applicant in found:
        applicant.over.set()
    for applicant in found:
        applicant.join(120)
        assert not applicant.is_alive()


@pytest.mark.fault("database killed under load")
@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT], ids=["immediate stop", "fast restart"])
def test_database_stopped_while_people_submit(
    whole: RunningSystem, mails: MailServer, how: signal.Signals
) -> None:
    found = applicants(whole, people=4, each=4, name="数据库重启", pace=0.5)
    _at_work(found)
    time.sleep(0.3)
    _restarted(whole, "postgres", how)
    _ended(found)
    numbers = kept(whole, found)
    assert sum(applicant.repeated for applicant in found) > 0, "nobody noticed that the database was away"
    clean(whole)
    one_mail_each(mails, numbers)


@pytest.mark.fault("rolling restart under load")
def test_every_service_restarted_while_people_submit(whole: RunningSystem, mails: MailServer) -> None:
    found = applicants(whole, people=4, each=6, name="滚动重启", pace=2.0)
    _at_work(found)
    for name in ("relay", "documents", "notify-worker", "notify", "applications", "gateway", "valkey"):
        _restarted(whole, name, signal.SIGTERM)
    _ended(found)
    numbers = kept(whole, found)
    clean(whole)
    one_mail_each(mails, numbers)
