"""What a document's token is worth: valid, superseded, withdrawn, unknown; and the very file that is ours."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.tables.applications import Document, Revision
from shared import clock
from shared.document import ApplicationForm, DocumentModel
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()


async def token_of(sessions: async_sessionmaker[AsyncSession], id: str, revision: int) -> str:
    async with sessions() as session:
        url = await session.scalar(
            select(Revision.verify_url).where(Revision.application_id == id, Revision.number == revision)
        )
    assert url
    assert url.startswith("http://127.0.0.1:8080/verify/")
    return str(url.rpartition("/")[2])


async def told(api: Api, token: str, **query: str) -> dict[str, Any]:
    answer = await api.call("GET", f"/internal/verify/{token}", params=query)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def withdraw(api: Api, id: str) -> None:
    headers = {"If-Match": await api.etag(WHO, id)}
    assert (await api.call("POST", f"/api/v1/applications/{id}/withdraw", WHO, headers=headers)).status == 200


async def test_valid_withdrawn_superseded(
    api: Api, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    first = await token_of(sessions, submitted, 1)
    found = await told(api, first)
    revision = await (await api.call("GET", f"/api/v1/applications/{submitted}/revisions/1", WHO)).json()
    assert (found["status"], found["revision"], found["sha256"]) == ("valid", 1, revision["sha256"])
    assert found["submitted_at"] == revision["received_at"]

    await withdraw(api, submitted)
    found = await told(api, first)
    assert (found["status"], found["superseded_by"]) == ("withdrawn", None)
    assert found["withdrawn_at"]

    assert (await api.submit(WHO, submitted)).status == 200
    found = await told(api, first)
    assert (found["status"], found["superseded_by"]) == ("withdrawn", 2)
    second = await token_of(sessions, submitted, 2)
    assert (await told(api, second))["status"] == "valid"


async def test_a_corrected_revision_supersedes_and_taking_it_back_restores(
    api: Api, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    deadline = (clock.now() + timedelta(days=5)).isoformat()
    reviewer = factories.staff(Role.REVIEWER)
    opinions = [{"section": "contact", "field": "email", "text": "请核对邮箱"}]
    assert (await api.act(reviewer, submitted, "return", correct_by=deadline, opinions=opinions)).status == 200
    first = await token_of(sessions, submitted, 1)
    # Returned for correction, the paper is still the one that was submitted.
    assert (await told(api, first))["status"] == "valid"
    [opinion] = await (await api.call("GET", f"/api/v1/applications/{submitted}/opinions", WHO)).json()
    path = f"/api/v1/applications/{submitted}/opinions/{opinion['id']}"
    await api.call("PUT", path, WHO, json={"reply": "已核对"})
    assert (await api.submit(WHO, submitted)).status == 200
    found = await told(api, first)
    assert (found["status"], found["superseded_by"]) == ("superseded", 2)
    await withdraw(api, submitted)
    assert (await told(api, first))["status"] == "valid"
    assert (await told(api, await token_of(sessions, submitted, 2)))["status"] == "withdrawn"


async def test_altered_and_invented_tokens_are_unknown(
    api: Api, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    token = await token_of(sessions, submitted, 1)
    number, _, signature = token.split("-", 2)
    nothing = {"status": "unknown"}
    for altered in (
        f"{number}-2-{signature}",
        f"{number}-1-{signature[::-1]}",
        f"GM2026999999-1-{signature}",
        "x",
    ):
        found = await told(api, altered)
        assert {k: v for k, v in found.items() if v is not None} == nothing


async def test_a_file_is_told_from_another(
    api: Api, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    await withdraw(api, submitted)
    assert (await api.submit(WHO, submitted)).status == 200
    digests = {n: hashlib.sha256(f"{uuid4()}".encode()).hexdigest() for n in (1, 2)}
    async with sessions.begin() as session:
        for revision, sha256 in digests.items():
            mine = (Document.application_id == submitted) & (Document.revision == revision)
            await session.execute(update(Document).where(mine).values(sha256=sha256))
    second = await token_of(sessions, submitted, 2)
    assert (await told(api, second, file=digests[2]))["file"] == {
        "sha256": digests[2], "matches": "this_revision", "revision": 2,
    }  # fmt: skip
    assert (await told(api, second, file=digests[1]))["file"]["matches"] == "other_revision"
    assert (await told(api, second, file="00" * 32))["file"]["matches"] == "nothing"
    refused = await api.call("GET", f"/internal/verify/{second}", params={"file": "zz"})
    assert refused.status == 400


async def test_the_document_carries_its_revision(
    api: Api, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    async with sessions() as session:
        document = await session.scalar(select(Document).where(Document.application_id == submitted))
    assert document
    answer = await api.call("GET", f"/internal/documents/{document.id}/model", service="documents")
    model = DocumentModel.model_validate_json(await answer.read()).root
    assert isinstance(model, ApplicationForm)
    assert model.proof
    [embedded] = model.embedded
    # The very bytes that the digest is over, so that the file proves itself.
    assert hashlib.sha256(embedded.text.encode()).hexdigest() == model.proof.sha256 == document.source_sha256
    assert model.proof.url
    assert model.proof.url.endswith(await token_of(sessions, submitted, 1))
    assert "（人民币贰拾贰万元整）" in next(v.text for v in model.cover if v.label == "申请金额")
    attached = next(m for m in model.appendices if m.title == "附件清单").blocks[0]
    assert [row[0] for row in attached.rows] == ["1", "2", "3", "4", "5", "6"]  # type: ignore[union-attr]


async def test_keys_are_published(api: Api) -> None:
    found = await (await api.call("GET", "/internal/keys")).json()
    assert [key["crv"] for key in found["keys"]] == ["Ed25519"]
