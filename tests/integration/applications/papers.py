"""PDFs as people get them: made by the worker's own code, read with another library."""

import io
from uuid import UUID

from aiohttp.test_utils import TestServer
from sqlalchemy import select

from services.applications.core.context import SESSIONS, STORE
from services.applications.tables.applications import Document
from services.documents.rendering import Press, render
from shared.document import DocumentModel
from shared.identity import Actor
from shared.store import pdf_key
from tests.integration.applications.conftest import Api


async def made(
    api: Api, server: TestServer, press: Press, id: str, actor: Actor, paper: str = "pdf"
) -> tuple[str, bytes]:
    """The PDF that the actor gets of the first revision, made by the worker's own code; the name it is saved as, and its bytes."""
    path = f"/api/v1/applications/{id}/revisions/1/{paper}"
    asked = await (api.call("POST", path, actor, json={}) if paper == "pdf" else api.call("GET", path, actor))
    assert asked.status in {200, 202}, await asked.text()
    async with server.app[SESSIONS].begin() as session:
        waiting = list(
            await session.scalars(
                select(Document).where(Document.application_id == UUID(id), Document.sha256.is_(None))
            )
        )
        for document in waiting:
            answer = await api.call("GET", f"/internal/documents/{document.id}/model", service="documents")
            pdf = render(DocumentModel.model_validate_json(await answer.read()).root, press)
            server.app[STORE].put(pdf_key(pdf.sha256), pdf.content)
            document.sha256, document.size, document.pages = pdf.sha256, len(pdf.content), 1
    got = await api.call("GET", path, actor)
    assert got.status == 200, await got.text()
    return got.headers["Content-Disposition"], await got.read()


def told(pdf: bytes) -> tuple[str, int]:
    """All text of a PDF, blanks left out, its embedded files' included; how many files are embedded."""
    import pypdfium2

    with pypdfium2.PdfDocument(io.BytesIO(pdf)) as document:
        text = "".join(page.get_textpage().get_text_range() for page in document)
        count = document.count_attachments()
        for n in range(count):
            text += bytes(document.get_attachment(n).get_data()).decode()
    return "".join(text.split()), count
