"""List the routes of the API."""

from services.gateway.api import docs, live_events, proxy
from services.gateway.web.access import ANYBODY, SIGNED_IN, Page
from services.gateway.web.limits import HEAVY, KEEPING
from shared.http.app import Route

A = "/applications/{id}"

PAGES = [
    Page("GET", "/api/v1/me", docs.me, SIGNED_IN),
    Page("GET", "/api/v1/openapi.json", docs.openapi_json, ANYBODY),
    Page("GET", "/api/v1/docs", docs.docs, ANYBODY, greets=True),
    Page("GET", "/api/v1/events", live_events.stream, SIGNED_IN),
    # Written down because of how often they may be called; what they do is their service's.
    Page("PUT", f"/api/v1{A}/sections/{{key}}/draft", proxy.forward, SIGNED_IN, limit=KEEPING),
    Page("PUT", f"/api/v1{A}/sections/{{key}}", proxy.forward, SIGNED_IN, limit=KEEPING),
    Page("POST", f"/api/v1{A}/submit", proxy.forward, SIGNED_IN, limit=KEEPING),
    Page("POST", f"/api/v1{A}/preview", proxy.forward, SIGNED_IN, limit=HEAVY),
    Page("POST", f"/api/v1{A}/revisions/{{n}}/pdf", proxy.forward, SIGNED_IN, limit=HEAVY),
    *(
        Page(method, "/api/v1/{rest:.+}", proxy.forward, SIGNED_IN)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    ),
]

# What the gateway answers itself, for the description of the API.
DESCRIBED = [
    Route("GET", "/api/v1/me", docs.me, roles=SIGNED_IN, answer=docs.Me),
    Route("GET", "/api/v1/events", live_events.stream, roles=SIGNED_IN, media_type="text/event-stream"),
]
