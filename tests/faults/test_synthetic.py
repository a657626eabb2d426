"""The synthetic applicant meets a fault before people do, says where, wakes somebody at the second time, and is well again by itself."""

import time
from urllib.request import urlopen

import psycopg
import pytest

from deploy.embedded.ports import free_port
from tests.system.mail_server import MailServer
from tests.system.running import RunningSystem

SECONDS = 90
MAIL = "synthetic@example.com"


@pytest.mark.fault("synthetic applicant fails")
def test_it_fails_twice_is_shown_and_is_well_again(system: RunningSystem, mail_server: MailServer) -> None:
    port = free_port()
    own = system.description()["environments"]["gateway"]
    mail_server.refusals = ["550 5.1.1 no such user"] * 2
    with (
        system.worker("services.gateway", "synthetic", **own, GM_SYNTHETIC_SECONDS="5", GM_METRICS_PORT=str(port)),
        psycopg.connect(own["GM_DATABASE_URL"], autocommit=True) as connection,
    ):

        def walks(count: int) -> list[tuple[str, str]]:
            until = time.monotonic() + SECONDS
            while True:
                found = connection.execute(
                    "SELECT outcome, step FROM identity.synthetic_runs ORDER BY id"
                ).fetchall()
                if len(found) >= count:
                    return [(str(outcome), str(step)) for outcome, step in found]
                assert time.monotonic() < until, found
                time.sleep(0.2)

        def failing() -> float:
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
            return next(float(line.split()[1]) for line in lines if line.startswith("gm_synthetic_failing "))

        assert walks(2) == [("failed", "mail")] * 2
        assert failing() == 2
        assert mail_server.refusals == []
        assert walks(3)[-1] == ("well", "")
        assert failing() == 0
        assert [m["To"] for m in mail_server.messages if MAIL in str(m["To"])]
    # What it leaves is nobody's: nothing to be reconciled.
    report = system.reconcile()
    assert not [line for line in report["differences"] if "ZJ" in line], report
    with psycopg.connect(own["GM_DATABASE_URL"]) as connection:
        query = "SELECT count(*) FROM identity.sessions s JOIN identity.accounts a ON a.id = s.account_id WHERE a.enterprise = 'synthetic'"
        assert connection.execute(query).fetchone() == (0,)
