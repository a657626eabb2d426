"""Write what a backup says of itself, and check what must be true of it."""

import hashlib
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from deploy.backup.sealing import SUFFIX, opened
from deploy.embedded.errors import CannotRun
from shared.settings import Key

# The first is a backup in plain files, the second one encrypted file by file.
PLAIN, SEALED = 1, 2
DUMP, LISTED, MANIFEST, OBJECTS = "database.dump", "objects.txt", "manifest.json", "objects"
# What is counted in the dump's own snapshot and must be found again after a restore.
COUNTED = (
    "applications.applications", "applications.revisions", "applications.documents", "applications.attachments",
    "applications.outbox", "applications.audit", "notify.notifications", "identity.accounts",
)  # fmt: skip


class Manifest(BaseModel):
    """`manifest.json`."""

    model_config = ConfigDict(extra="forbid")

    format: int
    started_at: AwareDatetime
    finished_at: AwareDatetime
    server: int
    dump_sha256: str
    listed_sha256: str
    objects: int
    object_bytes: int
    # Of the master key, not the key: whether the one at hand opens what is in here.
    master_key: str
    counts: dict[str, int]

    @property
    def suffix(self) -> str:
        """What the names of its files end with."""
        return SUFFIX if self.format == SEALED else ""


class _Known(BaseModel):
    master_key: Key


def fingerprint(master_key: str) -> str:
    """Return a name for a key that tells nothing about it."""
    try:
        raw = _Known.model_validate({"master_key": master_key}).master_key
    except ValidationError:
        raise CannotRun("GM_MASTER_KEY: 应为 32 字节的 base64url 文本") from None
    return hashlib.sha256(b"gongmei master key\0" + raw).hexdigest()[:16]


def digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def content_of(key: str) -> str | None:
    """Return the SHA-256 in an object's name; None for one that is not named by its content."""
    name = key.rpartition("/")[2].removesuffix(".pdf")
    named = key.startswith(("pdf/", "attachments/")) and len(name) == 64
    return name if named else None


def read(folder: Path) -> Manifest:
    """Return the manifest of a whole backup; `CannotRun` says what is wrong with another."""
    try:
        found = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise CannotRun(f"{folder} is no finished backup: it has no {MANIFEST}") from None
    except ValidationError as error:
        raise CannotRun(f"{folder / MANIFEST} cannot be read: {error.errors()[0]['msg']}") from None
    if found.format not in {PLAIN, SEALED}:
        raise CannotRun(f"{folder} has format {found.format}; this version reads {PLAIN} and {SEALED}")
    return found


def newest(to: Path) -> Path:
    """Return the folder of the newest finished backup."""
    whole = sorted((f.parent for f in to.glob(f"*/{MANIFEST}")), key=lambda folder: read(folder).finished_at)
    if not whole:
        raise CannotRun(f"{to} has no backup")
    return whole[-1]


def verify(folder: Path) -> tuple[Manifest, list[str]]:
    """Return the manifest and the keys of all objects, after every digest was compared: those of the plain contents."""
    found = read(folder)
    for name, expected in ((DUMP + found.suffix, found.dump_sha256), (LISTED, found.listed_sha256)):
        if not (folder / name).is_file() or _digest_inside(folder / name) != expected:
            raise CannotRun(f"{folder / name} is not what was backed up")
    keys = (folder / LISTED).read_text(encoding="utf-8").split()
    for key in keys:
        file = folder.parent / OBJECTS / (key + found.suffix)
        expected_content = content_of(key)
        if not file.is_file():
            raise CannotRun(f"object {key} is missing from {file.parent}")
        if expected_content and _digest_inside(file) != expected_content:
            raise CannotRun(f"object {key} is damaged")
    return found, keys


def _digest_inside(file: Path) -> str:
    with opened(file) as plain:
        return digest(plain)
