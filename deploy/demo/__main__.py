"""`python -m deploy.demo`: tell the story to the system that runs, or to one started for it."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from deploy.demo.client import Unexpected
from deploy.demo.story import Story, Teller
from deploy.embedded.errors import CannotRun
from deploy.embedded.system import ROOT
from deploy.local import running

START_SECONDS = 180
SETTLE_SECONDS = 30


@contextmanager
def system(var: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give the data folder and description of a running system; one of its own when none runs from `var`."""
    try:
        yield var, running(var)
        return
    except CannotRun:
        own = var / "demo-system"
    own.mkdir(parents=True, exist_ok=True)
    print("No system runs here; starting one for the demo …", flush=True)
    command = [sys.executable, "-m", "deploy.local", "--var", str(own), "run", "--free-ports"]
    with (own / "start.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            yield own, _until_ready(own, process)
        finally:
            process.terminate()
            process.wait(60)


def _until_ready(var: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            return running(var)
        except CannotRun:
            time.sleep(0.3)
    raise CannotRun(f"the demo's system did not start; see {var / 'start.log'}")


def reconcile(var: Path) -> dict[str, Any]:
    """Return the report, once what is under way has settled."""
    until = time.monotonic() + SETTLE_SECONDS
    command = [sys.executable, "-m", "deploy.local", "--var", str(var), "exec", "applications", "reconcile"]
    while True:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        report: dict[str, Any] = json.loads(done.stdout or b"{}")
        if done.returncode == 0 or not report.get("pending") or time.monotonic() > until:
            return report
        time.sleep(1)


def main() -> int:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    parser = argparse.ArgumentParser(prog="python -m deploy.demo")
    parser.add_argument("--var", type=Path, default=ROOT / "var")
    var = parser.parse_args().var.resolve()
    folder = var / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "transcript.txt").open("w", encoding="utf-8") as transcript:

        def note(line: str) -> None:
            transcript.write(f"{line}\n")

        def say(line: str) -> None:
            print(f"  {line}", flush=True)
            note(f"# {line}")

        try:
            with system(var) as (used, found):
                if not found["mail_page"]:
                    raise CannotRun("the demo reads mails from the embedded sink; unset GM_SMTP_URL")
                Story(found["public_url"], found["mail_page"], Teller(say, note, folder)).tell()
                report = reconcile(used)
                note(json.dumps(report, ensure_ascii=False, indent=2))
                if not report.get("clean"):
                    raise Unexpected(f"reconcile: {report}")
                say(f"reconcile is clean: {report['counts']}")
        except (Unexpected, CannotRun, httpx.HTTPError) as fault:
            say(f"FAILED: {fault}")
            return 1
    print(f"  Everything is in {folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
