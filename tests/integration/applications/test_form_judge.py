"""A text that takes too long is ended with its process: whoever comes next is judged, and says so in words."""

import asyncio
import os
import time

import pytest

from services.applications.workbench import reading
from services.applications.workbench.drafts import EMPTY
from services.applications.workbench.judge import WAITING, Judge, TooComplex
from shared.errors import TooMany

TEXT = EMPTY.format(fund_type="judged", version=1, label="查错")


async def test_what_takes_too_long_is_ended_and_the_next_is_judged() -> None:
    judge = Judge(seconds=0.3)
    try:
        with pytest.raises(TooComplex, match="用时过长"):
            await judge.ask(time.sleep, 60)
        with pytest.raises(TooComplex):
            await judge.ask(os._exit, 3)
        with pytest.raises(TooComplex):
            await judge.ask(bytearray, 1 << 40)
        assert await judge.ask(os.getpid) != os.getpid()
        assert (await judge.look(TEXT, None)).publishable
        asked = [asyncio.create_task(judge.ask(reading.verdict, TEXT)) for _ in range(WAITING + 1)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(f) for f in found].count(TooMany) == 1
        assert {f.fund_type for f in found if isinstance(f, reading.Verdict)} == {"judged"}
    finally:
        await judge.close()


def slow() -> str:
    """A form whose conditions are tried on tens of thousands of situations: seconds of work for lint."""
    options = ", ".join(f"项{n}" for n in range(13))
    choices = "".join(
        f"      - {{key: c{n}, kind: select, label: 选{n}, options: [{options}]}}\n" for n in range(3)
    )
    among = ", ".join(f"'项{n}'" for n in range(12))
    never = f"not c0 in ({among}) and c0 in ({among}) and c1 in ({among}) and c2 in ({among})"
    hidden = "".join(
        f'      - {{key: f{n}, kind: text, label: 名{n}, visible_if: "{never}"}}\n' for n in range(25)
    )
    return TEXT + choices + hidden


async def test_a_text_that_takes_too_long_has_that_as_its_fault() -> None:
    judge = Judge(seconds=0.2)
    try:
        await judge.ask(os.getpid)
        found = await judge.look(slow(), None)
        assert [f.message for f in found.faults if "用时过长" in f.message], found.faults
        assert not found.publishable
    finally:
        await judge.close()
