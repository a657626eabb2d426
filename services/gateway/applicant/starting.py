"""Start an application: with answers where its round asks for them before."""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from services.gateway.web.calls import ask, profile
from shared.contract.sections import ApplicationView


async def start(
    request: web.Request, round_id: str, copy_from: str, key: str, answers: dict[str, Any] | None = None
) -> str:
    """Start it and return the page to go on with: its first material, or what became of what was copied."""
    body: dict[str, Any] = {"round_id": round_id}
    if copy_from:
        body["copy_from"] = copy_from
    if answers is not None:
        body["answers"] = answers
    beside = await profile(request, anew=True)
    made = (await ask(request, "POST", "/applications", ApplicationView, json=body, key=key, beside=beside)).body
    return f"/applications/{made.id}/" + ("report" if copy_from else f"sections/{made.sections[0].key}")


def questions(round_id: str, copy_from: str) -> str:
    """The page that asks what the round wants to know first."""
    return "/projects/eligibility?" + urlencode({"round": round_id, "copy_from": copy_from})
