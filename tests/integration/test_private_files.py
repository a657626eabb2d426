"""What a service writes is its own user's alone."""

import re
import stat
import subprocess
import sys
from pathlib import Path

from deploy.embedded.system import ROOT

WRITES = """
import sys
from shared.settings import private_files
from shared.store import Store
private_files()
Store.from_url(sys.argv[1]).put("attachments/ab/file", b"personal")
"""


def test_store_is_closed_to_others(tmp_path: Path) -> None:
    store = tmp_path / "store"
    subprocess.run([sys.executable, "-c", WRITES, store.as_uri()], cwd=ROOT, check=True, umask=0o022)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [store, *store.rglob("*")]}
    assert modes == {0o700, 0o600}


def test_every_command_begins_with_private_files() -> None:
    commands = [*ROOT.glob("services/*/__main__.py"), ROOT / "deploy" / "backup" / "__main__.py"]
    assert len(commands) == 5
    for file in commands:
        assert re.search(r"^    private_files\(\)$", file.read_text(encoding="utf-8"), flags=re.M), file
