"""Share a few places fairly: by turns between enterprises, never all of them to one."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from shared import codes
from shared.errors import TooMany


class FairLine:
    """Places that lanes take by turns. A lane holds at most `per_lane` of them, and has at most `waiting` in line."""

    def __init__(self, places: int, *, per_lane: int, waiting: int) -> None:
        self._free = places
        self._per_lane = per_lane
        self._most_waiting = waiting
        self._held: Counter[str] = Counter()
        self._lanes: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def place(self, lane: str) -> AsyncIterator[None]:
        """Hold a place; `TooMany` when the lane has too many in line already."""
        await self._take(lane)
        try:
            yield
        finally:
            self._give_back(lane)

    async def _take(self, lane: str) -> None:
        if self._free and lane not in self._lanes and self._held[lane] < self._per_lane:
            self._hold(lane)
            return
        line = self._lanes.setdefault(lane, deque())
        if len(line) >= self._most_waiting:
            raise TooMany("前面还有较多文件正在处理，请稍后再试。", retry_after=10)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # Its turn came while it was going away.
                self._give_back(lane)
            else:
                self._leave(lane, turn)
            raise

    def _leave(self, lane: str, turn: "asyncio.Future[None]") -> None:
        line = self._lanes.get(lane)
        if line is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._lanes[lane]

    def _hold(self, lane: str) -> None:
        self._free -= 1
        self._held[lane] += 1

    def _give_back(self, lane: str) -> None:
        self._free += 1
        self._held[lane] -= 1
        if not self._held[lane]:
            del self._held[lane]
        self._call()

    def _call(self) -> None:
        """Give free places to those in line, a lane after the other."""
        while self._free:
            lane = next((name for name in self._lanes if self._held[name] < self._per_lane), None)
            if lane is None:
                return
            line = self._lanes.pop(lane)
            turn = line.popleft()
            if line:
                # To the end: the others come first.
                self._lanes[lane] = line
            if not turn.cancelled():
                self._hold(lane)
                turn.set_result(None)


class Penalty:
    """Let those wait whose files took the inspectors' whole time again and again: a minute after the third within ten,
    doubled with each further one, ten minutes at most."""

    FREE, FIRST, LONGEST, FORGOTTEN = 3, 60.0, 600.0, 600.0

    def __init__(self) -> None:
        self._slow: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def check(self, lane: str) -> None:
        """`TooMany` with the time to come again, while the lane has to wait."""
        count, at = self._slow.get(lane, (0, 0.0))
        if count < self.FREE:
            return
        left = at + min(self.FIRST * 2 ** (count - self.FREE), self.LONGEST) - monotonic()
        if left > 0:
            minutes = max(1, round(left / 60))
            raise TooMany(
                f"近期有多个文件无法在规定时间内处理完，请约 {minutes} 分钟后再试；"
                "建议先将文件另存或重新扫描。已上传的文件不受影响。",
                retry_after=max(1, int(left) + 1),
                code=codes.FILES_TOO_SLOW,
            )

    def slow(self, lane: str) -> None:
        """A file of the lane took too long."""
        count, at = self._slow.pop(lane, (0, 0.0))
        now = monotonic()
        self._slow[lane] = (1 if now - at > self.FORGOTTEN + self.LONGEST else count + 1, now)
        while len(self._slow) > 1000:
            self._slow.popitem(last=False)
