"""Whether a request costs more when there are a thousand times as many applications: 我的项目, the reviewers' queue, 暂存 and
提交申请 on 1,000,000 rows beside 1,000, in turns."""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from services.applications import __main__ as applications
from services.applications.app import create_app
from services.applications.core.codec import Codec
from services.applications.core.context import SESSIONS
from services.applications.rounds.seed import seed
from shared.database import migrate
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api, make_settings
from tests.load.figures.crowd import clones
from tests.load.figures.growing import grow
from tests.load.figures.servers import durable

SIZES = {"1,000": 1_000, "1,000,000": int(os.environ.get("GM_BENCH_ROWS", "1000000"))}
ROUNDS = 40


class Side:
    """The service on a database of its own size."""

    def __init__(self, api: Api, ids: list[str]) -> None:
        self.api = api
        self.ids = ids
        self.who = factories.applicant()
        self.reviewer = factories.staff(Role.REVIEWER)
        self._etag = "1"

    async def list(self) -> None:
        assert (await self.api.call("GET", "/api/v1/applications", self.who)).status == 200

    async def queue(self) -> None:
        answer = await self.api.call("GET", "/api/v1/review/applications?state=pending_acceptance", self.reviewer)
        assert answer.status == 200, await answer.text()

    async def draft(self) -> None:
        answer = await self.api.call(
            "PUT",
            f"/api/v1/applications/{self.ids[0]}/sections/social_benefit/draft",
            self.who,
            json={"values": {"social_benefit": "带动就业"}},
            headers={"If-Match": f'"{self._etag}"'},
        )
        if answer.status == 412:
            self._etag = (await answer.json())["current"]["etag"]
            return await self.draft()
        self._etag = (await answer.json())["etag"]
        return None

    async def submit(self) -> None:
        id = self.ids.pop()
        answer = await self.api.submit(self.who, id)
        assert answer.status == 200, await answer.text()


async def _side(stack: AsyncExitStack, folder: Path, rows: int) -> Side:
    folder.mkdir()
    url = stack.enter_context(durable(folder / "postgres"))
    settings = make_settings(url, folder)
    await asyncio.to_thread(migrate, settings, Path(applications.__file__).parent / "migrations", "applications")
    app = create_app(settings)
    server = await stack.enter_async_context(TestServer(app))
    async with app[SESSIONS].begin() as session:
        await seed(session)
    api = Api(await stack.enter_async_context(ClientSession()), server)
    who = factories.applicant()
    rounds = await (await api.call("GET", "/api/v1/rounds", who)).json()
    round_id = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")
    template = (await api.create(who, round_id))["id"]
    await api.fill(who, template)
    ids = await asyncio.to_thread(clones, url, Codec(*settings.master_keys), template, ROUNDS + 10)
    began = time.perf_counter()

    await asyncio.to_thread(grow, url, template, rows)
    print(f"{rows:>9,} applications made in {time.perf_counter() - began:.0f} s")
    return Side(api, ids)


async def measure() -> dict[str, float]:
    """Per call: the median on the large table by the median on the small one."""
    found: dict[str, float] = {}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        small, large = [
            await _side(stack, folder / str(number), rows) for number, rows in enumerate(SIZES.values())
        ]
        calls: dict[str, Callable[[Side], Awaitable[Any]]] = {
            "我的项目": Side.list, "审核队列": Side.queue, "暂存": Side.draft, "提交申请": Side.submit,
        }  # fmt: skip
        for name, call in calls.items():
            times: dict[Side, list[float]] = {small: [], large: []}
            for n in range(ROUNDS):
                for side in (small, large) if n % 2 else (large, small):
                    at = time.perf_counter()
                    await call(side)
                    # The first are what is loaded and planned once.
                    if n >= 5:
                        times[side].append(time.perf_counter() - at)
            few, many = (statistics.median(times[side]) for side in (small, large))
            found[name] = many / few
            print(f"{name}: {many * 1000:.1f} ms beside {few * 1000:.1f} ms, ratio {many / few:.2f}")
    return found
