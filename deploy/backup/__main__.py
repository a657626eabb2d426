"""`python -m deploy.backup create|verify|restore|prune|objects|restore-objects|key`: see docs/operating/backup.md.

The database, the store and the master key are those of GM_DATABASE_URL, GM_STORE_URL and GM_MASTER_KEY; `create`
takes those of the system that runs here (`make run`) where they are not set.
"""

import argparse
import sys
from pathlib import Path

from deploy.backup import manifest, sealing
from deploy.backup.create import copy_objects, create, prune
from deploy.backup.restore import restore, restore_objects
from deploy.embedded.errors import CannotRun
from deploy.embedded.system import ROOT
from deploy.local import running, settings
from shared import commands
from shared.settings import private_files

NEEDED = ("GM_DATABASE_URL", "GM_STORE_URL", "GM_MASTER_KEY")
NEXT = """restored: {applications} applications, {revisions} revisions, {objects} objects, as of {at:%Y-%m-%d %H:%M:%S} UTC
Next: run `migrate` of every service, start them, then `python -m services.applications reconcile`."""


def _where(var: Path | None) -> tuple[str, str, str]:
    known = settings()
    if var is not None and not all(known.get(name) for name in NEEDED):
        known = running(var.resolve())["environments"]["applications"]
    missing = [name for name in NEEDED if not known.get(name)]
    if missing:
        raise CannotRun(f"{'、'.join(missing)} 未设置")
    return known["GM_DATABASE_URL"], known["GM_STORE_URL"], known["GM_MASTER_KEY"]


def _folder(given: Path | None) -> Path:
    known = given or Path(settings().get("GM_BACKUP_FOLDER", ""))
    if known == Path():
        raise CannotRun("say where backups are: --to FOLDER, or GM_BACKUP_FOLDER")
    return known.resolve()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.backup")
    chosen = parser.add_subparsers(dest="command", required=True)
    made = chosen.add_parser("create", help="back up the running system")
    made.add_argument("--to", type=Path, help="the folder of all backups (GM_BACKUP_FOLDER)")
    made.add_argument("--keep", type=int, help="then keep only so many")
    made.add_argument("--var", type=Path, default=ROOT / "var", help="of the system that runs here")
    looked = chosen.add_parser("verify", help="compare every digest of a backup")
    looked.add_argument("backup", type=Path)
    back = chosen.add_parser("restore", help="into an empty database and a store")
    back.add_argument("backup", type=Path, nargs="?", help="the newest of GM_BACKUP_FOLDER where none is named")
    pruned = chosen.add_parser("prune", help="keep only the newest backups")
    pruned.add_argument("--to", type=Path)
    pruned.add_argument("--keep", type=int, default=14)
    copied = chosen.add_parser("objects", help="bring what is new in the store into the backups' pool")
    copied.add_argument("--to", type=Path)
    returned = chosen.add_parser("restore-objects", help="bring the backups' pool into a store")
    returned.add_argument("--to", type=Path, help="the folder of all backups (GM_BACKUP_FOLDER)")
    chosen.add_parser("key", help="a new pair of keys for encrypted backups")
    return parser.parse_args()


def main() -> int:
    given = _arguments()
    private_files()
    try:
        if getattr(given, "keep", None) is not None and given.keep < 1:
            raise CannotRun("--keep must be at least 1")
        match given.command:
            case "create":
                key = settings().get("GM_BACKUP_KEY", "")
                folder = create(*_where(given.var), _folder(given.to), key)
                if not key:
                    print("not encrypted: GM_BACKUP_KEY is not set", file=sys.stderr)
                found = manifest.read(folder)
                print(f"{folder}: {found.objects} objects, {found.object_bytes / 2**20:.0f} MB")
                if given.keep:
                    backups, objects = prune(_folder(given.to), given.keep)
                    print(f"removed {backups} backups and {objects} objects")
            case "key":
                secret, public = sealing.pair()
                print(f"GM_BACKUP_KEY={public}\nGM_BACKUP_IDENTITY={secret}")
                print("The second belongs in a safe, not on this machine.", file=sys.stderr)
            case "verify":
                found, keys = manifest.verify(given.backup.resolve())
                print(f"whole: {len(keys)} objects, taken {found.started_at:%Y-%m-%d %H:%M:%S} UTC")
            case "restore":
                database_url, store_url, master_key = _where(None)
                backup = (given.backup or manifest.newest(_folder(None))).resolve()
                print(backup)
                found = restore(backup, database_url, store_url, master_key)
                counted = {name.partition(".")[2]: count for name, count in found.counts.items()}
                print(NEXT.format(**counted | {"objects": found.objects, "at": found.started_at}))
            case "objects":
                _, store_url, _ = _where(None)
                count = copy_objects(store_url, _folder(given.to), settings().get("GM_BACKUP_KEY", ""))
                print(f"{count} objects are in the pool")
            case "restore-objects":
                _, store_url, _ = _where(None)
                print(f"{restore_objects(_folder(given.to), store_url)} objects are in the store")
            case "prune":
                backups, objects = prune(_folder(given.to), given.keep)
                print(f"removed {backups} backups and {objects} objects")
    except CannotRun as reason:
        print(f"cannot: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    commands.end(main())
