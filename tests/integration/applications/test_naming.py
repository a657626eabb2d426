"""Who of the bureau acted: the office towards applicants, the person towards the bureau and the audit."""

from datetime import timedelta

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from services.applications.app import create_app
from services.applications.settings import ApplicationsSettings
from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.test_unlocking import ask

WHO = factories.applicant()
REVIEWER, AUDITOR = factories.staff(Role.REVIEWER, "何审核"), factories.staff(Role.AUDITOR)
# All that tells an applicant of who did what.
READ = ("timeline", "page", "opinions", "unlock-requests", "sections/contact/page", "submission/page")


async def said(api: Api, id: str) -> dict[str, str]:
    found = {}
    for path in READ:
        answer = await api.call("GET", f"/api/v1/applications/{id}/{path}", WHO)
        assert answer.status == 200, path
        found[path] = await answer.text()
    return found


async def test_an_applicant_reads_the_office_and_the_bureau_the_person(
    api: Api, settings: ApplicationsSettings, submitted: str
) -> None:
    until = (clock.now() + timedelta(days=5)).isoformat()
    opinions = [{"section": "contact", "field": "email", "text": "请核对"}]
    returned = await api.act(REVIEWER, submitted, "return", correct_by=until, opinions=opinions)
    assert returned.status == 200, await returned.text()
    asked = (await (await ask(api, submitted, "commitment")).json())["id"]
    path = f"/api/v1/review/applications/{submitted}/unlock-requests/{asked}/grant"
    assert (await api.call("POST", path, REVIEWER, json={"note": ""})).status == 200
    for where, text in (await said(api, submitted)).items():
        assert REVIEWER.name not in text, where
        assert "审核人员" in text, where
        # Its own people are named, to itself.
        assert WHO.name in text or where in {"opinions", "submission/page"}, where
    for who in (REVIEWER, AUDITOR):
        timeline = await api.call("GET", f"/api/v1/applications/{submitted}/timeline", who)
        assert REVIEWER.name in await timeline.text()
    # Where the office wants its people known they are.
    open_office = create_app(settings.model_copy(update={"staff_named_to_applicants": True}))
    async with TestServer(open_office) as running, ClientSession() as http:
        for where, text in (await said(Api(http, running), submitted)).items():
            assert REVIEWER.name in text, where


async def test_what_reviewers_decide_is_theirs(api: Api, submitted: str) -> None:
    """Those who refuse a case in form review are 审核人员."""
    assert (await api.act(REVIEWER, submitted, "accept")).status == 200
    assert (await api.act(REVIEWER, submitted, "refuse", reason="主体不符")).status == 200
    timeline = await (await api.call("GET", f"/api/v1/applications/{submitted}/timeline", WHO)).json()
    by = {entry["action"]: entry["actor"] for entry in timeline["entries"]}
    assert (by["accept"], by["refuse"], by["submit"]) == ("审核人员", "审核人员", WHO.name)
