"""Run the embedded default: `python -m deploy.local run` starts everything, `exec` runs one command beside it."""

import argparse
import asyncio
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from deploy.embedded import secrets
from deploy.embedded.errors import CannotRun
from deploy.embedded.plan import Plan
from deploy.embedded.system import COUNTS, ROOT, System

READY = """
  Ready: {url}
{people}
  {mail}
  Logs: {logs}   Stop: Ctrl-C
"""
DEMO = """
    qiye1, qiye2            two enterprises
    shencha                 reviewer
    zhuanjia1, zhuanjia2    experts
    shending                director
    yewu                    officer
    bianzhi, bianzhi2       form editors
    yunwei                  operator
    shenji                  auditor

  Password of all: Demo#2024   captcha: 8888"""
FOREIGN = """
  People sign in at {provider}"""


# Settings whose empty value says something; elsewhere empty means not set.
SAID_BY_EMPTINESS = frozenset({"GM_STUB_CAPTCHA"})


def settings() -> dict[str, str]:
    """GM_… settings: those of `.env`, and over them those of the environment."""
    given = {name: value for name, value in os.environ.items() if name.startswith("GM_")}
    found: dict[str, str] = {}
    for source in (dotenv_values(ROOT / ".env"), given):
        found |= {n: v or "" for n, v in source.items() if v or (v is not None and n in SAID_BY_EMPTINESS)}
    return found


def _open_folder(var: Path) -> None:
    try:
        for folder in (var, var / "log", var / "store"):
            folder.mkdir(parents=True, exist_ok=True)
        # What people handed in is for the services' user alone.
        (var / "store").chmod(0o700)
        (var / ".writable").touch()
        (var / ".writable").unlink()
    except OSError as error:
        raise CannotRun(f"cannot write to {var}: {error.strerror}") from error


def _counts(texts: list[str]) -> dict[str, int]:
    found = {}
    for text in texts:
        given = re.fullmatch(r"([a-z-]+)=(\d{1,2})", text)
        if given is None or given[1] not in COUNTS:
            raise CannotRun(f"{text!r} is no count; say for example documents=2 ({', '.join(COUNTS)})")
        found[given[1]] = int(given[2])
    return found


def _lock(var: Path) -> int:
    """Held as long as this process lives, so that nothing stale can be left behind."""
    lock = os.open(var / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotRun(f"the system already runs from {var}; stop it first") from None
    return lock


async def run(var: Path, counts: dict[str, int], *, free_ports: bool) -> None:
    """Until Ctrl-C or SIGTERM."""
    _open_folder(var)
    lock = _lock(var)
    plan = Plan.make(var, settings(), secrets.load(var), free_ports=free_ports)
    system = System(plan, counts, lambda text: print(f"  … {text}", flush=True))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    starting = asyncio.create_task(system.start())
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            mail = f"Mails: {plan.mail_page}" if plan.embeds("GM_SMTP_URL") else "Mails go to GM_SMTP_URL"
            provider = plan.given.get("GM_IDP_ISSUER") or plan.given.get("GM_IDP_URL")
            people = FOREIGN.format(provider=provider) if provider else DEMO
            print(READY.format(url=plan.public_url, people=people, mail=mail, logs=var / "log"), flush=True)
            await stopped
        print("  … stopping", flush=True)
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        stopped.cancel()
        await system.stop()
        os.close(lock)


def running(var: Path) -> dict[str, Any]:
    """Return what `run.json` says of the system that runs from a folder; `CannotRun` when none does."""
    file = var / "run.json"
    if file.exists():
        found: dict[str, Any] = json.loads(file.read_text())
        if found["ready"] and Path(f"/proc/{found['pid']}").exists():
            return found
    raise CannotRun(f"no system runs from {var}; start it with make run")


def execute(var: Path, service: str, command: list[str]) -> int:
    """Return one command of a service with the settings of the running system; its exit code."""
    environment = running(var)["environments"][service]
    full = [sys.executable, "-m", f"services.{service}", *command]
    return subprocess.run(full, env=environment, cwd=ROOT, check=False).returncode


def main() -> None:
    # The terminal may know nothing of UTF-8.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    parser = argparse.ArgumentParser(prog="python -m deploy.local")
    parser.add_argument("--var", type=Path, default=ROOT / "var", help="the data folder")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("run")
    start.add_argument("--free-ports", action="store_true", help="any free ports instead of the usual ones")
    start.add_argument("counts", nargs="*", help="how many of a worker: documents=2")
    beside = commands.add_parser("exec")
    beside.add_argument("service", choices=["gateway", "applications", "documents", "notify"])
    beside.add_argument("rest", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    var = given.var.resolve()
    try:
        if given.command == "exec":
            raise SystemExit(execute(var, given.service, given.rest))
        asyncio.run(run(var, _counts(given.counts), free_ports=given.free_ports))
    except CannotRun as reason:
        print(f"cannot run: {reason}", file=sys.stderr)
        raise SystemExit(1) from None
    except Exception as error:
        # Nobody foresaw it: one line for whoever starts the system, the rest for whoever mends it.
        print(f"cannot run: {type(error).__name__}: {unforeseen(error, var)}", file=sys.stderr)
        raise SystemExit(1) from None


def unforeseen(error: Exception, var: Path) -> str:
    """Return in one line what was raised, and where its traceback stands."""
    text = "".join(traceback.format_exception(error))
    log = var / "log" / "run.log"
    try:
        log.write_text(text, encoding="utf-8")
    except OSError:
        # Without a folder for logs the terminal is all there is.
        sys.stderr.write(text)
        return " ".join(str(error).split())[:500]
    return f"{' '.join(str(error).split())[:500]} (log: {log})"


if __name__ == "__main__":
    main()
