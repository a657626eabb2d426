"""`python -m deploy.production_env [FILE]`: every key and password of a production, in the file that Compose reads.

The file is its owner's alone and is never written over: a lost master key is lost. `-` writes to standard output.
"""

import argparse
import os
import secrets
import sys
from pathlib import Path

from deploy.embedded.secrets import SERVICES, b64
from shared.identity import public_key

FILE = "production.env"
TEXT = """\
# Keys and addresses of this installation, read by `docker compose --env-file`. Keep a copy in a safe: no backup contains a
# key, and without GM_MASTER_KEY every sensitive value is lost. Every other setting may be added at the end
# (docs/operating/settings.md). A value with a dollar sign stands in single quotes.

# ---- to be filled in ----------------------------------------------------------------------------------------
# How people reach the portal; it stands in the QR code of every document.
GM_PUBLIC_URL=
# The identity provider: its issuer (OpenID Connect), or GM_IDP_URL of Beijing's platform.
GM_IDP_ISSUER=
GM_IDP_URL=
GM_IDP_CLIENT_ID=
GM_IDP_CLIENT_SECRET=
# smtp://, smtp+starttls:// or smtps://user:password@host:port
GM_SMTP_URL=
GM_MAIL_FROM=
# The legal-person registry (法人库); empty: applicants type what it would bring.
GM_REGISTRY_URL=
GM_REGISTRY_KEY=
# Whom backups are encrypted to; `python -m deploy.backup key` makes a pair.
GM_BACKUP_KEY=
# 拟支持 gathers cases for one 公示 that a second person publishes; false: each is published by itself, at once.
GM_PUBLICITY_BY_LIST=true
# A round is published by somebody else than who wrote it; false: an office with one person for both.
GM_ROUNDS_BY_TWO=true
# A version of a form is published by somebody else than who wrote it; false: an office with one person for both.
GM_FORMS_BY_TWO=true
# Late acceptance and longer correction deadlines are proposed by one and confirmed by another; false: an office with one person.
GM_EXTENSIONS_BY_TWO=true

# ---- made once; docs/operating/keys.md says how each is changed ---------------------------------------------
"""


def made() -> dict[str, str]:
    """Return fresh keys and passwords by their names in deploy/compose.yaml."""
    signing = {service: secrets.token_bytes(32) for service in SERVICES}
    return {
        "GM_DATABASE_PASSWORD": secrets.token_urlsafe(24),
        "GM_SERVICE_DATABASE_PASSWORD": secrets.token_urlsafe(24),
        "GM_ARCHIVE_KEY": secrets.token_urlsafe(32),
        "GM_MASTER_KEY": b64(secrets.token_bytes(32)),
        "GM_RECEIPT_KEY": b64(secrets.token_bytes(32)),
        "GM_PERSONAL_KEYS": b64(secrets.token_bytes(32)),
        "GM_AUDIT_KEY": b64(secrets.token_bytes(32)),
        **{f"GM_{service.upper()}_SIGNING_KEY": b64(key) for service, key in signing.items()},
        "GM_TRUSTED_KEYS": ",".join(f"{service}={b64(public_key(key))}" for service, key in signing.items()),
    }


def text() -> str:
    """Return a fresh file's text."""
    return TEXT + "".join(f"{name}={value}\n" for name, value in made().items())


def main() -> int:
    """Write the file; 1 where there is one already."""
    parser = argparse.ArgumentParser(prog="python -m deploy.production_env")
    parser.add_argument("file", nargs="?", default=FILE)
    file = parser.parse_args().file
    if file == "-":
        sys.stdout.write(text())
        return 0
    try:
        # Readable by others not even between creation and a chmod.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{file} is there already and stays as it is: its keys are in use.", file=sys.stderr)
        return 1
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text())
    print(f"{Path(file).resolve()}: every key is made. Fill in the first part, and keep a copy in a safe.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
