"""List the routes of 表单工作台: who may call a route, with what."""

from services.applications.workbench import api
from shared.contract.applications import Nothing
from shared.contract.workbench import (
    FormDraftText,
    FormDraftView,
    FormExample,
    FormMerge,
    FormMerged,
    FormNote,
    FormPreview,
    FormRead,
    FormTrial,
    FormTried,
    FormTypeView,
    FormVersionText,
    NewFormDraft,
)
from shared.http.app import Route
from shared.roles import FORM_EDITOR, GATEWAY

D = "/api/v1/form-drafts/{fund_type}"
V = "/api/v1/form-versions/{fund_type}/{version}"

ROUTES = [
    Route("GET", "/api/v1/form-versions", api.list_types, GATEWAY, FORM_EDITOR, answer=list[FormTypeView]),
    Route("GET", V, api.get_version, GATEWAY, FORM_EDITOR, answer=FormVersionText, query=("against",)),
    Route("POST", f"{V}/retirement", api.retire, GATEWAY, FORM_EDITOR, FormNote, FormVersionText),
    Route("DELETE", f"{V}/retirement", api.resume, GATEWAY, FORM_EDITOR, answer=FormVersionText),
    Route("POST", "/api/v1/form-drafts", api.begin, GATEWAY, FORM_EDITOR, NewFormDraft, FormDraftView, 201),
    Route("GET", D, api.get_draft, GATEWAY, FORM_EDITOR, answer=FormDraftView),
    Route("PUT", D, api.save_draft, GATEWAY, FORM_EDITOR, FormDraftText, FormDraftView, if_match=True),
    Route("DELETE", D, api.discard_draft, GATEWAY, FORM_EDITOR, answer=Nothing, if_match=True),
    Route("POST", f"{D}/look", api.look_at, GATEWAY, FORM_EDITOR, FormDraftText, FormRead),
    Route("POST", f"{D}/merge", api.merge, GATEWAY, FORM_EDITOR, FormMerge, FormMerged),
    Route("POST", f"{D}/saves/{{n}}", api.take_back, GATEWAY, FORM_EDITOR, answer=FormDraftView, if_match=True),
    Route("GET", f"{D}/preview", api.preview, GATEWAY, FORM_EDITOR, answer=FormPreview, query=("section", "filled")),
    Route(
        "POST", f"{D}/preview", api.preview_typed, GATEWAY, FORM_EDITOR, FormDraftText, FormPreview,
        query=("section", "filled"),
    ),
    Route("POST", f"{D}/examples", api.add_example, GATEWAY, FORM_EDITOR, FormExample, FormDraftView, 201, if_match=True),
    Route("PUT", f"{D}/examples/{{n}}", api.change_example, GATEWAY, FORM_EDITOR, FormExample, FormDraftView, if_match=True),
    Route("DELETE", f"{D}/examples/{{n}}", api.remove_example, GATEWAY, FORM_EDITOR, answer=FormDraftView, if_match=True),
    Route("POST", f"{D}/trial", api.try_formula, GATEWAY, FORM_EDITOR, FormTrial, FormTried),
    Route("POST", f"{D}/proposal", api.propose, GATEWAY, FORM_EDITOR, FormNote, FormDraftView, if_match=True),
    Route("DELETE", f"{D}/proposal", api.withdraw, GATEWAY, FORM_EDITOR, answer=FormDraftView, if_match=True),
    Route("POST", f"{D}/publish", api.publish, GATEWAY, FORM_EDITOR, answer=FormVersionText, status=201, if_match=True),
]  # fmt: skip
