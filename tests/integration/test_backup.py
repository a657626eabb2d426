"""Backups: encrypted to a key that the machine does not hold, readable by nobody else, and brought back whole."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.backup import client, manifest, sealing
from deploy.backup import create as made
from deploy.backup.create import copy_objects, create, prune
from deploy.backup.restore import restore, restore_objects
from deploy.embedded.errors import CannotRun
from services.applications.settings import ApplicationsSettings
from shared.store import Store, attachment_key
from tests.factories import b64
from tests.integration.applications.conftest import make_settings

MASTER = b64(b"m" * 32)
MARKER = b"110101199003071234 in a file"


@pytest.fixture
def settings(make_migrated_database: Callable[[], str], tmp_path: Path) -> ApplicationsSettings:
    """A database with every table, a row that must not be readable, and a store with a file."""
    found = make_settings(make_migrated_database(), tmp_path)
    Store.from_url(found.store_url).put(attachment_key(_sha256()), MARKER)
    with client.connect(found.database_url.get_secret_value()) as connection:
        connection.execute("INSERT INTO notify.unsubscribed (address) VALUES ('marker@example.cn')")
    return found


def _sha256() -> str:
    import hashlib

    return hashlib.sha256(MARKER).hexdigest()


def _bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def _where(settings: ApplicationsSettings) -> tuple[str, str, str]:
    return settings.database_url.get_secret_value(), settings.store_url, MASTER


@pytest.mark.parametrize("encrypted", [True, False])
def test_backup_is_private_and_comes_back(
    settings: ApplicationsSettings,
    make_database: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    encrypted: bool,
) -> None:
    secret, public = sealing.pair()
    backups = tmp_path / "backups"
    folder = create(*_where(settings), backups, public if encrypted else "")
    everything = _bytes(backups)
    assert (MARKER in everything) is not encrypted
    assert (b"PGDMP" in everything) is not encrypted
    assert stat.S_IMODE(backups.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    if encrypted:
        with pytest.raises(CannotRun, match="GM_BACKUP_IDENTITY"):
            manifest.verify(folder)
        monkeypatch.setenv("GM_BACKUP_IDENTITY", sealing.pair()[0])
        with pytest.raises(CannotRun, match="another key"):
            manifest.verify(folder)
        monkeypatch.setenv("GM_BACKUP_IDENTITY", secret)
    elsewhere, store = make_database(), (tmp_path / "again").as_uri()
    restore(folder, elsewhere, store, MASTER)
    assert Store.from_url(store).get(attachment_key(_sha256())) == MARKER
    with client.connect(elsewhere) as connection:
        found = connection.execute("SELECT address FROM notify.unsubscribed").fetchone()
    assert found == ("marker@example.cn",)


def test_what_was_plain_goes_when_only_encrypted_backups_are_kept(
    settings: ApplicationsSettings, tmp_path: Path
) -> None:
    backups = tmp_path / "backups"
    create(*_where(settings), backups)
    create(*_where(settings), backups, sealing.pair()[1])
    assert MARKER in _bytes(backups)
    prune(backups, 1)
    assert MARKER not in _bytes(backups)


def test_a_key_that_is_none_is_refused_before_anything_is_written(
    settings: ApplicationsSettings, tmp_path: Path
) -> None:
    with pytest.raises(CannotRun, match="GM_BACKUP_KEY"):
        create(*_where(settings), tmp_path / "backups", "age1nonsense")
    assert not (tmp_path / "backups").exists()


def test_a_head_that_was_anchored_after_the_dump_is_not_part_of_the_backup(
    settings: ApplicationsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.from_url(settings.store_url)
    store.put("audit-heads/applications/before", b"")
    dump = made._dump

    def then_anchored(url: str, file: Path) -> tuple[int, dict[str, int], set[str]]:
        found = dump(url, file)
        store.put("audit-heads/applications/after", b"")
        return found

    monkeypatch.setattr(made, "_dump", then_anchored)
    folder = create(*_where(settings), tmp_path / "backups")
    _, keys = manifest.verify(folder)
    assert [key for key in keys if key.startswith("audit-heads/")] == ["audit-heads/applications/before"]


@pytest.mark.parametrize("encrypted", [True, False])
def test_objects_go_into_the_pool_and_come_back_alone(
    settings: ApplicationsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encrypted: bool
) -> None:
    """Beside a database that comes out of its archive."""
    secret, public = sealing.pair()
    backups, key = tmp_path / "backups", public if encrypted else ""
    # A case file (卷宗) is made again, and holds what must be forgotten elsewhere.
    Store.from_url(settings.store_url).put("dossiers/x.zip", b"PK")
    assert copy_objects(settings.store_url, backups, key) == 1
    assert (MARKER in _bytes(backups)) is not encrypted
    # Nothing is new: nothing is written again.
    before = {file: file.stat().st_mtime_ns for file in backups.rglob("*")}
    assert copy_objects(settings.store_url, backups, key) == 1
    assert {file: file.stat().st_mtime_ns for file in backups.rglob("*")} == before
    store = (tmp_path / "again").as_uri()
    if encrypted:
        with pytest.raises(CannotRun, match="GM_BACKUP_IDENTITY"):
            restore_objects(backups, store)
        monkeypatch.setenv("GM_BACKUP_IDENTITY", secret)
    assert restore_objects(backups, store) == 1
    assert Store.from_url(store).get(attachment_key(_sha256())) == MARKER
    with pytest.raises(CannotRun, match="no objects"):
        restore_objects(tmp_path / "empty", store)


def test_newest_is_found_and_older_ones_go(settings: ApplicationsSettings, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    with pytest.raises(CannotRun, match="no backup"):
        manifest.newest(backups)
    made_in_turn = [create(*_where(settings), backups) for _ in range(2)]
    # One that was broken off is none.
    (backups / "99999999T000000000000Z").mkdir()
    assert manifest.newest(backups) == made_in_turn[-1]
    prune(backups, 1)
    assert manifest.newest(backups) == made_in_turn[-1]
    assert not made_in_turn[0].exists()
