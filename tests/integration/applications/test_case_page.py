"""All that a reviewer reads of a case, in one answer: the same as the single questions tell."""

from datetime import timedelta
from typing import Any

from aiohttp.test_utils import TestServer

from services.applications.core.context import SESSIONS
from services.applications.submission import queries
from shared import clock
from shared.identity import Actor, Role
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)
DIRECTOR = factories.staff(Role.DIRECTOR)
AUDITOR = factories.staff(Role.AUDITOR)


async def shown(api: Api, id: str, who: Actor = REVIEWER, query: str = "") -> dict[str, Any]:
    answer = await api.call("GET", f"/api/v1/review/applications/{id}/case{query}", who)
    assert answer.status == 200, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found


async def told(api: Api, path: str, who: Actor = REVIEWER) -> Any:
    answer = await api.call("GET", f"/api/v1{path}", who)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def returned(api: Api, id: str) -> None:
    """Returned with two opinions, corrected in two places of which one was asked for, and submitted again."""
    opinions = [
        {"section": "company", "field": "registered_address", "text": "请核对注册地址。"},
        {"section": "company", "text": "请核对单位信息。"},
    ]
    answer = await api.act(REVIEWER, id, "return", opinions=opinions[:1], unlock=["company"], working_days=10)
    assert answer.status == 200, await answer.text()
    for opinion in await told(api, f"/applications/{id}/opinions", WHO):
        path = f"/api/v1/applications/{id}/opinions/{opinion['id']}"
        assert (await api.call("PUT", path, WHO, json={"reply": "已改"})).status == 200
    saved = (await told(api, f"/applications/{id}/sections/company", WHO))["saved"]
    changed = saved | {"registered_address": "北京市海淀区学院路20号", "office_address": "北京市朝阳区工体北路2号"}
    await api.save(WHO, id, "company", changed)
    assert (await api.submit(WHO, id)).status == 200


async def test_the_page_says_what_the_single_questions_say(api: Api, submitted: str) -> None:
    await returned(api, submitted)
    found = await shown(api, submitted)
    path, review = f"/applications/{submitted}", f"/review/applications/{submitted}"
    summary = await told(api, path)
    assert found["application"] == {key: summary[key] for key in found["application"]}
    for name, address in (
        ("opinions", f"{path}/opinions"),
        ("checks", f"{path}/checks"),
        ("letters", f"{path}/letters"),
        ("stage", f"{review}/stage"),
    ):
        assert found[name] == await told(api, address), name
    others = await told(api, f"{review}/others")
    assert [o["id"] for o in found["others"]] == [o["id"] for o in others]
    changes = await told(api, f"{path}/revisions/2/changes")
    assert (found["changed"], found["unasked"]) == (len(changes), sum(not c["asked"] for c in changes)) == (2, 1)
    timeline = await told(api, f"{path}/timeline")
    assert [e["label"] for e in found["events"]] == [e["label"] for e in timeline["entries"]]
    assert found["notifications"] is timeline["notifications"] is None
    origins = [f["origin"] for m in found["materials"] for f in m["fields"] if f["origin"]]
    assert origins == await told(api, f"{review}/origins")


async def test_every_change_and_opinion_stands_at_its_place(api: Api, submitted: str) -> None:
    await returned(api, submitted)
    [company] = [m for m in (await shown(api, submitted))["materials"] if m["key"] == "company"]
    fields = {f["key"]: f for f in company["fields"]}
    assert fields["registered_address"]["change"]["asked"]
    assert fields["registered_address"]["value"] == "北京市海淀区学院路20号"
    assert [o["reply"] for o in fields["registered_address"]["opinions"]] == ["已改"]
    assert not fields["office_address"]["change"]["asked"]
    assert (company["changed"], company["unasked"]) == (2, 1)


async def test_sensitive_values_are_masked_until_they_are_revealed_and_that_is_recorded(
    api: Api, server: TestServer, submitted: str
) -> None:
    def mobile(found: dict[str, Any]) -> str:
        return next(f["value"] for m in found["materials"] for f in m["fields"] if f["key"] == "mobile")

    assert "****" in mobile(await shown(api, submitted))
    path = f"/api/v1/review/applications/{submitted}/case/reveal"
    whole = await api.call("POST", path, REVIEWER, json={})
    assert "****" not in mobile(await whole.json())
    assert (await api.call("POST", path, AUDITOR, json={})).status == 403
    async with server.app[SESSIONS]() as session:
        rows = await queries.audit(session, submitted)  # type: ignore[arg-type]
    assert [(r.actor, r.details) for r in rows if r.action == "reveal"] == [(REVIEWER.account, {"submitted": 1})]


async def test_the_bureau_reads_a_case_and_nobody_else(api: Api, round_id: str, submitted: str) -> None:
    path = f"/api/v1/review/applications/{submitted}/case"
    for role, status in ((Role.DIRECTOR, 200), (Role.AUDITOR, 200), (Role.EXPERT, 403), (Role.OPERATOR, 403)):
        assert (await api.call("GET", path, factories.staff(role))).status == status
    assert (await api.call("GET", path, WHO)).status == 403
    draft = (await api.create(WHO, round_id))["id"]
    assert (await api.call("GET", f"/api/v1/review/applications/{draft}/case", REVIEWER)).status == 404


async def test_a_file_is_looked_at_and_that_is_recorded_once(api: Api, server: TestServer, submitted: str) -> None:
    first = (await shown(api, submitted))["file"]
    assert (first["pages"], first["fault"]) == (1, None)
    files = [f for m in (await shown(api, submitted))["materials"] for s in m["slots"] for f in s["files"]]
    assert first["id"] == files[0]["id"]
    other = (await shown(api, submitted, query=f"?file={files[1]['id']}"))["file"]
    assert other["id"] == files[1]["id"]
    assert (await shown(api, submitted, query="?file=nonsense"))["file"] is None
    async with server.app[SESSIONS]() as session:
        rows = await queries.audit(session, submitted)  # type: ignore[arg-type]
    read = [r.details["attachment"] for r in rows if r.action == "read_attachment"]
    assert read == [first["id"], other["id"]]


async def test_an_auditor_sees_no_file_that_may_tell_of_persons(api: Api, submitted: str) -> None:
    found = await shown(api, submitted, AUDITOR)
    files = [f for m in found["materials"] for s in m["slots"] for f in s["files"]]
    assert any(f["withheld"] for f in files)
    assert found["file"] is None or not next(f for f in files if f["id"] == found["file"]["id"])["withheld"]
    # Who has read what is told to those who look into it.
    await shown(api, submitted)
    assert "查看附件" in [e["label"] for e in (await shown(api, submitted, AUDITOR))["events"]]
    assert "查看附件" not in [e["label"] for e in (await shown(api, submitted, DIRECTOR))["events"]]


async def test_where_an_opinion_may_stand_is_told_to_who_writes_one(api: Api, submitted: str) -> None:
    assert (await shown(api, submitted))["writing"] is None
    writing = (await shown(api, submitted, query="?opinion=1"))["writing"]
    assert writing["phrases"]
    names = [p["name"] for group in writing["places"] for p in group["places"]]
    assert {"company", "company.registered_address"} <= set(names)
    assert any("#" in name for name in names)


async def test_a_case_that_can_be_taken_in_names_the_batches(api: Api, round_id: str, submitted: str) -> None:
    assert (await shown(api, submitted))["batches"] == []
    made = await api.call("POST", "/api/v1/review/batches", REVIEWER, json={"round": round_id, "name": "甲批"})
    assert made.status in (201, 409)
    await api.call("POST", f"/api/v1/review/applications/{submitted}/lease", REVIEWER)
    assert "甲批" in [b["label"] for b in (await shown(api, submitted))["batches"]]


async def test_what_was_not_seen_and_what_changed_since_is_marked(api: Api, submitted: str) -> None:
    def staff(name: str) -> Actor:
        return factories.staff(Role.REVIEWER, name)

    async def news(who: Actor) -> str:
        page = await (await api.call("GET", "/api/v1/review/queue", who, params={"order": "newest"})).json()
        return next(item["news"] for item in page["found"]["items"] if item["id"] == submitted)

    async def look(who: Actor, minutes: int = 0) -> Any:
        at = clock.now() + timedelta(minutes=minutes)
        path = f"/api/v1/review/applications/{submitted}/case"
        return await (await api.call("GET", path, who, received_at=at)).json()

    first, second = staff("看件人"), staff("办件人")
    assert (await news(first), (await look(first))["looked_at"]) == ("new", None)
    assert (await news(first), await news(second)) == ("", "new")
    assert (await api.act(second, submitted, "accept")).status == 200
    assert (await news(first), await news(second)) == ("changed", "new")
    for minutes in (6, 8):
        # Within five minutes of a look its news are still news.
        page = await look(first, minutes)
        assert [e["label"] for e in page["events"] if e["fresh"]] == ["领取办理", "纳批"]
    assert await news(first) == ""
    assert [e["label"] for e in (await look(first, 20))["events"] if e["fresh"]] == []
    own = await look(second)
    assert [e["label"] for e in (await look(second, 7))["events"] if e["fresh"]] == []
    assert own["looked_at"] is None
