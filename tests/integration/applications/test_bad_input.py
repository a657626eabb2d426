"""What must be refused, over HTTP: status, stable code, a sentence in Chinese, nothing changed."""

import json
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientResponse, FormData

from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
JSON = {"Content-Type": "application/json"}


async def problem(answer: ClientResponse, status: int, code: str) -> dict[str, Any]:
    """The answer's problem, checked for everything that every problem has."""
    found: dict[str, Any] = await answer.json()
    assert answer.content_type == "application/problem+json"
    assert (answer.status, found["type"]) == (status, code), found
    assert found["status"] == status
    assert found["request_id"] == answer.headers["X-Request-Id"]
    assert any("一" <= c <= "鿿" for c in found["detail"]), found
    assert "Traceback" not in str(found)
    return found


@pytest.fixture
async def draft(api: Api, round_id: str) -> str:
    return str((await api.create(WHO, round_id))["id"])


def section(id: str, key: str = "contact") -> str:
    return f"/api/v1/applications/{id}/sections/{key}"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "bad_json"),
        (b"\xff\xfe", "bad_json"),
        (b'{"values": NaN}', "bad_json"),
        (b'{"values": {"a": "\\u0000"}}', "bad_character"),
        (b'{"values": {"a": "\\ud800"}}', "bad_character"),
        (b'{"values": ' + b"[" * 50 + b"]" * 50 + b"}", "too_deep"),
        (b"[" * 100_000, "bad_json"),
        (b"[]", "malformed"),
        (b'{"values": {}, "also": 1}', "malformed"),
        (b'{"values": "text"}', "malformed"),
        (b"{}", "malformed"),
    ],
)
async def test_wrong_json(api: Api, draft: str, raw: bytes, code: str) -> None:
    etag = (await api.call("GET", section(draft), WHO)).headers["ETag"]
    answer = await api.call("PUT", section(draft), WHO, data=raw, headers={**JSON, "If-Match": etag})
    await problem(answer, 400, code)
    assert (await api.call("GET", section(draft), WHO)).headers["ETag"] == etag


async def test_other_content_types(api: Api, draft: str) -> None:
    headers = {"Content-Type": "text/plain", "If-Match": "1"}
    await problem(
        await api.call("PUT", section(draft), WHO, data=b"{}", headers=headers), 415, "unsupported_media"
    )


async def test_unknown_field_is_named(api: Api, draft: str) -> None:
    body = {"values": {"project_name": "x", "nickname": "y"}}
    for path in (section(draft), f"{section(draft)}/draft"):
        etag = (await api.call("GET", section(draft), WHO)).headers["ETag"]
        answer = await api.call("PUT", path, WHO, json=body, headers={"If-Match": etag})
        found = await problem(answer, 422, "invalid")
        assert {"section": "contact", "field": "nickname", "code": "unknown_field"}.items() <= next(
            e for e in found["errors"] if e["field"] == "nickname"
        ).items()


async def test_missing_and_stale_tags(api: Api, draft: str) -> None:
    body = {"values": {"project_name": "第一次"}}
    for path in (section(draft), f"{section(draft)}/draft"):
        await problem(await api.call("PUT", path, WHO, json=body), 428, "if_match_required")
    for method, path in (("DELETE", ""), ("POST", "/submit"), ("POST", "/withdraw")):
        headers = {"Idempotency-Key": uuid4().hex}
        answer = await api.call(method, f"/api/v1/applications/{draft}{path}", WHO, json={}, headers=headers)
        await problem(answer, 428, "if_match_required")
    etag = (await api.call("GET", section(draft), WHO)).headers["ETag"]
    kept = await api.call("PUT", f"{section(draft)}/draft", WHO, json=body, headers={"If-Match": etag})
    assert kept.status == 200
    other = {"values": {"project_name": "第二次"}}
    stale = await api.call("PUT", f"{section(draft)}/draft", WHO, json=other, headers={"If-Match": etag})
    found = await problem(stale, 412, "stale")
    assert found["current"]["draft"] == {"project_name": "第一次"}
    assert found["current"]["saved"] is None
    assert f'"{found["current"]["etag"]}"' == kept.headers["ETag"]


async def test_unknown_things_are_not_found(api: Api, draft: str) -> None:
    for path, code in (
        (section(draft, "nothing"), "unknown_section"),
        (section(str(uuid4())), "not_found"),
        ("/api/v1/applications/not-an-id", "not_found"),
        (f"/api/v1/applications/{draft}/revisions/1", "not_found"),
        (f"/api/v1/applications/{draft}/revisions/x/pdf", "not_found"),
        (f"/api/v1/applications/{draft}/attachments/{uuid4()}", "not_found"),
        ("/api/v1/forms/reward/99", "not_found"),
        ("/api/v1/forms/..%2f..%2f/1", "not_found"),
        ("/api/v1/nothing", "not_found"),
    ):
        await problem(await api.call("GET", path, WHO), 404, code)
    await problem(await api.call("PATCH", section(draft), WHO), 404, "method_not_allowed")


async def test_somebody_elses_application_does_not_exist(api: Api, draft: str) -> None:
    other = factories.applicant(factories.ENTERPRISE_2)
    same = await (await api.call("GET", f"/api/v1/applications/{uuid4()}", other)).json()
    theirs = await problem(await api.call("GET", f"/api/v1/applications/{draft}", other), 404, "not_found")
    # Not even the words tell the two apart.
    assert theirs["detail"] == same["detail"]


async def test_reviewers_do_not_see_drafts(api: Api, draft: str) -> None:
    reviewer = factories.staff(Role.REVIEWER)
    await problem(await api.call("GET", f"/api/v1/applications/{draft}", reviewer), 404, "not_found")


async def test_body_over_the_limit(api: Api, draft: str) -> None:
    body = BytesIO(json.dumps({"values": {"project_name": "长" * 600_000}}).encode())
    headers = {**JSON, "If-Match": "1"}
    answer = await api.call("PUT", f"{section(draft)}/draft", WHO, data=body, headers=headers)
    await problem(answer, 413, "too_large")


async def test_characters_that_no_database_keeps(api: Api, draft: str) -> None:
    for path in ("/api/v1/applications?q=%00", "/api/v1/applications?%00=x", f"{section(draft)}%00"):
        await problem(await api.call("GET", path, WHO), 400, "malformed")
    upload = f"/api/v1/applications/{draft}/attachments?section=%00&slot=business_license"
    await problem(await api.call("POST", upload, WHO, data=FormData({"file": "x"})), 400, "malformed")


async def test_wrong_state(api: Api, submitted: str) -> None:
    etag = (await api.call("GET", section(submitted), WHO)).headers["ETag"]
    body = {"values": {"project_name": "x"}}
    answer = await api.call("PUT", section(submitted), WHO, json=body, headers={"If-Match": etag})
    await problem(answer, 409, "wrong_state")
    await problem(await api.submit(WHO, submitted), 409, "wrong_state")
    headers = {"If-Match": await api.etag(WHO, submitted)}
    await problem(
        await api.call("DELETE", f"/api/v1/applications/{submitted}", WHO, headers=headers), 409, "wrong_state"
    )


async def test_newer_draft_stops_a_submission_until_it_is_settled(api: Api, draft: str) -> None:
    await api.fill(WHO, draft)
    etag = (await api.call("GET", section(draft, "fund_plan"), WHO)).headers["ETag"]
    body = {"values": {"applied_total_wan": "99"}}
    await api.call("PUT", f"{section(draft, 'fund_plan')}/draft", WHO, json=body, headers={"If-Match": etag})
    found = await problem(await api.submit(WHO, draft), 422, "unsaved_draft")
    assert [e["section"] for e in found["errors"]] == ["fund_plan"]
    discarded = await give_up(api, draft, ["fund_plan"])
    assert discarded.status == 200
    snapshot = await (await api.call("GET", f"/api/v1/applications/{draft}/revisions/1", WHO)).json()
    assert snapshot["content"]["sections"]["fund_plan"]["applied_total_wan"] == "22.00"


async def test_what_was_typed_is_given_up_and_what_was_saved_is_back(api: Api, draft: str) -> None:
    await api.fill(WHO, draft)
    path = section(draft, "fund_plan")
    etag = (await api.call("GET", path, WHO)).headers["ETag"]
    body = {"values": {"applied_total_wan": "99"}}
    kept = await api.call("PUT", f"{path}/draft", WHO, json=body, headers={"If-Match": etag})
    await problem(await api.call("DELETE", f"{path}/draft", WHO, headers={"If-Match": etag}), 412, "stale")
    given_up = await api.call("DELETE", f"{path}/draft", WHO, headers={"If-Match": kept.headers["ETag"]})
    assert given_up.status == 200
    opened = await (await api.call("GET", path, WHO)).json()
    assert opened["draft"] is None
    assert opened["saved"]["applied_total_wan"] == "22.00"


async def give_up(api: Api, draft: str, named: list[object]) -> ClientResponse:
    headers = {"If-Match": await api.etag(WHO, draft), "Idempotency-Key": uuid4().hex}
    path = f"/api/v1/applications/{draft}/submit"
    return await api.call("POST", path, WHO, json={"discard_drafts": named}, headers=headers)


async def test_only_the_draft_that_was_seen_is_given_up(api: Api, draft: str) -> None:
    await api.fill(WHO, draft)
    path = section(draft, "fund_plan")
    etag = (await api.call("GET", path, WHO)).headers["ETag"]
    seen = await keep(api, path, etag, "99")
    newer = await keep(api, path, seen, "98")
    plain = [{"section": "fund_plan", "etag": tag.strip('"')} for tag in (seen, newer)]
    found = await problem(await give_up(api, draft, [plain[0]]), 409, "newer_draft")
    assert found["sections"] == ["fund_plan"]
    assert "保护发展资金使用规划" in found["detail"]
    kept = await (await api.call("GET", path, WHO)).json()
    assert kept["draft"]["applied_total_wan"] == "98"
    assert (await give_up(api, draft, [plain[1]])).status == 200
    await problem(await give_up(api, draft, [{"section": "fund_plan"}]), 400, "malformed")


async def keep(api: Api, path: str, etag: str, amount: str) -> str:
    """暂存 of an amount; the new tag."""
    body = {"values": {"applied_total_wan": amount}}
    answer = await api.call("PUT", f"{path}/draft", WHO, json=body, headers={"If-Match": etag})
    return answer.headers["ETag"]


@pytest.mark.parametrize("key", ["", "short", "with space in it", "钥匙钥匙钥匙钥匙", "x" * 200])
async def test_idempotency_keys(api: Api, round_id: str, key: str) -> None:
    headers = {"Idempotency-Key": key.encode().decode("latin-1")} if key else {}
    body = {"round_id": round_id}
    await problem(
        await api.call("POST", "/api/v1/applications", WHO, json=body, headers=headers), 400, "idempotency_key"
    )


async def test_creating_twice_with_one_key_is_one_application(api: Api, round_id: str) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    body = {"round_id": round_id}
    first = await api.call("POST", "/api/v1/applications", WHO, json=body, headers=headers)
    again = await api.call("POST", "/api/v1/applications", WHO, json=body, headers=headers)
    assert (first.status, again.status) == (201, 201)
    assert await first.json() == await again.json()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("state=nothing", "unknown_state"),
        ("limit=0", "bad_limit"),
        ("limit=101", "bad_limit"),
        ("limit=x", "bad_limit"),
        ("cursor=abc", "bad_cursor"),
        ("cursor=W10=", "bad_cursor"),
        ("q=%00", "malformed"),
        ("q=" + "x" * 500, "malformed"),
    ],
)
async def test_lists(api: Api, query: str, code: str) -> None:
    await problem(await api.call("GET", f"/api/v1/applications?{query}", WHO), 400, code)


async def test_like_patterns_are_only_text(api: Api, draft: str) -> None:
    for text in ("%", "_", "\\", "'; DROP TABLE applications; --"):
        answer = await api.call("GET", "/api/v1/applications", WHO, params={"q": text})
        assert (answer.status, (await answer.json())["items"]) == (200, [])


PDF = factories.PDF


@pytest.mark.parametrize(
    ("key", "slot", "name", "content", "status", "code"),
    [
        ("company", "business_license", "x.exe", PDF, 415, "file_type"),
        ("company", "business_license", "x", PDF, 415, "file_type"),
        ("company", "business_license", "x.pdf", b"MZ not what it says", 415, "file_content"),
        ("company", "business_license", "x.png", PDF, 415, "file_content"),
        ("company", "business_license", "x.pdf", b"", 415, "file_content"),
        ("company", "nothing", "x.pdf", PDF, 404, "unknown_slot"),
        ("nothing", "business_license", "x.pdf", PDF, 404, "unknown_section"),
    ],
)
async def test_uploads(
    api: Api, draft: str, key: str, slot: str, name: str, content: bytes, status: int, code: str
) -> None:
    form = FormData()
    form.add_field("file", content, filename=name)
    path = f"/api/v1/applications/{draft}/attachments?section={key}&slot={slot}"
    await problem(await api.call("POST", path, WHO, data=form), status, code)


async def test_attachment_over_its_slots_limit(api: Api, draft: str) -> None:
    form = FormData()
    form.add_field("file", BytesIO(PDF + b"x" * 21 * 1024 * 1024), filename="x.pdf")
    path = f"/api/v1/applications/{draft}/attachments?section=company&slot=business_license"
    await problem(await api.call("POST", path, WHO, data=form), 413, "too_large")


async def test_upload_without_a_file(api: Api, draft: str) -> None:
    path = f"/api/v1/applications/{draft}/attachments?section=company&slot=business_license"
    await problem(await api.call("POST", path, WHO, json={}), 415, "unsupported_media")
    form = FormData(default_to_multipart=True)
    form.add_field("other", "x")
    await problem(await api.call("POST", path, WHO, data=form), 400, "file_missing")


async def test_coming_round_takes_nothing_yet(api: Api) -> None:
    rounds = await (await api.call("GET", "/api/v1/rounds", WHO)).json()
    coming = next(r["id"] for r in rounds if not r["is_open"])
    headers = {"Idempotency-Key": uuid4().hex}
    answer = await api.call("POST", "/api/v1/applications", WHO, json={"round_id": coming}, headers=headers)
    await problem(answer, 409, "round_not_open")
    unknown = {"round_id": str(uuid4())}
    headers = {"Idempotency-Key": uuid4().hex}
    await problem(
        await api.call("POST", "/api/v1/applications", WHO, json=unknown, headers=headers), 404, "not_found"
    )


async def test_return_needs_opinions_a_deadline_and_a_lease(api: Api, submitted: str) -> None:
    reviewer, colleague = factories.staff(Role.REVIEWER, "甲"), factories.staff(Role.REVIEWER, "乙")
    deadline = (clock.now() + timedelta(days=3)).isoformat()
    opinion = [{"section": "contact", "field": "email", "text": "请核对"}]
    path = f"/api/v1/review/applications/{submitted}"
    headers = {"If-Match": await api.etag(reviewer, submitted)}
    body: dict[str, Any] = {"correct_by": deadline, "opinions": opinion}
    await problem(
        await api.call("POST", f"{path}/return", reviewer, json=body, headers=headers), 409, "lease_missing"
    )
    await api.call("POST", f"{path}/lease", reviewer)
    taken = await problem(await api.call("POST", f"{path}/lease", colleague), 409, "lease_held")
    assert taken["holder"] == "甲"
    await problem(
        await api.call("POST", f"{path}/return", colleague, json=body, headers=headers), 409, "lease_held"
    )
    for changes, status, code in (
        ({"opinions": []}, 409, "opinion_required"),
        ({"correct_by": clock.now().isoformat()}, 409, "deadline_required"),
        ({"correct_by": "2026-12-01T18:00:00"}, 400, "malformed"),
        ({"opinions": [{"section": "nothing", "text": "x"}]}, 422, "invalid"),
        ({"opinions": [{"section": "contact", "field": "nothing", "text": "x"}]}, 422, "invalid"),
        ({"unlock": ["nothing"]}, 422, "invalid"),
        ({"opinions": [{"text": ""}]}, 400, "malformed"),
    ):
        answer = await api.call("POST", f"{path}/return", reviewer, json={**body, **changes}, headers=headers)
        await problem(answer, status, code)


@pytest.mark.parametrize("role", [Role.EXPERT, Role.OPERATOR, Role.DIRECTOR])
async def test_roles_keep_to_their_own(api: Api, submitted: str, role: Role) -> None:
    who = factories.staff(role)
    headers = {"If-Match": "1", "Idempotency-Key": uuid4().hex}
    for path in ("accept", "return", "lease"):
        answer = await api.call(
            "POST", f"/api/v1/review/applications/{submitted}/{path}", who, json={}, headers=headers
        )
        await problem(answer, 403, "not_allowed")
    answer = await api.call("POST", f"/api/v1/applications/{submitted}/submit", who, json={}, headers=headers)
    await problem(answer, 403, "not_allowed")


async def test_only_trusted_services_get_in(api: Api, server: Any, submitted: str) -> None:
    http = api._http
    nobody = await http.get(server.make_url("/api/v1/applications"))
    await problem(nobody, 401, "not_signed_in")
    for service in ("documents", "notify"):
        answer = await api.call("GET", "/api/v1/applications", WHO, service=service)
        await problem(answer, 403, "caller_not_trusted")
    answer = await api.call("POST", f"/internal/jobs/{uuid4()}/start", service="gateway", json={"worker": "w"})
    await problem(answer, 403, "caller_not_trusted")
