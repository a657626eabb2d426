"""Files that harm the inspector harm nobody else: several processes, turns by enterprise, a penalty for what hangs."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.files import png
from services.applications.attachments import page_images
from services.applications.attachments.fair_line import FairLine, Penalty
from services.applications.attachments.fault import Fault
from services.applications.attachments.inspection import TOO_SLOW, Inspector
from services.applications.attachments.page_images import Pictures
from shared.errors import Conflict, TooMany
from shared.store import Store, attachment_key

PDF = "application/pdf"


def hanging(path: str, media_type: str) -> Fault | None:
    """A parser that hangs over files whose name says so."""
    if "hang" in path:
        time.sleep(60)
    return None


@pytest.fixture
async def inspector() -> AsyncIterator[Inspector]:
    made = Inspector(seconds=0.5, workers=2, look=hanging)
    # Both processes are up before anything is measured.
    await asyncio.gather(*(made.look_into(Path(f"warm{n}"), PDF, f"warm{n}") for n in range(2)))
    yield made
    await made.close()


async def test_twelve_hanging_files_keep_nobody_else_waiting(inspector: Inspector) -> None:
    attack = [asyncio.create_task(inspector.look_into(Path(f"hang{n}"), PDF, "attacker")) for n in range(12)]
    await asyncio.sleep(0.1)
    began = time.monotonic()
    honest = await asyncio.gather(*(inspector.look_into(Path(f"paper{n}"), PDF, f"e{n}") for n in range(10)))
    assert honest == [None] * 10
    assert time.monotonic() - began < 5
    ended = await asyncio.gather(*attack, return_exceptions=True)
    # Three cost their time; the rest is told to come again.
    assert ended[:3] == [TOO_SLOW] * 3
    assert all(isinstance(one, TooMany) and one.code == "files_too_slow" for one in ended[3:])
    with pytest.raises(TooMany) as told:
        inspector.may_come("attacker")
    assert 1 <= told.value.retry_after <= 61
    assert "分钟后再试" in told.value.detail
    inspector.may_come("e1")


async def test_one_enterprise_has_a_bounded_line() -> None:
    line = FairLine(1, per_lane=1, waiting=2)
    async with line.place("a"):
        waiting = [asyncio.create_task(_pass(line, "a")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TooMany):
            await _pass(line, "a")
    await asyncio.gather(*waiting)


async def _pass(line: FairLine, lane: str) -> None:
    async with line.place(lane):
        await asyncio.sleep(0)


@given(
    places=st.integers(1, 4),
    arrivals=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), max_size=30),
)
def test_line_is_fair_and_loses_no_place(places: int, arrivals: list[tuple[str, int, bool]]) -> None:
    """Whoever comes, stays how long, or goes away while waiting: never more than there is room for, never more of a lane
    than its share, and in the end every place is free."""
    per_lane = max(1, places - 1)

    async def play() -> None:
        line = FairLine(places, per_lane=per_lane, waiting=100)
        inside: list[str] = []

        async def one(lane: str, stay: int) -> None:
            async with line.place(lane):
                inside.append(lane)
                assert len(inside) <= places
                assert inside.count(lane) <= per_lane
                for _ in range(stay):
                    await asyncio.sleep(0)
                inside.remove(lane)

        tasks = []
        for lane, stay, goes in arrivals:
            task = asyncio.create_task(one(lane, stay))
            tasks.append(task)
            await asyncio.sleep(0)
            if goes and lane not in inside:
                task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert line._free == places
        assert not line._lanes
        assert not line._held

    asyncio.run(play())


async def test_lanes_take_turns() -> None:
    line, order = FairLine(1, per_lane=1, waiting=10), []

    async def one(lane: str) -> None:
        async with line.place(lane):
            order.append(lane)

    async with line.place("first"):
        tasks = [asyncio.create_task(one(lane)) for lane in ("a", "a", "a", "b", "c")]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == ["a", "b", "c", "a", "a"]


def test_penalty_grows_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("services.applications.attachments.fair_line.monotonic", lambda: now[0])
    penalty = Penalty()
    for _ in range(2):
        penalty.slow("a")
    penalty.check("a")
    waits = []
    for _ in range(6):
        penalty.slow("a")
        with pytest.raises(TooMany) as told:
            penalty.check("a")
        waits.append(told.value.retry_after)
    assert waits == [61, 121, 241, 481, 601, 601]
    now[0] += 601
    penalty.check("a")
    now[0] += 1200
    # Long ago: it begins anew.
    penalty.slow("a")
    penalty.check("a")


async def test_pages_that_hang_keep_nobody_elses_from_being_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.from_url(tmp_path.as_uri())
    for name in ("hang", "paper"):
        store.put(attachment_key(name), png())
    monkeypatch.setattr(page_images, "page_count", slow_page)
    pictures = Pictures(seconds=1.0)
    try:
        attack = [asyncio.create_task(pictures.pages(store, "hang", PDF, "attacker")) for _ in range(6)]
        await asyncio.sleep(0.1)
        # A reviewer's page is drawn by the other process.
        assert await pictures.page(store, "paper", "image/png", 1, "reviewer")
        ended = await asyncio.gather(*attack, return_exceptions=True)
    finally:
        await pictures.close()
    assert Counter(type(one) for one in ended) == {Conflict: 3, TooMany: 3}


def slow_page(path: str, media_type: str) -> int:
    time.sleep(60)
    return 1
