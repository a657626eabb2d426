"""The machine itself: a full disk, a wrong clock."""

import glob
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pypdfium2
import pytest

from deploy.demo.client import authorities
from deploy.embedded.ports import HOST, free_port
from deploy.embedded.system import ROOT
from tests.faults.witness import clean, document
from tests.system.running import RunningSystem, create, fill, submit

FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), "")


@pytest.mark.fault("disk full while writing a PDF")
def test_full_disk_shows_nobody_half_a_document(system: RunningSystem, store: Path) -> None:
    if not os.path.ismount(store):
        pytest.skip("only root can make a file system to fill")
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="磁盘写满")
    clean(system)
    before = set((store / "pdf").rglob("*.pdf"))
    # Room for the beginning of a document, not for a whole one.
    filler = store / "filler"
    room = os.statvfs(store)
    filler.write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - 16 * 1024)))
    try:
        receipt = submit(person, id)["receipt"]
        until = time.monotonic() + 30
        while not any("job" in line and line["message"] == "no document" for line in system.log("documents")):
            assert time.monotonic() < until, "no document failed on the full disk"
            time.sleep(0.1)
        assert set((store / "pdf").rglob("*.pdf")) == before
        # Whatever else is read or written there, what stands opens.
        assert person.call("GET", f"/applications/{id}").json()["state"] == "pending_acceptance"
    finally:
        filler.unlink()
    document(person, id, receipt)
    clean(system)
    for file in store.rglob("*.pdf"):
        pypdfium2.PdfDocument(file).close()


@pytest.mark.fault("clock wrong")
@pytest.mark.parametrize("offset", ["+30s", "-30s"])
def test_gateway_with_a_wrong_clock_says_that_it_is_not_ready(system: RunningSystem, offset: str) -> None:
    assert FAKETIME, "no libfaketime here; deploy/bootstrap.sh test installs it"
    public, internal = free_port(), free_port()
    environment = system.description()["environments"]["gateway"]
    own = {
        "GM_GATEWAY_PORT": str(public),
        "GM_GATEWAY_INTERNAL_PORT": str(internal),
        "LD_PRELOAD": FAKETIME,
        "FAKETIME": offset,
        # Timers run as ever; only the time of day is wrong.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    gateway = subprocess.Popen(
        [sys.executable, "-m", "services.gateway", "serve"],
        cwd=ROOT,
        env=environment | own,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 120
        while True:
            try:
                answer = httpx.get(f"http://{HOST}:{public}/readyz", trust_env=False, verify=authorities())
                break
            except httpx.TransportError:
                assert time.monotonic() < until
                time.sleep(0.2)
        assert answer.status_code == 503
        assert list(answer.json()["faults"]) == ["clock"]
    finally:
        gateway.terminate()
        gateway.wait(30)
