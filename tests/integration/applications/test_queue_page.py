"""The queue with everything beside it, in one answer: the same as the single questions tell."""

from typing import Any

from services.applications.review.case_list_params import FILTERS
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)
WAITING = "state=pending_acceptance,form_review"


async def told(api: Api, path: str) -> Any:
    answer = await api.call("GET", f"/api/v1/review/{path}", REVIEWER)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_the_page_says_what_the_single_questions_say(api: Api, submitted: str) -> None:
    await api.call("PUT", "/api/v1/review/away", REVIEWER, json={"away": True})
    await api.call("POST", "/api/v1/review/filters", REVIEWER, json={"name": "待办", "query": {"order": "newest"}})
    await api.call("POST", f"/api/v1/review/applications/{submitted}/lease", REVIEWER)
    found = await told(api, f"queue?{WAITING}")
    assert found["found"] == await told(api, f"applications?{WAITING}")
    assert submitted in [item["id"] for item in found["found"]["items"]]
    for name, path in (
        ("counts", f"counts?{WAITING}"),
        ("choices", "choices"),
        ("filters", "filters"),
        ("batches", "batches"),
    ):
        assert found[name] == await told(api, path), name
    assert found["waiting"][REVIEWER.account] >= 1
    assert REVIEWER.account in found["away"]
    assert found["fault"] is None
    await api.call("PUT", "/api/v1/review/away", REVIEWER, json={"away": False})
    assert REVIEWER.account not in (await told(api, "queue"))["away"]


async def test_filters_that_make_no_sense_are_said_beside_the_counts_of_everything(
    api: Api, submitted: str
) -> None:
    for query, said in (
        ("min_wan=许多", "金额应为"),
        ("min_days=x", "等待天数"),
        ("cursor=nonsense", ""),
        ("batch=1", "没有这个"),
    ):
        found = await told(api, f"queue?{query}")
        assert said in found["fault"], query
        assert found["found"] == {"items": [], "next_cursor": None}
        assert found["counts"] == await told(api, "counts")


async def test_the_bureau_reads_the_queue_and_nobody_else(api: Api) -> None:
    for who, status in (
        (factories.staff(Role.DIRECTOR), 200),
        (factories.staff(Role.AUDITOR), 200),
        (factories.staff(Role.EXPERT), 403),
        (WHO, 403),
    ):
        assert (await api.call("GET", "/api/v1/review/queue", who)).status == status


async def test_every_filter_of_the_queue_is_one_of_its_page(api: Api) -> None:
    document = (await (await api.call("GET", "/internal/openapi.json")).json())["paths"]
    for path in ("/api/v1/review/queue", "/api/v1/review/counts"):
        assert {p["name"] for p in document[path]["get"]["parameters"]} >= set(FILTERS), path
