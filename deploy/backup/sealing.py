"""Encrypt backups with age: to a public key, so that who makes backups cannot read them.

`GM_BACKUP_KEY` is one or several recipients (`age1…`, separated by commas); `GM_BACKUP_IDENTITY`, given only to `verify`
and `restore`, is the secret key of one of them (`AGE-SECRET-KEY-1…`). `python -m deploy.backup key` makes a pair.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyrage
from pyrage import x25519

from deploy.embedded.errors import CannotRun

SUFFIX = ".age"
Recipients = Sequence[x25519.Recipient]


def recipients(key: str) -> Recipients:
    """Whom backups are encrypted to; none where no key is set."""
    try:
        return [x25519.Recipient.from_str(one.strip()) for one in key.split(",") if one.strip()]
    except pyrage.RecipientError:
        raise CannotRun("GM_BACKUP_KEY: 应为 age1… 公钥，多个以逗号分隔") from None


def identity() -> x25519.Identity:
    """Return the secret key of this command's environment."""
    text = os.environ.get("GM_BACKUP_IDENTITY", "").strip()
    try:
        return x25519.Identity.from_str(text)
    except pyrage.IdentityError:
        raise CannotRun("GM_BACKUP_IDENTITY: 该备份已加密，须给出 AGE-SECRET-KEY-1… 私钥") from None


def pair() -> tuple[str, str]:
    """Return a new secret key and its public key."""
    made = x25519.Identity.generate()
    return str(made), str(made.to_public())


def encrypt(plain: Path, to: Path, keys: Recipients) -> None:
    """Encrypt a file; the plain one stays."""
    pyrage.encrypt_file(str(plain), str(to), keys)


@contextmanager
def opened(file: Path) -> Iterator[Path]:
    """Give the plain content of an encrypted file, for as long as it is looked at; any other file as it is."""
    if file.suffix != SUFFIX:
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="gm-backup-") as folder:
        plain = Path(folder) / file.stem
        try:
            pyrage.decrypt_file(str(file), str(plain), [identity()])
        except pyrage.DecryptError:
            raise CannotRun(f"{file} cannot be decrypted: damaged, or for another key") from None
        yield plain
