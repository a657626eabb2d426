"""List the routes of 政策沙盘: who may call a route, with what."""

from services.applications.sandbox import api
from shared.contract.sandbox import SandboxInput, SandboxRunView, SandboxView
from shared.http.app import Route
from shared.roles import GATEWAY, POLICY

S = "/api/v1/sandbox/{fund_type}"

ROUTES = [
    Route("GET", S, api.show, GATEWAY, POLICY, answer=SandboxView),
    Route("POST", f"{S}/runs", api.ask, GATEWAY, POLICY, SandboxInput, SandboxRunView, 201),
    Route("GET", f"{S}/runs/{{id}}", api.get_run, GATEWAY, POLICY, answer=SandboxRunView),
    Route("DELETE", f"{S}/runs/{{id}}", api.stop, GATEWAY, POLICY, answer=SandboxRunView),
]
