"""我的项目 as a list: an enterprise of which nothing else is known finds what it has, page by page."""

from typing import Any

from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()


async def listed(api: Api, **query: Any) -> tuple[list[str], str | None]:
    found = await (await api.call("GET", "/api/v1/applications", WHO, params=query)).json()
    return [item["id"] for item in found["items"]], found["next_cursor"]


async def test_listed_by_state_type_and_words_page_by_page(api: Api, round_id: str, submitted: str) -> None:
    drafts = [(await api.create(WHO, round_id))["id"] for _ in range(3)][::-1]
    assert (await listed(api))[0] == [*drafts, submitted]
    assert await listed(api, state="draft") == (drafts, None)
    assert await listed(api, state="pending_acceptance,returned") == ([submitted], None)
    assert await listed(api, q="景泰蓝国礼") == ([submitted], None)
    assert await listed(api, q="景泰蓝国礼", state="draft") == ([], None)
    # As people read a name: blanks, brackets, width, case and what nobody sees make no difference; % and _ are letters.
    for said in ("景泰蓝 国礼", "“景泰蓝”国礼", "景泰蓝\u200b国礼", "（景泰蓝国礼）"):
        assert await listed(api, q=said) == ([submitted], None), said
    for said in ("景泰蓝%礼", "景泰蓝_礼"):
        assert await listed(api, q=said) == ([], None), said
    number = (await (await api.call("GET", f"/api/v1/applications/{submitted}", WHO)).json())["number"]
    assert await listed(api, q=f" {number.lower()}") == ([submitted], None)
    assert await listed(api, fund_type="subsidy") == ([], None)
    first, cursor = await listed(api, state="draft", limit=2)
    assert (first, await listed(api, state="draft", limit=2, cursor=cursor)) == (drafts[:2], (drafts[2:], None))
