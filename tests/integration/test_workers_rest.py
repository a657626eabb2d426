"""Workers: how many `make run` starts, and how they rest when they are told to come again later."""

import os
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest

from deploy.embedded.plan import MOST_RENDERERS, Plan
from deploy.embedded.secrets import load as load_secrets
from deploy.embedded.supervisor import AUTOGROUP, YIELDING, Spec, Supervisor
from shared import jobs
from shared.errors import JobEnded, Unavailable
from shared.identity import Signer
from shared.jobs import Jobs
from tests import factories


class Applications(HTTPServer):
    """Answers each call with the next status; 503 says when to come again."""

    statuses: list[int]


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Applications)
        self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.statuses.pop(0)
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "12")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def applications() -> Iterator[Applications]:
    with Applications(("127.0.0.1", 0), _Answer) as server:
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()


def test_worker_rests_longer_each_time_up_to_what_it_is_told(
    applications: Applications, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[int] = []
    monkeypatch.setattr(jobs.time, "sleep", lambda seconds: rests.append(round(seconds)))
    signer = Signer("documents", factories.private_key("documents"))
    with Jobs(f"http://127.0.0.1:{applications.server_port}", signer, longest_rest=10) as worker:

        def start(status: int) -> int:
            """The seconds that the worker rested before this start."""
            applications.statuses = [status]
            with pytest.raises(Unavailable if status == 503 else JobEnded):
                worker.start(uuid4(), redelivered=False)
            return rests.pop()

        began = time.monotonic()
        assert [start(503) for _ in range(7)] == [0, 1, 2, 4, 8, 10, 10]
        # Let through once: the next goes at once, and if that is refused the rest is no shorter than before.
        assert [start(404), start(503), start(503)] == [10, 0, 10]
        # Let through each time: no trace is left.
        assert [start(410) for _ in range(5)] == [10, 0, 0, 0, 0]
        assert [start(503), start(503)] == [0, 1]
        assert time.monotonic() - began < 5


def test_make_run_renders_on_all_cores_unless_told_otherwise(tmp_path: Path) -> None:
    secrets = load_secrets(tmp_path)

    def processes(**given: str) -> int:
        made = Plan.make(tmp_path, given, secrets, free_ports=True)
        return int(made.environments("postgresql://u:p@127.0.0.1/d")["documents"]["GM_DOCUMENTS_CONCURRENCY"])

    assert processes() == min(MOST_RENDERERS, len(os.sched_getaffinity(0)))
    assert processes(GM_DOCUMENTS_CONCURRENCY="7") == 7


SAYS = f"import os, time; print(os.nice(0), open('{AUTOGROUP}').read().split()[-1], flush=True); time.sleep(60)"


@pytest.mark.skipif(not Path(AUTOGROUP).exists(), reason="this kernel shares processors among processes alone")
async def test_whoever_yields_does_so_among_all_sessions(tmp_path: Path) -> None:
    """Each process has a session of its own, within which alone `nice` would count."""
    supervisor = Supervisor(tmp_path, lambda: None)

    async def said(name: str, *, yields: bool) -> list[str]:
        async def ready() -> bool:
            return process.log.exists() and process.log.read_text().endswith("\n")

        spec = Spec(name, [sys.executable, "-c", SAYS], dict(os.environ), ready, yields=yields)
        process = supervisor.start(spec)
        await process.until_ready(20)
        return process.log.read_text().split()

    try:
        own, _ = await said("service", yields=False)
        # Two at once: the kernel takes such a wish ten times a second.
        for name in ("documents", "notify-worker"):
            assert await said(name, yields=True) == [str(int(own) + YIELDING), str(YIELDING)]
    finally:
        await supervisor.stop(["service", "documents", "notify-worker"])
