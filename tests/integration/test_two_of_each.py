"""Two processes each of the gateway and of applications, on one port each: what is one system's holds for all of them."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from deploy.demo.client import Person, authorities
from tests.system.running import RunningSystem, create, fill, submit

pytestmark = pytest.mark.slow
# Every one comes on a connection of its own: that one process takes them all has a chance of 2 in 2^40.
TIMES = 40
VERIFICATIONS = 15


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    var = tmp_path_factory.mktemp("pair") / "var"
    # As for somebody from elsewhere: calls from this machine are not counted otherwise.
    counted = {"GM_ALLOWED_ADDRESSES": "192.0.2.1", "GM_VERIFICATIONS_PER_MINUTE": str(VERIFICATIONS)}
    many = {f"GM_{name}_PER_MINUTE": "10000" for name in ("CALLS", "ADDRESS_CALLS", "SIGNINS")}
    running = RunningSystem(var, "gateway=2", "applications=2", **counted, **many)
    running.start()
    yield running
    running.stop()


def anew(system: RunningSystem, path: str, person: Person | None = None) -> httpx.Response:
    """One request on a connection of its own."""
    cookies = person.cookies if person else None
    with httpx.Client(
        base_url=system.url, cookies=cookies, timeout=30, trust_env=False, verify=authorities()
    ) as client:
        return client.get(path)


def answered(system: RunningSystem, name: str) -> int:
    """How many requests of the API a process has answered, by its log."""
    return sum(line["message"] == "request" and line["route"].startswith("/api/v1/") for line in system.log(name))


def test_both_take_their_part_and_know_who_is_signed_in(pair: RunningSystem) -> None:
    person = pair.person("qiye1")
    # At once, so that gateways need many connections to applications: those that they have are used again.
    with ThreadPoolExecutor(TIMES) as pool:
        found = pool.map(lambda _: anew(pair, "/api/v1/applications", person).status_code, range(TIMES))
    assert set(found) == {200}
    for name in ("gateway-1", "gateway-2", "applications-1", "applications-2"):
        assert answered(pair, name) > 0, name
    # Both remember the session now; that it has ended is heard by both within a second.
    with httpx.Client(base_url=pair.url, cookies=person.cookies, trust_env=False, verify=authorities()) as leaving:
        done = leaving.post("/logout", data={"csrf_token": person.csrf_token}, headers={"Origin": pair.url})
    assert done.status_code in (200, 302, 303), done.text
    time.sleep(1.2)
    assert {anew(pair, "/api/v1/applications", person).status_code for _ in range(TIMES)} == {401}


def test_calls_are_counted_for_both_together(pair: RunningSystem) -> None:
    # A minute that ends meanwhile would begin to count anew: the window slides.
    found = Counter(anew(pair, "/verify/nonsense").status_code for _ in range(TIMES))
    assert set(found) == {200, 429}
    assert VERIFICATIONS <= found[200] <= VERIFICATIONS + 1


def test_what_one_does_is_heard_by_streams_of_both(pair: RunningSystem) -> None:
    person = pair.person("qiye1")
    id = create(person)
    fill(person, id)
    heard: list[str] = []
    ready = threading.Barrier(5)

    def listen() -> None:
        with (
            httpx.Client(
                base_url=pair.url, cookies=person.cookies, timeout=30, trust_env=False, verify=authorities()
            ) as client,
            client.stream("GET", "/api/v1/events") as stream,
        ):
            ready.wait(30)
            for line in stream.iter_lines():
                if line.startswith("data:") and id in line:
                    heard.append(line)
                    return

    listeners = [threading.Thread(target=listen, daemon=True) for _ in range(4)]
    for listener in listeners:
        listener.start()
    ready.wait(30)
    submit(person, id)
    for listener in listeners:
        listener.join(20)
    assert len(heard) == 4


def test_one_that_dies_leaves_the_port_to_the_other_until_it_is_back(pair: RunningSystem) -> None:
    before = pair.pid("gateway-1")
    pair.kill("gateway-1")
    pair.kill("applications-2")
    time.sleep(0.2)
    assert {anew(pair, "/readyz").status_code for _ in range(TIMES)} == {200}
    until = time.monotonic() + 60
    while not _back(pair, before):
        assert time.monotonic() < until
        time.sleep(0.2)
    assert {anew(pair, "/readyz").status_code for _ in range(TIMES)} == {200}


def _back(system: RunningSystem, before: int) -> bool:
    try:
        now = system.pid("gateway-1")
    except (KeyError, json.JSONDecodeError, TypeError):
        return False
    return now != before and _listening(now)


def _listening(pid: int) -> bool:
    """Whether a process has a socket that listens."""
    inodes = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    return any(f"socket:[{f[9]}]" in inodes for f in (line.split() for line in lines) if f[3] == "0A")
