"""An application's whole way through the service: filled, submitted, returned, corrected, submitted again."""

import base64
from datetime import timedelta
from uuid import uuid4

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.applications.core import receipts
from shared import clock
from shared.identity import Role, public_key
from tests import factories
from tests.integration.applications.conftest import Api

REVIEWER = factories.staff(Role.REVIEWER)


async def test_whole_way(api: Api, round_id: str) -> None:
    who = factories.applicant()
    created = await api.create(who, round_id)
    id = created["id"]
    assert created["actions"] == ["edit", "submit", "delete"]
    assert {s["status"] for s in created["sections"]} == {"empty"}

    refused = await api.submit(who, id)
    assert refused.status == 422
    problem = await refused.json()
    assert problem["type"] == "incomplete"
    assert {e["section"] for e in problem["errors"]} == {s["key"] for s in created["sections"]}

    values = await api.fill(who, id, name=f"不与他案重名 {id[:8]}")
    checks = await (await api.call("GET", f"/api/v1/applications/{id}/checks", who)).json()
    assert all(check["holds"] for check in checks)
    first = await (await api.submit(who, id)).json()
    receipt = first["receipt"]
    assert receipt["revision"] == 1
    assert receipt["number"].startswith(f"GM{clock.today().year}")
    assert first["application"]["state_label"] == "待纳批"
    assert first["application"]["actions"] == ["pdf", "view", "withdraw"]

    key = Ed25519PublicKey.from_public_bytes(public_key(b"r" * 32))
    unsigned = {name: value for name, value in receipt.items() if name != "signature"}
    key.verify(base64.urlsafe_b64decode(receipt["signature"] + "=="), rfc8785.dumps(unsigned))
    revision = await (await api.call("GET", f"/api/v1/applications/{id}/revisions/1", who)).json()
    assert receipts.digests(receipts.canonical(revision["content"])) == (receipt["sha256"], receipt["sm3"])
    assert revision["content"]["sections"]["fund_plan"]["bank_account"] == "0200001009000000001"

    correct_by = clock.now() + timedelta(days=5)
    returned = await api.act(
        REVIEWER,
        id,
        "return",
        correct_by=correct_by.isoformat(),
        opinions=[
            {"section": "fund_plan", "field": "bank_name", "text": "请填写开户行全称"},
            {"section": "contact", "field": "email", "text": "请核对邮箱"},
        ],
    )
    assert returned.status == 200, await returned.text()
    now = await (await api.call("GET", f"/api/v1/applications/{id}", who)).json()
    assert now["state_label"] == "退回补正"
    # What a check ties to an unlocked material is unlocked with it.
    assert {s["key"] for s in now["sections"] if s["editable"]} == {"contact", "fund_plan", "project_content"}
    assert now["actions"] == ["pdf", "correct", "opinions", "submit"]

    unanswered = await api.submit(who, id)
    assert (unanswered.status, (await unanswered.json())["type"]) == (409, "opinions_open")
    opinions = await (await api.call("GET", f"/api/v1/applications/{id}/opinions", who)).json()
    assert [o["field_label"] for o in opinions] == ["开户银行", "Email"]
    for opinion in opinions:
        path = f"/api/v1/applications/{id}/opinions/{opinion['id']}"
        assert (await api.call("PUT", path, who, json={"reply": "已补正"})).status == 200
    await api.save(
        who, id, "fund_plan", values["fund_plan"] | {"bank_name": "中国工商银行股份有限公司北京朝阳支行"}
    )
    locked = f"/api/v1/applications/{id}/sections/social_benefit"
    etag = (await api.call("GET", locked, who)).headers["ETag"]
    body = {"values": values["social_benefit"]}
    answer = await api.call("PUT", locked, who, json=body, headers={"If-Match": etag})
    assert (answer.status, (await answer.json())["type"]) == (409, "section_locked")

    second = await (await api.submit(who, id)).json()
    assert second["receipt"]["revision"] == 2
    assert second["receipt"]["number"] == receipt["number"]
    changed = await (await api.call("GET", f"/api/v1/applications/{id}/revisions/2/changes", REVIEWER)).json()
    assert [(c["section"], c["field"], c["asked"]) for c in changed] == [("fund_plan", "bank_name", True)]

    accepted = await api.act(REVIEWER, id, "accept")
    assert (await accepted.json())["state"] == "form_review"
    late = await api.call(
        "POST",
        f"/api/v1/applications/{id}/withdraw",
        who,
        headers={"If-Match": await api.etag(who, id)},
    )
    assert (late.status, (await late.json())["type"]) == (409, "wrong_state")


async def test_withdraw_goes_back_and_empties_the_time(api: Api, submitted: str) -> None:
    who = factories.applicant()
    headers = {"If-Match": await api.etag(who, submitted)}
    answer = await api.call("POST", f"/api/v1/applications/{submitted}/withdraw", who, headers=headers)
    found = await answer.json()
    assert (found["state"], found["submitted_at"]) == ("draft", None)
    again = await (await api.submit(who, submitted)).json()
    assert again["receipt"]["revision"] == 2


async def test_retry_gets_the_first_answer_even_after_the_close(api: Api, submitted: str) -> None:
    who, key = factories.applicant(), uuid4().hex
    headers = {"If-Match": await api.etag(who, submitted)}
    await api.call("POST", f"/api/v1/applications/{submitted}/withdraw", who, headers=headers)
    first = await (await api.submit(who, submitted, key)).json()
    stale = {"If-Match": '"1"', "Idempotency-Key": key}
    path = f"/api/v1/applications/{submitted}/submit"
    much_later = clock.now() + timedelta(days=365)
    again = await api.call("POST", path, who, json={}, headers=stale, received_at=much_later)
    assert (again.status, await again.json()) == (200, first)
    other = await api.call("POST", path, who, json={"discard_drafts": ["contact"]}, headers=stale)
    assert (other.status, (await other.json())["type"]) == (422, "idempotency_key_reused")


async def test_deadline_is_judged_by_the_gateways_stamp(api: Api, round_id: str) -> None:
    who = factories.applicant()
    id = (await api.create(who, round_id))["id"]
    await api.fill(who, id)
    view = await (await api.call("GET", f"/api/v1/applications/{id}", who)).json()
    close = clock.datetime.fromisoformat(view["closes_at"])
    late = await api.submit(who, id, received_at=close + timedelta(seconds=1))
    assert (late.status, (await late.json())["type"]) == (409, "round_closed")
    assert (await api.submit(who, id, received_at=close)).status == 200


async def test_reviewer_may_take_back_an_unread_return(api: Api, submitted: str) -> None:
    who = factories.applicant()
    deadline = (clock.now() + timedelta(days=5)).isoformat()
    opinion = [{"section": "contact", "text": "误退"}]
    await api.act(REVIEWER, submitted, "return", correct_by=deadline, opinions=opinion)
    recalled = await api.act(REVIEWER, submitted, "recall")
    assert (recalled.status, (await recalled.json())["state"]) == (200, "pending_acceptance")
    await api.act(REVIEWER, submitted, "return", correct_by=deadline, opinions=opinion)
    await api.call("GET", f"/api/v1/applications/{submitted}/opinions", who)
    too_late = await api.act(REVIEWER, submitted, "recall")
    assert (too_late.status, (await too_late.json())["type"]) == (409, "already_seen")
