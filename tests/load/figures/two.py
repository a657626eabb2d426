"""Two processes each of the gateway and of applications on two cores, beside one of each on one core: how many 暂存 a second each system
keeps, in turns, whoever asks and the database on the same cores. What two cores can give at all is measured beside: a loop that counts,
once on one core and twice on two."""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil

from deploy.embedded.system import ROOT
from services.applications.core.codec import Codec
from tests.load.figures.crowd import clones, for_a_while
from tests.load.figures.pair import SECTION, Ours, settings_of
from tests.system.running import RunningSystem, create, fill

PEOPLE, SECONDS, ROUNDS = 24, 5.0, 7
LOOP = 3_000_000


class Driven:
    """A running system on some cores, and the processes that ask it: as many as it has gateways."""

    def __init__(self, system: RunningSystem, cores: list[int]) -> None:
        self._cores = cores
        person = system.person("qiye1")
        template = create(person)
        fill(person, template)
        settings, _ = settings_of(system)
        url = settings.database_url.get_secret_value().replace("postgresql+psycopg://", "postgresql://")
        ids = clones(url, Codec(*settings.master_keys), template, PEOPLE * len(cores))
        values = person.call("GET", f"/applications/{ids[0]}/sections/{SECTION}").json()["saved"]
        self._said = [
            json.dumps(
                {
                    "url": system.url,
                    "cookies": dict(person.cookies),
                    "csrf_token": person.csrf_token,
                    "values": values,
                    "ids": ids[n :: len(cores)],
                }
            )
            for n in range(len(cores))
        ]
        assert system.process is not None
        parent = psutil.Process(system.process.pid)
        for each in [parent, *parent.children(recursive=True)]:
            each.cpu_affinity(cores)

    def rate(self) -> float:
        """暂存 a second, of all who ask together."""
        command = [sys.executable, "-m", "tests.load.figures.two"]
        asking = [
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in self._said
        ]
        for process in asking:
            psutil.Process(process.pid).cpu_affinity(self._cores)
        for process, said in zip(asking, self._said, strict=True):
            assert process.stdin is not None
            process.stdin.write(said.encode())
            process.stdin.close()
        found = 0.0
        for process in asking:
            assert process.stdout is not None
            found += float(process.stdout.read())
            process.wait()
        return found


class Someone:
    """What `Ours` needs of a person who signed in elsewhere."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.cookies, self.csrf_token = said["cookies"], said["csrf_token"]


def ask() -> None:
    """Keep as many 暂存 as possible for a while; print how many a second."""
    said = json.loads(sys.stdin.read())
    me = Ours(said["url"], Someone(said), said["values"])  # type: ignore[arg-type]

    async def both() -> float:
        await for_a_while(me.draft, said["ids"], 1.0)
        return (await for_a_while(me.draft, said["ids"], SECONDS)).rate

    print(asyncio.run(both()))


def count(core: int) -> float:
    """Seconds that one core needs to count, with all others that count at the time."""
    psutil.Process().cpu_affinity([core])
    began = time.perf_counter()
    for _ in range(LOOP):
        pass
    return time.perf_counter() - began


def ceiling(cores: list[int]) -> float:
    """How much more two cores count than one."""
    with get_context("spawn").Pool(len(cores)) as pool:
        pool.map(count, cores)
        alone = statistics.median(pool.map(count, cores[:1])[0] for _ in range(ROUNDS))
        together = statistics.median(max(pool.map(count, cores, chunksize=1)) for _ in range(ROUNDS))
    return len(cores) * alone / together


@contextmanager
def driven(folder: Path, cores: list[int], *processes: str) -> Iterator[Driven]:
    system = RunningSystem(folder, *processes, GM_CALLS_PER_MINUTE="10000000")
    system.start()
    try:
        yield Driven(system, cores)
    finally:
        system.stop()


def measure() -> dict[str, float]:
    """The ratio of both, and what the machine's two cores can give."""
    cores = sorted(psutil.Process().cpu_affinity())[:2]
    with tempfile.TemporaryDirectory() as name, ExitStack() as both:
        one = both.enter_context(driven(Path(name) / "one", cores[:1]))
        two = both.enter_context(driven(Path(name) / "two", cores, "gateway=2", "applications=2"))
        rates = [(one.rate(), two.rate()) for _ in range(ROUNDS)]
    ratio = statistics.median(b / a for a, b in rates)
    most = ceiling(cores)
    each = [statistics.median(rate) for rate in zip(*rates, strict=True)]
    print(
        f"two of each on two cores: {each[1]:.0f}/s beside {each[0]:.0f}/s of one on one, ratio {ratio:.2f};"
        f" a loop that counts: {most:.2f}"
    )
    return {"one_per_second": each[0], "two_per_second": each[1], "ratio": ratio, "ceiling": most}


if __name__ == "__main__":
    ask()
