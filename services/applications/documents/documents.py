"""Make documents of revisions (生成PDF), previews and the commitment page, and tell their place in line."""

from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import receipts, repository, round_queries
from services.applications.core.case import form_of
from services.applications.core.codec import Codec, SectionCodec
from services.applications.core.disclosure import masked, of_experts, reads_whole, withheld
from services.applications.core.moves import round_facts
from services.applications.documents import document_model, letters, queries, sheets
from services.applications.documents.owed import document_key, owe_document
from services.applications.documents.queries import document_of, revision_document
from services.applications.filling import budgets
from services.applications.filling.filled_form import load
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.filled.reading import named_files
from services.applications.outbox import outbox, throughput
from services.applications.outbox import queries as outbox_queries
from services.applications.tables.applications import Application, Document, Revision, Round
from services.applications.workbench.reading import trial
from services.applications.workbench.trial import ENTERPRISE, Trial, with_lists
from shared import clock, codes
from shared.contract.applications import DocumentStatus
from shared.contract.submission import Receipt
from shared.document import AnyDocument, DocumentModel, Proof
from shared.errors import Conflict, NotFound
from shared.identity import Actor, Role

SheetKind = Literal["receipt", "brief"]


async def of_revision(session: AsyncSession, actor: Actor, id: UUID, revision: int) -> Document:
    """Return the document of a submitted revision: as it was handed in, or masked for those who may see no more
    (`core.disclosure`)."""
    whole = reads_whole(actor)
    application = await repository.application(session, actor, id, lock=not whole)
    document = await revision_document(session, id, revision)
    if whole or not application.wrapped_key:
        # Of what was forgotten nothing is made anew.
        return document
    known = await document_of(session, id, "masked", document.source_sha256)
    return known or await _begin(session, id, "masked", document.source_sha256, revision=revision)


async def sheet_of_revision(
    session: AsyncSession, actor: Actor, id: UUID, number: int, kind: SheetKind
) -> Document:
    """Return the paper of a revision's receipt, or the revision in short (项目简表); made when it is first asked for."""
    must_be_kept(await repository.application(session, actor, id, lock=True))
    revision = await repository.revision(session, id, number)
    known = await document_of(session, id, kind, revision.sha256)
    return known or await _begin(session, id, kind, revision.sha256, revision=revision.number)


async def of_what_is_saved(session: AsyncSession, codec: Codec, actor: Actor, id: UUID, kind: str) -> Document:
    """Return a preview or commitment page of what is saved now; the same content is made once."""
    application = await repository.application(session, actor, id, lock=True)
    form = form_of(application)
    opener = codec.of(application, form)
    filled = await load(session, application, form, opener)
    opened, situation = filled.effective(), filled.situation()
    hidden = [section.key for section in form.sections if not situation.visible(section.key)]
    source, _ = receipts.digests(receipts.canonical({"kind": kind, "sections": opened, "hidden": hidden}))
    known = await document_of(session, id, kind, source)
    if known is not None:
        return known
    await budgets.may_preview(session, application.enterprise)
    sealed = {key: opener.seal(key, values) for key, values in opened.items()}
    return await _begin(session, id, kind, source, snapshot={"sections": sealed, "hidden": hidden})


def must_be_kept(application: Application) -> None:
    """Raise `Conflict` for an application of which nothing is kept any more."""
    if not application.wrapped_key:
        raise Conflict("该申请的保存期限已满，资料已删除。", code=codes.FORGOTTEN)


def empty_form(text: str, facts: RoundFacts) -> tuple[dict[str, Any], str] | None:
    """Return the document model of a form's draft, empty but for what the form fills in, and the digest of what it is made from; None
    while the text has faults."""
    if (tried := trial(text, facts)) is None:
        return None
    source, _ = receipts.digests(receipts.canonical({"text": text, "round": tried.round.model_dump(mode="json")}))
    model = document_model.of_snapshot(tried.form, tried.effective(), {}, enterprise=ENTERPRISE, at=clock.now())
    return model.model_dump(mode="json"), source


async def of_round(session: AsyncSession, round_: Round) -> Document:
    """Return the empty form of a round, to be read before anything is begun; made once for all who ask. `NotFound` while the round is not
    published."""
    if round_.published_at is None:
        raise NotFound("没有这个申报批次。")
    form = form_of(round_)
    tried = Trial(form, with_lists(form, round_facts(round_)))
    described = {"form": [form.fund_type, form.version], "round": tried.round.model_dump(mode="json")}
    source, _ = receipts.digests(receipts.canonical(described))
    if known := await queries.form_draft_document(session, source):
        return known
    empty = {"uscc": "", "name": "（申报单位）"}
    model = document_model.of_snapshot(form, tried.effective(), {}, enterprise=empty, at=clock.now())
    document = Document(
        id=uuid4(), kind="form", source_sha256=source, snapshot={"model": model.model_dump(mode="json")}
    )
    await owe_document(session, document)
    return document


async def of_form_draft(session: AsyncSession, model: dict[str, Any], source: str) -> Document:
    """Return the PDF of a form's draft (`empty_form`); the same text is made once."""
    await queries.forget_form_drafts(session)
    if known := await queries.form_draft_document(session, source):
        return known
    document = Document(id=uuid4(), kind="form", source_sha256=source, snapshot={"model": model})
    await owe_document(session, document)
    return document


async def _begin(session: AsyncSession, id: UUID, kind: str, source: str, **values: Any) -> Document:
    """Return a document that somebody waits for, with what is owed for it."""
    document = Document(id=uuid4(), application_id=id, kind=kind, source_sha256=source, **values)
    await owe_document(session, document)
    return document


async def hurry(session: AsyncSession, actor: Actor, document: Document) -> None:
    """Somebody waits for it now: ahead of what is only made ahead, and again if it was given up. Of an enterprise's own
    only a few at a time go ahead."""
    if document.sha256:
        return
    row = await outbox_queries.owed_by_key(session, document_key(document.id))
    assert row is not None
    if row.parked_at is not None:
        outbox.requeue(row)
    of = document.application_id
    if of is None or not actor.is_a(Role.APPLICANT) or await budgets.may_hurry(session, of, but=row.id):
        outbox.hurry(row)
    await session.flush()


async def status_of(session: AsyncSession, document: Document) -> DocumentStatus:
    """Ready, in line with a place and an expected time, being made, or given up until asked for again."""
    if document.sha256:
        return DocumentStatus(status="ready")
    row = await outbox_queries.owed_by_key(session, document_key(document.id))
    assert row is not None
    if row.parked_at is not None:
        return DocumentStatus(
            status="failed",
            message="多次尝试均未能生成PDF，已停止尝试并提示值班人员处理。",
            reference=row.id.hex[:8].upper(),
        )
    place = await throughput.place(session, row)
    return DocumentStatus(
        status="rendering" if place.running else "queued",
        position=place.position,
        eta_seconds=max(1, round(place.seconds)),
    )


async def model_of(session: AsyncSession, codec: Codec, document_id: UUID) -> AnyDocument:
    """Return the document model, for the worker that renders it."""
    document = await queries.document(session, document_id)
    if document.kind == "letter":
        assert document.snapshot is not None
        return letters.model_of(document.snapshot)
    if document.kind == "form":
        assert document.snapshot is not None
        return DocumentModel.model_validate(document.snapshot["model"]).root
    assert document.application_id is not None
    application = await repository.application_for_system(session, document.application_id)
    form = form_of(application)
    opener = codec.of(application, form)
    if document.revision is not None:
        revision = await repository.revision(session, application.id, document.revision)
        round_ = await round_queries.round_(session, application.round_id)
        return _of_submitted(document.kind, form, opener, revision, round_)
    assert document.snapshot is not None
    sections = _open(opener, document.snapshot["sections"])
    enterprise = {"uscc": application.enterprise, "name": application.enterprise_name}
    if document.kind == "commitment":
        return document_model.of_commitment(form, sections, enterprise=enterprise, at=document.requested_at)
    ids = {UUID(i) for s in form.sections for i in named_files(s, sections.get(s.key))}
    files = {
        key: {"name": a.name, "size": a.size, "sha256": a.sha256}
        for key, a in (await repository.attachments_by_id(session, application.id, ids)).items()
    }
    hidden = frozenset(document.snapshot.get("hidden", ()))
    return document_model.of_snapshot(
        form, sections, files, enterprise=enterprise, at=document.requested_at, hidden=hidden
    )


def _of_submitted(kind: str, form: Form, codec: SectionCodec, revision: Revision, round_: Round) -> AnyDocument:
    """Return a paper of a submitted revision: whole, masked, in short, or its receipt."""
    proof = Proof(url=revision.verify_url, sha256=revision.sha256, sm3=revision.sm3)
    if kind == "receipt":
        receipt = Receipt.model_validate(revision.receipt)
        return sheets.of_receipt(form, revision.content, receipt, round_title=round_.title, proof=proof)
    content = {**revision.content, "sections": _open(codec, revision.content["sections"])}
    if kind == "revision":
        # The very bytes that the digests are over.
        canonical = receipts.canonical(content).decode()
        return document_model.of_revision(form, content, proof=proof, canonical=canonical)
    shown = withheld(form, of_experts(form, masked(codec, content)))
    return (sheets.of_case_in_short if kind == "brief" else document_model.of_revision_masked)(form, shown)


def _open(codec: SectionCodec, sections: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {key: codec.open(key, values) for key, values in sections.items()}


def record_effect(document: Document, *, sha256: str, size: int, pages: int) -> str:
    """Record where the PDF stands; the first recorded hash wins and is returned."""
    if document.sha256 is None:
        document.sha256, document.size, document.pages, document.ready_at = sha256, size, pages, clock.now()
    return document.sha256


def file_name(application: Application, document: Document) -> str:
    """Return what the browser saves it as."""
    match document.kind:
        case "revision":
            return f"{application.number}-第{document.revision}版.pdf"
        case "masked":
            return f"{application.number}-第{document.revision}版-隐去个人信息.pdf"
        case "receipt":
            return f"{application.number}-第{document.revision}版-回执.pdf"
        case "brief":
            return f"{application.number}-第{document.revision}版-简表.pdf"
        case "preview":
            return "预览-草稿.pdf"
    return "承诺书-待盖章.pdf"
