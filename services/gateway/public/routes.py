"""List the routes for whoever holds a document or a link."""

from services.gateway.public import notices, phone, publicity, unsubscribe, verify
from services.gateway.web.access import ANYBODY, Page
from services.gateway.web.limits import VERIFY

PAGES = [
    Page("GET", "/verify", verify.entrance, ANYBODY, greets=True),
    Page("GET", "/verify/{token}", verify.show, ANYBODY, limit=VERIFY, greets=True),
    Page("POST", "/verify/{token}", verify.compare, ANYBODY, limit=VERIFY, files=True, greets=True),
    Page("GET", "/.well-known/gongmei-keys.json", verify.keys, ANYBODY, limit=VERIFY),
    Page("GET", "/publicity", publicity.show, ANYBODY, limit=VERIFY, greets=True),
    Page("GET", "/publicity/{id}", publicity.show_one, ANYBODY, limit=VERIFY, greets=True),
    Page("GET", "/publicity/{id}/pdf", publicity.pdf, ANYBODY, limit=VERIFY),
    Page("GET", "/notices/{id}", notices.show, ANYBODY, greets=True),
    Page("GET", "/notices/{id}/files/{file}", notices.file, ANYBODY),
    Page("GET", "/phone/{token}", phone.show, ANYBODY),
    Page("POST", "/phone/{token}", phone.take, ANYBODY, files=True),
    Page("GET", "/unsubscribe/{token}", unsubscribe.show, ANYBODY, limit=VERIFY, greets=True),
    Page("POST", "/unsubscribe/{token}", unsubscribe.change, ANYBODY, limit=VERIFY, greets=True),
]
