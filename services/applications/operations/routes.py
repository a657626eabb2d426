"""List the routes of operators and workers: who may call a route, with what."""

from services.applications.operations import api, audit_api, jobs_api, switches_api
from services.applications.operations.address_checks import check_address
from services.applications.operations.audit_heads import HeadLine, HeadLines, keep_head, list_heads
from services.applications.operations.resends import note_resend
from shared.contract.applications import Nothing
from shared.contract.operations import AuditPage, Overview, RequeueAll, Requeued
from shared.contract.switches import Board, SwitchesInput, SwitchesView
from shared.document import DocumentModel
from shared.http.app import Route
from shared.messages import CheckAddress, FailJob, JobFinished, JobStarted, NoteResend, StartJob
from shared.roles import AUDITOR, DOCUMENTS, GATEWAY, NOTIFY, OPERATOR, TELLERS, WORKERS

JOB = "/internal/jobs/{id}"

ROUTES = [
    Route(
        "GET", "/api/v1/audit", audit_api.read_audit, GATEWAY, AUDITOR,
        answer=AuditPage, query=("actor", "action", "application", "since", "until", "cursor", "limit"),
    ),
    Route("GET", "/api/v1/ops/overview", api.overview, GATEWAY, OPERATOR, answer=Overview),
    Route(
        "POST", "/api/v1/ops/parked/requeue", api.requeue_all, GATEWAY, OPERATOR, RequeueAll, answer=Requeued
    ),
    Route("POST", "/api/v1/ops/parked/{id}/requeue", api.requeue, GATEWAY, OPERATOR, Nothing, status=204),
    Route("GET", "/api/v1/ops/switches", switches_api.show, GATEWAY, OPERATOR, answer=SwitchesView),
    Route(
        "PUT", "/api/v1/ops/switches", switches_api.change, GATEWAY, OPERATOR,
        SwitchesInput, SwitchesView, if_match=True,
    ),
    Route("POST", f"{JOB}/start", jobs_api.start, WORKERS, body=StartJob, answer=JobStarted),
    Route("POST", f"{JOB}/finish", jobs_api.finish, WORKERS, body=jobs_api.Finish, answer=JobFinished),
    Route("POST", f"{JOB}/fail", jobs_api.fail, WORKERS, body=FailJob, status=204),
    Route("GET", "/internal/documents/{id}/model", jobs_api.model, DOCUMENTS, answer=DocumentModel),
    Route("GET", "/internal/switches", switches_api.show_board, GATEWAY, answer=Board),
    Route("POST", "/internal/address-checks", check_address, GATEWAY, body=CheckAddress, status=204),
    Route("POST", "/internal/resends", note_resend, NOTIFY, TELLERS, NoteResend, status=204),
    Route("POST", "/internal/audit-heads", keep_head, GATEWAY, body=HeadLine, status=204),
    Route("GET", "/internal/audit-heads", list_heads, GATEWAY, answer=HeadLines),
]  # fmt: skip
