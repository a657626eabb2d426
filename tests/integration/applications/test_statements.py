"""How often the acts of a deadline night ask the database: each statement costs the service as much as a page's own work on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from aiohttp.test_utils import TestServer
from sqlalchemy import event

from services.applications.core.context import ENGINE
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()


@contextmanager
def statements(server: TestServer) -> Iterator[list[str]]:
    """What is asked while the block lasts."""
    found: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        found.append(statement)

    engine = server.app[ENGINE].sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_no_act_of_a_deadline_night_asks_more_than_it_must(
    api: Api, server: TestServer, round_id: str
) -> None:
    id = (await api.create(WHO, round_id))["id"]
    await api.fill(WHO, id)
    path = f"/api/v1/applications/{id}"
    section = await api.call("GET", f"{path}/sections/company", WHO)
    values, tag = (await section.json())["saved"], section.headers["ETag"]
    asked: dict[str, int] = {}

    async def ask(what: str, method: str, rest: str, **options: Any) -> str:
        with statements(server) as found:
            answer = await api.call(method, path + rest, WHO, **options)
        assert answer.status in {200, 201}, await answer.text()
        asked[what] = len(found)
        return answer.headers.get("ETag", "")

    await ask("form page", "GET", "/sections/company/page")
    body = {"json": {"values": values}}
    tag = await ask("暂存", "PUT", "/sections/company/draft", headers={"If-Match": tag}, **body)
    tag = await ask("暂存 again", "PUT", "/sections/company/draft", headers={"If-Match": tag}, **body)
    await ask("保存表单 and the page", "PUT", "/sections/company/page", headers={"If-Match": tag}, **body)
    version = await ask("page 提交申请", "GET", "/submission/page")
    headers = {"If-Match": version, "Idempotency-Key": uuid4().hex}
    await ask("提交申请", "POST", "/submit", headers=headers, json={})
    assert asked == {
        "form page": 5,
        "暂存": 2,
        "暂存 again": 1,
        "保存表单 and the page": 10,
        "page 提交申请": 5,
        "提交申请": 17,
    }
