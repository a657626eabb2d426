"""Every route of the service: who may call it, for whom, with what."""

from services.applications.api import (
    applications,
    attachments,
    audit,
    case,
    documents,
    history,
    jobs,
    opinions,
    ops,
    rounds,
    sections,
    switches,
    taking_over,
    unlocking,
    verify,
)
from services.applications.audit_schemas import AuditPage
from services.applications.desk_schemas import (
    AskUnlock,
    FilePages,
    UnlockRequestView,
)
from services.applications.forms.checks import Outcome
from services.applications.forms.definition import Form
from services.applications.operations.audit_heads import HeadLine, HeadLines, keep_head, list_heads
from services.applications.operations.resends import note_resend
from services.applications.ops_schemas import Overview, RequeueAll, Requeued
from services.applications.review_routes import review_routes
from services.applications.round_schemas import (
    CloseRound,
    ExtensionInput,
    FormSummary,
    NewRound,
    PublishRound,
    RoundChange,
    RoundDetail,
    RoundView,
)
from services.applications.schemas import (
    ApplicationPage,
    ApplicationView,
    AttachmentView,
    Change,
    DocumentStatus,
    Nothing,
    Obstacle,
    OpinionView,
    Reply,
    RevisionSnapshot,
    RevisionView,
    SectionValues,
    SectionView,
    SectionWritten,
    StartApplication,
    Submit,
    Submitted,
)
from services.applications.stage_routes import stage_routes
from services.applications.switch_schemas import SwitchesInput, SwitchesView
from services.applications.taken_over_schemas import (
    LeftOverView,
    Prefill,
    PrefillReport,
    Rebased,
    ReportView,
)
from services.applications.timeline_schemas import Timeline
from services.applications.use_cases.verify import Verification
from shared import openapi
from shared.document import DocumentModel
from shared.identity import Role
from shared.messages import FailJob, JobFinished, JobStarted, NoteResend, StartJob
from shared.web import HEALTH, METRICS, Route

GATEWAY = frozenset({"gateway"})
WORKERS = frozenset({"documents", "notify"})
RENDERER = frozenset({"documents"})
NOTIFY = frozenset({"notify"})

APPLICANT = frozenset({Role.APPLICANT})
REVIEWER = frozenset({Role.REVIEWER})
DIRECTOR = frozenset({Role.DIRECTOR})
AUDITOR = frozenset({Role.AUDITOR})
OPERATOR = frozenset({Role.OPERATOR})
STAFF = frozenset({Role.REVIEWER, Role.DIRECTOR, Role.AUDITOR})
READERS = APPLICANT | STAFF
# An expert reads what one scores: the materials, not the correspondence.
JUDGES = READERS | {Role.EXPERT}
# Who may have a notice sent again.
TELLERS = frozenset({Role.REVIEWER, Role.DIRECTOR, Role.OPERATOR})
EVERYONE = frozenset(Role) - {Role.SYSTEM}

A = "/api/v1/applications/{id}"
LIST = ("state", "q", "fund_type", "cursor", "limit")


def _public() -> list[Route]:
    return [
        # rounds and forms
        # Without a person: what is open, and until when, stands at the entrance for everybody.
        Route("GET", "/api/v1/rounds", rounds.list_rounds, GATEWAY, answer=list[RoundView]),
        Route("POST", "/api/v1/rounds", rounds.create_round, GATEWAY, OPERATOR, NewRound, RoundDetail, 201),
        Route("GET", "/api/v1/rounds/{id}", rounds.get_round, GATEWAY, OPERATOR, answer=RoundDetail),
        Route("PATCH", "/api/v1/rounds/{id}", rounds.change_round, GATEWAY, OPERATOR, RoundChange, RoundDetail),
        Route(
            "POST", "/api/v1/rounds/{id}/publish", rounds.publish_round, GATEWAY, OPERATOR, PublishRound, RoundDetail
        ),
        Route("POST", "/api/v1/rounds/{id}/close", rounds.close_round, GATEWAY, OPERATOR, CloseRound, RoundDetail),
        Route(
            "POST", "/api/v1/rounds/{id}/extensions", rounds.extend_round, GATEWAY, OPERATOR,
            ExtensionInput, ExtensionInput, 201,
        ),
        Route("GET", "/api/v1/forms", rounds.list_forms, GATEWAY, EVERYONE, answer=list[FormSummary]),
        Route("GET", "/api/v1/forms/{fund_type}/{version}", rounds.get_form, GATEWAY, EVERYONE, answer=Form),
        # applications
        Route(
            "GET", "/api/v1/applications", applications.list_applications, GATEWAY, APPLICANT,
            answer=ApplicationPage, query=LIST,
        ),
        Route(
            "POST", "/api/v1/applications", applications.create_application, GATEWAY, APPLICANT,
            StartApplication, ApplicationView, 201, idempotent=True,
        ),
        Route("GET", A, applications.get_application, GATEWAY, JUDGES, answer=ApplicationView),
        Route(
            "DELETE", A, applications.delete_application, GATEWAY, APPLICANT, Nothing, status=204, if_match=True
        ),
        Route(
            "POST", f"{A}/submit", applications.submit_application, GATEWAY, APPLICANT,
            Submit, Submitted, if_match=True, idempotent=True,
        ),
        Route(
            "POST", f"{A}/withdraw", applications.withdraw_application, GATEWAY, APPLICANT,
            Nothing, ApplicationView, if_match=True,
        ),
        Route(
            "GET", f"{A}/checks", applications.get_checks, GATEWAY, JUDGES, answer=list[Outcome], query=("typed",)
        ),
        Route(
            "POST", f"{A}/prefill", applications.prefill, GATEWAY, APPLICANT, Prefill, PrefillReport,
        ),
        Route("GET", f"{A}/problems", applications.get_problems, GATEWAY, APPLICANT, answer=list[Obstacle]),
        # sections
        Route("GET", f"{A}/sections/{{key}}", sections.get_section, GATEWAY, APPLICANT, answer=SectionView),
        Route(
            "PUT", f"{A}/sections/{{key}}", sections.save_section, GATEWAY, APPLICANT,
            SectionValues, SectionWritten, if_match=True,
        ),
        Route(
            "PUT", f"{A}/sections/{{key}}/draft", sections.keep_draft, GATEWAY, APPLICANT,
            SectionValues, SectionWritten, if_match=True,
        ),
        Route(
            "DELETE", f"{A}/sections/{{key}}/draft", sections.discard_draft, GATEWAY, APPLICANT,
            Nothing, SectionWritten, if_match=True,
        ),
        # values that were taken over
        Route("GET", f"{A}/rebase", taking_over.foresee, GATEWAY, APPLICANT, answer=ReportView),
        Route(
            "POST", f"{A}/rebase", taking_over.rebase, GATEWAY, APPLICANT, Nothing, Rebased, if_match=True
        ),
        Route("GET", f"{A}/reports", taking_over.reports, GATEWAY, APPLICANT, answer=list[ReportView]),
        Route("GET", f"{A}/left-over", taking_over.left_over, GATEWAY, APPLICANT, answer=list[LeftOverView]),
        Route(
            "DELETE", f"{A}/left-over/{{item}}", taking_over.dismiss_left_over, GATEWAY, APPLICANT, Nothing, status=204
        ),
        # attachments
        Route(
            "POST", f"{A}/attachments", attachments.upload, GATEWAY, APPLICANT,
            answer=AttachmentView, status=201, query=("section", "slot"), takes_file=True,
        ),
        Route(
            "GET", f"{A}/attachments/{{attachment}}", attachments.download, GATEWAY, JUDGES,
            media_type="application/octet-stream",
        ),
        Route(
            "GET", f"{A}/attachments/{{attachment}}/pages", case.count_pages, GATEWAY, JUDGES, answer=FilePages
        ),
        Route(
            "GET", f"{A}/attachments/{{attachment}}/pages/{{n}}", case.show_page, GATEWAY, JUDGES,
            media_type="image/webp",
        ),
        Route("DELETE", f"{A}/attachments/{{attachment}}", attachments.remove, GATEWAY, APPLICANT, status=204),
        # documents
        Route(
            "POST", f"{A}/preview", documents.preview, GATEWAY, APPLICANT,
            media_type="application/pdf", waits=DocumentStatus, query=("look",),
        ),
        Route(
            "GET", f"{A}/commitment.pdf", documents.commitment, GATEWAY, APPLICANT,
            media_type="application/pdf", waits=DocumentStatus, query=("look",),
        ),
        Route(
            "POST", f"{A}/revisions/{{n}}/pdf", documents.make_pdf, GATEWAY, JUDGES,
            Nothing, DocumentStatus, waits=DocumentStatus, query=("look",),
        ),
        Route(
            "GET", f"{A}/revisions/{{n}}/pdf", documents.get_pdf, GATEWAY, JUDGES,
            media_type="application/pdf", waits=DocumentStatus,
        ),
        # history
        Route(
            "GET", f"{A}/unlock-requests", unlocking.list_requests, GATEWAY, READERS, answer=list[UnlockRequestView]
        ),
        Route(
            "POST", f"{A}/unlock-requests", unlocking.ask, GATEWAY, APPLICANT, AskUnlock, UnlockRequestView, 201
        ),
        Route("GET", f"{A}/opinions", opinions.list_opinions, GATEWAY, READERS, answer=list[OpinionView]),
        Route(
            "PUT", f"{A}/opinions/{{opinion}}", opinions.answer_opinion, GATEWAY, APPLICANT, Reply, OpinionView
        ),
        Route("GET", f"{A}/revisions", history.list_revisions, GATEWAY, READERS, answer=list[RevisionView]),
        Route(
            "GET", f"{A}/revisions/{{n}}", history.get_revision, GATEWAY, JUDGES,
            answer=RevisionSnapshot, query=("masked",),
        ),
        Route(
            "POST", f"{A}/revisions/{{n}}/reveal", history.reveal, GATEWAY, APPLICANT | REVIEWER | DIRECTOR,
            Nothing, RevisionSnapshot,
        ),
        Route(
            "GET", f"{A}/revisions/{{n}}/changes", history.get_changes, GATEWAY, READERS,
            answer=list[Change], query=("since", "masked"),
        ),
        Route("GET", f"{A}/changes", history.get_pending_changes, GATEWAY, READERS, answer=list[Change]),
        Route(
            "GET", "/api/v1/audit", audit.read_audit, GATEWAY, AUDITOR,
            answer=AuditPage, query=("actor", "action", "application", "since", "until", "cursor", "limit"),
        ),
        Route("GET", f"{A}/timeline", history.timeline, GATEWAY, READERS, answer=Timeline),
        *review_routes(),
        *stage_routes(),
        # operators
        Route("GET", "/api/v1/ops/overview", ops.overview, GATEWAY, OPERATOR, answer=Overview),
        Route(
            "POST", "/api/v1/ops/parked/requeue", ops.requeue_all, GATEWAY, OPERATOR, RequeueAll, answer=Requeued
        ),
        Route("POST", "/api/v1/ops/parked/{id}/requeue", ops.requeue, GATEWAY, OPERATOR, Nothing, status=204),
        Route("GET", "/api/v1/ops/switches", switches.show, GATEWAY, OPERATOR, answer=SwitchesView),
        Route(
            "PUT", "/api/v1/ops/switches", switches.change, GATEWAY, OPERATOR,
            SwitchesInput, SwitchesView, if_match=True,
        ),
    ]  # fmt: skip


def _internal() -> list[Route]:
    job = "/internal/jobs/{id}"
    return [
        Route("POST", f"{job}/start", jobs.start, WORKERS, body=StartJob, answer=JobStarted),
        Route("POST", f"{job}/finish", jobs.finish, WORKERS, body=jobs.Finish, answer=JobFinished),
        Route("POST", f"{job}/fail", jobs.fail, WORKERS, body=FailJob, status=204),
        Route("GET", "/internal/documents/{id}/model", jobs.model, RENDERER, answer=DocumentModel),
        Route(
            "GET", "/internal/verify/{token}", verify.verification, GATEWAY, answer=Verification, query=("file",)
        ),
        Route("GET", "/internal/keys", verify.keys, GATEWAY),
        Route("GET", "/internal/switches", switches.show, GATEWAY, answer=SwitchesView),
        Route("POST", "/internal/resends", note_resend, NOTIFY, TELLERS, NoteResend, status=204),
        Route("POST", "/internal/audit-heads", keep_head, GATEWAY, body=HeadLine, status=204),
        Route("GET", "/internal/audit-heads", list_heads, GATEWAY, answer=HeadLines),
        Route("GET", "/internal/openapi.json", openapi.describe, GATEWAY),
    ]


ROUTES = [*_public(), *_internal(), *HEALTH, *METRICS]
