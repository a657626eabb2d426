"""A server that was told to end: whoever balances sees it before the first request is refused."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from deploy.demo.client import authorities
from deploy.embedded.ports import HOST, free_port
from deploy.embedded.system import ROOT
from tests.architecture.manifests import compose, filled_in

SERVER = """
import asyncio, sys
from types import SimpleNamespace
from aiohttp import web
from shared.http.app import CHECKS, healthz, readyz
from shared.http.server import run_app

async def slow(request):
    await asyncio.sleep(0.5)
    return web.Response(text="done")

app = web.Application()
app[CHECKS] = {}
app.router.add_get("/readyz", readyz)
app.router.add_get("/healthz", healthz)
app.router.add_get("/slow", slow)
settings = SimpleNamespace(drain_seconds=float(sys.argv[3]), reuse_port=False, ready_file=None)
run_app(app, sys.argv[1], int(sys.argv[2]), settings)
"""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def client(port: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{HOST}:{port}", trust_env=False, verify=authorities(), timeout=10) as made:
        yield made


def start(port: int, drain: float, client: httpx.Client) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", SERVER, HOST, str(port), str(drain)], cwd=ROOT)
    until = time.monotonic() + 30
    while True:
        try:
            assert client.get("/readyz").status_code == 200
            return process
        except httpx.TransportError:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)


def leaving(client: httpx.Client) -> httpx.Response:
    """What `/readyz` says once the signal has come through."""
    until = time.monotonic() + 30
    while (looked := client.get("/readyz")).status_code == 200:
        assert time.monotonic() < until
        time.sleep(0.01)
    return looked


def test_requests_are_taken_until_the_balancer_has_looked(port: int, client: httpx.Client) -> None:
    process = start(port, 60.0, client)
    try:
        process.send_signal(signal.SIGTERM)
        looked = leaving(client)
        assert (looked.status_code, looked.json()["status"]) == (503, "leaving")
        # Alive, and to be left alone.
        assert (client.get("/healthz").status_code, client.get("/healthz").json()) == (200, {"status": "leaving"})
        taken = client.get("/slow")
        assert (taken.text, taken.headers["Connection"]) == ("done", "close")
        # Told twice, it ends at once.
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("drain", [0.0, 0.2])
def test_it_ends_by_itself(drain: float, port: int, client: httpx.Client) -> None:
    process = start(port, drain, client)
    try:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("service", ["gateway", "applications", "notify"])
def test_probe_of_the_compose_file_tells_who_answers(service: str, port: int, client: httpx.Client) -> None:
    [python, *probe] = compose(**filled_in())["services"][service]["healthcheck"]["test"][1:]
    assert python == "python"
    command = [sys.executable, *(re.sub(r"\b808\d\b", str(port), part) for part in probe)]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    process = start(port, 0.0, client)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    finally:
        process.kill()
        process.wait()
