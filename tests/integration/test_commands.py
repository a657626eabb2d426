"""A command that used the store ends with the code that it says."""

import subprocess
import sys
from pathlib import Path

from deploy.embedded.system import ROOT

SCRIPT = """
import asyncio, sys
from pathlib import Path
from shared import commands
from shared.store import Store

async def put(folder):
    store = Store.from_url(folder.as_uri())
    for n in range(40):
        await store.put_file(f"attachments/{n}", Path(__file__))
    return 3

commands.end(asyncio.run(put(Path(sys.argv[1]))))
"""
# Half of them were aborted when Python took itself down under the store's threads.
TIMES = 8


def test_command_that_used_the_store_ends_as_it_says(tmp_path: Path) -> None:
    script = tmp_path / "command.py"
    script.write_text(SCRIPT)
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", str(script), str(tmp_path / str(n))], env={"PYTHONPATH": str(ROOT)}
        )
        for n in range(TIMES)
    ]
    assert [process.wait(60) for process in processes] == [3] * TIMES
