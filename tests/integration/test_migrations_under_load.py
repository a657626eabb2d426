"""A migration while people work: one open reader stops the migration, and nobody else."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from shared.database import migrate
from shared.settings import DatabaseSettings
from tests import factories

ENVIRONMENT = """
from shared.database import metadata, run_migrations
run_migrations(metadata("tried"))
"""
FIRST = """
from alembic import op
revision, down_revision = "1", None
def upgrade():
    op.execute("CREATE TABLE tried.things (id int)")
"""
SECOND = """
from alembic import op
revision, down_revision = "2", "1"
def upgrade():
    op.execute("ALTER TABLE tried.things ADD COLUMN name text")
"""
INDEXED = """
from alembic import op
revision, down_revision = "2", "1"
CONCURRENTLY = {"ix_things_id": "CREATE INDEX CONCURRENTLY ix_things_id ON tried.things (id)"}
def upgrade():
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(ENVIRONMENT)
    (tmp_path / "versions" / "first.py").write_text(FIRST)
    return tmp_path


@pytest.fixture
def settings(make_database: Callable[[], str]) -> DatabaseSettings:
    return DatabaseSettings(
        database_url=make_database(),  # type: ignore[arg-type]
        signing_key=factories.private_key("notify"),
        trusted_keys=factories.trusted_keys(),  # type: ignore[arg-type]
    )


def plain(settings: DatabaseSettings) -> str:
    return settings.database_url.get_secret_value().replace("+psycopg", "")


def test_open_reader_stops_nobody_but_the_migration(
    folder: Path, settings: DatabaseSettings, caplog: pytest.LogCaptureFixture
) -> None:
    migrate(settings, folder, "tried")
    (folder / "versions" / "second.py").write_text(SECOND)
    with psycopg.connect(plain(settings)) as reader:
        reader.execute("SELECT count(*) FROM tried.things")
        migrating = threading.Thread(target=migrate, args=(settings, folder, "tried"))
        migrating.start()
        # As patient as a service's connection.
        with psycopg.connect(plain(settings), autocommit=True, options="-c lock_timeout=5s") as another:
            until = time.monotonic() + 60
            while sum("tries again" in record.message for record in caplog.records) < 3:
                assert time.monotonic() < until
                assert migrating.is_alive()
                another.execute("SELECT count(*) FROM tried.things")
    migrating.join(60)
    assert not migrating.is_alive()
    with psycopg.connect(plain(settings)) as seen:
        assert seen.execute("SELECT name FROM tried.things").fetchall() == []


def test_patience_ends_and_nothing_has_changed(folder: Path, settings: DatabaseSettings) -> None:
    migrate(settings, folder, "tried")
    (folder / "versions" / "second.py").write_text(SECOND)
    with psycopg.connect(plain(settings)) as reader:
        reader.execute("SELECT count(*) FROM tried.things")
        with pytest.raises(SystemExit, match="数据库结构未作任何改动"):
            migrate(settings, folder, "tried", patience=0)
    with psycopg.connect(plain(settings)) as seen:
        assert seen.execute("SELECT version_num FROM tried.alembic_version").fetchall() == [("1",)]


def test_two_at_once_both_end(folder: Path, settings: DatabaseSettings) -> None:
    ended: list[int] = []

    def one(number: int) -> None:
        migrate(settings, folder, "tried")
        ended.append(number)

    both = [threading.Thread(target=one, args=(n,)) for n in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(60)
    assert sorted(ended) == [0, 1]


def test_index_is_built_while_others_write(folder: Path, settings: DatabaseSettings) -> None:
    """A plain CREATE INDEX would have waited for the open transaction, and everybody who writes behind it."""
    migrate(settings, folder, "tried")
    (folder / "versions" / "second.py").write_text(INDEXED)
    with psycopg.connect(plain(settings)) as writer:
        writer.execute("INSERT INTO tried.things VALUES (1)")
        migrating = threading.Thread(target=migrate, args=(settings, folder, "tried"))
        migrating.start()
        with psycopg.connect(plain(settings), autocommit=True, options="-c lock_timeout=2s") as another:
            until = time.monotonic() + 60
            waits = (
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY ix_things_id%'"
            )
            while another.execute(waits).fetchone() == (0,):
                assert time.monotonic() < until
                time.sleep(0.05)
            another.execute("INSERT INTO tried.things VALUES (2)")
        assert migrating.is_alive()
    migrating.join(60)
    assert not migrating.is_alive()
    assert _valid(settings) == [(True,)]


def test_index_that_was_left_half_built_is_built_anew(folder: Path, settings: DatabaseSettings) -> None:
    migrate(settings, folder, "tried")
    with psycopg.connect(plain(settings), autocommit=True) as connection:
        connection.execute("INSERT INTO tried.things VALUES (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY ix_things_id ON tried.things (id)")
    assert _valid(settings) == [(False,)]
    (folder / "versions" / "second.py").write_text(INDEXED)
    for _ in range(2):
        migrate(settings, folder, "tried")
        assert _valid(settings) == [(True,)]


def _valid(settings: DatabaseSettings) -> list[tuple[object, ...]]:
    with psycopg.connect(plain(settings)) as seen:
        return seen.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = 'tried.ix_things_id'::regclass"
        ).fetchall()


ROUNDS = """
CREATE SCHEMA applications;
CREATE TABLE applications.rounds (title text, closes_at timestamptz);
INSERT INTO applications.rounds VALUES ('第一批', now() + interval '23 h'), ('第二批', now() - interval '1 s'), ('第三批', now() + interval '3 d')
"""


def test_no_schema_changes_within_a_day_of_a_close(folder: Path, settings: DatabaseSettings) -> None:
    with psycopg.connect(plain(settings), autocommit=True) as connection:
        connection.execute(ROUNDS)
        # A first installation, and one whose schema is the newest already, have nothing to lose.
        migrate(settings, folder, "tried")
        migrate(settings, folder, "tried")
        (folder / "versions" / "second.py").write_text(SECOND)
        with pytest.raises(SystemExit, match=r"批次“第一批”将于 .* 截止.*GM_MIGRATE_BEFORE_CLOSE"):
            migrate(settings, folder, "tried")
        columns = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'tried' AND table_name = 'things'"
        assert connection.execute(columns).fetchone() == (1,)
        migrate(settings.model_copy(update={"migrate_before_close": True}), folder, "tried")
        assert connection.execute(columns).fetchone() == (2,)


def test_schema_changes_where_nothing_closes_soon(folder: Path, settings: DatabaseSettings) -> None:
    with psycopg.connect(plain(settings), autocommit=True) as connection:
        connection.execute(ROUNDS)
        connection.execute("DELETE FROM applications.rounds WHERE title = '第一批'")
        migrate(settings, folder, "tried")
        (folder / "versions" / "second.py").write_text(SECOND)
        migrate(settings, folder, "tried")
