"""The worst night: PostgreSQL is lost with its disk while people work. `make drill` prints what was lost (RPO) and for how long (RTO).

The settings, the archive and the standby are those of deploy/compose.yaml, on Debian's own PostgreSQL.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from services.applications.operations.metrics import ARCHIVING
from tests.containers.load import Crowd
from tests.production.clusters import KEY, PASSWORD, Machines, machines
from tests.system.running import RunningSystem

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

SERVICE, SERVICE_PASSWORD = "gongmei_service", "the services'"
# What the aims of docs/operating/backup.md promise.
FAILOVER_SECONDS = 60.0
# A database that is lost is not lost for a second: so long whoever watches it waits before the standby is made the first.
PATIENCE_SECONDS = 5.0
# A minute in an installation.
ARCHIVE_SECONDS = 5
SOON = f"archive_timeout={ARCHIVE_SECONDS}"


def _url(servers: Machines, user: str, password: str) -> str:
    """Both servers; whichever is written to is the right one."""
    ports = f"{servers.ports['primary']},{servers.ports['standby']}"
    return f"postgresql://{user}:{password}@/gongmei?host=127.0.0.1,127.0.0.1&port={ports}&target_session_attrs=read-write"


@contextmanager
def _system(servers: Machines, folder: Path) -> Iterator[RunningSystem]:
    with servers.connect("primary") as connection:
        connection.execute("CREATE DATABASE gongmei")
    system = RunningSystem(
        folder / "var",
        GM_DATABASE_URL=_url(servers, SERVICE, SERVICE_PASSWORD),
        GM_MIGRATION_DATABASE_URL=_url(servers, "gongmei", PASSWORD),
    )
    system.start()
    try:
        yield system
    finally:
        system.stop()


def _whole(system: RunningSystem, *accept: str) -> None:
    """Counts that must be equal are, and nobody changed the audit of either service."""
    report = system.reconcile()
    assert report["clean"], report
    for service in ("gateway", "applications"):
        code, said = system.execute(service, "audit-verify", *accept)
        assert code == 0, said


def _do(servers: Machines, *arguments: str) -> str:
    done = servers.archive("primary", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr


def _last_transaction(said: str) -> datetime:
    [text] = re.findall(r"the last transaction is of (\S+ \S+)", said)
    return datetime.fromisoformat(text)


def _empty(servers: Machines) -> None:
    """A new volume."""
    place = servers.folder / "primary"
    place.mkdir()
    servers.give(place)


def _gone(servers: Machines, name: str) -> bool:
    try:
        servers.connect(name).close()
    except psycopg.OperationalError:
        return True
    return False


@pytest.mark.fault("database fails over")
def test_standby_takes_over_under_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with machines() as servers:
        servers.initialise()
        servers.start("primary")
        _do(servers, "prepare")
        servers.start("standby", standby=True)
        with _system(servers, tmp_path) as system:
            with servers.connect("primary") as connection:
                connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
                connection.execute("SELECT pg_reload_conf()")
            people = [system.person("qiye1"), system.person("qiye1")]
            with Crowd(people, ready=4) as crowd:
                time.sleep(8)
                with servers.connect("primary") as connection:
                    row = connection.execute("SELECT sync_state FROM pg_stat_replication").fetchone()
                assert row == ("sync",)
                servers.lose("primary")
                lost = time.monotonic()
                while time.monotonic() < lost + PATIENCE_SECONDS:
                    assert _gone(servers, "primary")
                    time.sleep(0.5)
                promoted = servers.run("standby", "pg_ctl", "promote", "--wait")
                assert promoted.returncode == 0, promoted.stderr
                promotion = time.monotonic() - lost
                time.sleep(8)
            # Every receipt, and the last text that each was told is kept.
            numbers = crowd.numbers()
            assert len(numbers) == 8
            with capsys.disabled():
                print(  # noqa: T201
                    f"\nprimary lost under load: RPO 0 ({len(numbers)} receipts and every confirmed 暂存 are there);"
                    f" RTO {crowd.waited:.1f} s, of which {PATIENCE_SECONDS:.0f} s until somebody acts and"
                    f" {promotion - PATIENCE_SECONDS:.1f} s promotion; {crowd.answered} requests answered,"
                    f" {len(crowd.failed)} told to try again"
                )
            assert crowd.waited < FAILOVER_SECONDS
            _whole(system)


def test_archive_that_takes_nothing_stops_nobody() -> None:
    """It says how long it has lagged, and catches up by itself."""
    with machines() as servers:
        servers.initialise()
        servers.start("primary", "autovacuum=off")
        _do(servers, "prepare")
        with servers.connect("primary") as connection:

            def lag() -> float:
                row = connection.execute(str(ARCHIVING)).fetchone()
                assert row is not None
                return float(str(row[0]))

            def reached(wanted: Callable[[float], bool]) -> None:
                until = time.monotonic() + 30
                while not wanted(lag()):
                    assert time.monotonic() < until
                    connection.execute("INSERT INTO marks SELECT generate_series(1, 10)")
                    connection.execute("SELECT pg_switch_wal()")
                    time.sleep(0.5)

            connection.execute("CREATE TABLE marks (n int)")
            assert lag() == 0
            for place in (servers.folder / "archive").rglob("*"):
                place.chmod(0o500)
            reached(lambda seconds: seconds > 2)
            for place in (servers.folder / "archive").rglob("*"):
                place.chmod(0o700)
            reached(lambda seconds: seconds == 0)


def test_standby_of_another_database_does_not_start() -> None:
    with machines() as servers:
        servers.initialise()
        servers.start("primary")
        servers.start("standby", standby=True)
        assert "owner" not in (servers.data("standby") / "postgresql.auto.conf").read_text()
        servers.stop()
        servers.forget("primary")
        servers.initialise()
        servers.start("primary")
        done = servers.run("standby", str(servers.folder / "postgres/standby"))
        assert done.returncode == 1
        assert "a copy of another database" in done.stderr


def test_database_comes_back_as_it_was_at_any_moment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with machines() as servers:
        servers.initialise()
        servers.start("primary", SOON)
        _do(servers, "prepare")
        begun = datetime.now(UTC)
        with _system(servers, tmp_path) as system:
            _do(servers, "backup")
            with Crowd([system.person("qiye1")], ready=3) as crowd:
                time.sleep(8)
                # Whatever was confirmed until now has to come back, and nothing newer.
                moment = datetime.now(UTC)
                time.sleep(14)
                servers.lose("primary")
                lost, lost_at = time.monotonic(), time.time()
                confirmed = max(one.told.confirmed_at for one in crowd.people)
                _empty(servers)
                said = _do(servers, "restore")
                servers.start("primary", SOON)
                newest = _last_transaction(said)
                rpo, rto = max(0.0, confirmed - newest.timestamp()), time.monotonic() - lost
                for one in crowd.people:
                    one.over.set()
            with capsys.disabled():
                print(  # noqa: T201
                    f"\nmachine lost, no standby: RPO {rpo:.1f} s (archive_timeout {ARCHIVE_SECONDS} s),"
                    f" RTO {rto:.1f} s until PostgreSQL is written to again"
                )
            # The last unfinished segment, and what a machine that is busy needs to copy it.
            assert lost_at - newest.timestamp() < ARCHIVE_SECONDS + 10
            _whole(system, "--accept", "restored")

            # And once more, to a moment before that.
            servers.lose("primary")
            _empty(servers)
            _refusals(servers, begun, moment)
            said = _do(servers, "restore", moment.isoformat(sep=" "))
            servers.start("primary", SOON)
            newest = _last_transaction(said)
            assert moment - timedelta(seconds=4) < newest <= moment
            _whole(system, "--accept", "restored to a moment")
            # What is restored archives again, and can be backed up and pruned.
            _do(servers, "prepare")
            _do(servers, "backup")


def _refusals(servers: Machines, begun: datetime, moment: datetime) -> None:
    """What cannot be restored is refused in words, and leaves the folder empty."""
    for target, key, words in (
        ((begun - timedelta(days=1)).isoformat(sep=" "), KEY, "unable to find backup set"),
        ((begun + timedelta(days=1)).isoformat(sep=" "), KEY, "recovery did not reach"),
        (moment.isoformat(sep=" "), "another key", "or of another key"),
        (f"{moment:%Y-%m-%d %H:%M:%S}", KEY, "say the time with its zone"),
    ):
        done = servers.archive("primary", "restore", target, key=key)
        assert done.returncode != 0
        assert words in done.stderr
        assert not servers.data("primary").exists() or not any(servers.data("primary").iterdir())
    data = servers.data("primary")
    data.mkdir(exist_ok=True)
    (data / "something").touch()
    done = servers.archive("primary", "restore")
    assert done.returncode != 0
    assert "is not empty" in done.stderr
    assert [file.name for file in data.iterdir()] == ["something"]
    (data / "something").unlink()
    servers.give(data)
