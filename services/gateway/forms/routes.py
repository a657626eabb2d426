"""List the routes of 表单工作台."""

from services.gateway.forms import desk, editor, examples, trying
from services.gateway.web.access import Page
from shared.roles import FORM_EDITOR

EDIT = "/forms/{fund_type}/edit"

PAGES = [
    Page("GET", "/forms", desk.overview, FORM_EDITOR),
    Page("POST", "/forms", desk.begin, FORM_EDITOR, form=True),
    Page("GET", EDIT, editor.show, FORM_EDITOR),
    Page("POST", EDIT, editor.act, FORM_EDITOR, form=True),
    Page("GET", f"{EDIT}/part", editor.show_part, FORM_EDITOR),
    Page("GET", f"{EDIT}/examples", examples.show, FORM_EDITOR),
    Page("POST", f"{EDIT}/examples", examples.add, FORM_EDITOR, form=True),
    Page("GET", f"{EDIT}/examples/{{n}}", examples.show_one, FORM_EDITOR),
    Page("POST", f"{EDIT}/examples/{{n}}", examples.change, FORM_EDITOR, form=True),
    Page("GET", f"{EDIT}/try", trying.show, FORM_EDITOR),
    Page("POST", f"{EDIT}/try", trying.try_out, FORM_EDITOR, form=True),
    Page("POST", f"{EDIT}/look", editor.look, FORM_EDITOR, form=True),
    Page("GET", f"{EDIT}/preview", editor.preview, FORM_EDITOR),
    Page("GET", f"{EDIT}/pdf", editor.pdf, FORM_EDITOR),
    Page("GET", "/forms/{fund_type}/{version}", desk.show_version, FORM_EDITOR),
    Page("POST", "/forms/{fund_type}/{version}", desk.act, FORM_EDITOR, form=True),
]
