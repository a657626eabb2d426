"""Walk an applicant's way once: page, 暂存, 保存表单, attachment, 提交申请, PDF, mail. Through the public door, as everybody."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from aiohttp import ClientSession, ClientTimeout, FormData

from shared import clock
from shared.synthetic import ROUND

Outcome = Literal["well", "turned_away", "failed"]
# In their order; each is one line of the runbook.
STEPS = ("signed_in", "projects", "start", "page", "autosave", "save", "attachment", "submit", "pdf", "mail")
# How long a call may take; how long a person would come again who is told to; how long the PDF and the mail may take.
CALL_SECONDS, PATIENCE_SECONDS, PDF_SECONDS, MAIL_SECONDS = 30.0, 40.0, 120.0, 120.0
LOOK_AGAIN_SECONDS = 1.0
AMOUNT = "1.00"
# One page with nothing on it, which any reader opens.
FILE = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\nxref\n0 4\n0000000000 65535 f \n"
    b"0000000009 00000 n \n0000000052 00000 n \n0000000101 00000 n \ntrailer<</Size 4/Root 1 0 R>>\n"
    b"startxref\n164\n%%EOF\n"
)


class StepFailed(Exception):
    """A step did not end as it should; the text says what was answered instead."""


class TurnedAway(Exception):
    """Too many people were there for as long as somebody would have come again."""


class SignedOut(Exception):
    """The session has ended."""


@dataclass
class Run:
    """One walk: how it ended, at which step, why, and how many seconds each step took that was reached."""

    outcome: Outcome = "well"
    step: str = ""
    reason: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


class Walk:
    """A signed-in browser of the synthetic applicant, for one walk. `cookies` are its session's."""

    def __init__(self, http: ClientSession, url: str, cookies: dict[str, str], host: str, email: str) -> None:
        """`url`: where the gateway is reached; `host`: its public name; `email`: the contact's address."""
        self._http = http
        self._url = url.rstrip("/")
        # Kept by hand: cookies that are for HTTPS alone come back through a door that has none.
        self._cookies = dict(cookies)
        self._host = host
        self._email = email
        self._csrf_token = ""
        self._id = ""
        self._until = time.monotonic() + PATIENCE_SECONDS

    async def run(self) -> Run:
        """Walk to the end, or to the first step that fails. `SignedOut` when the session has ended."""
        done = Run()
        steps: dict[str, Callable[[], Awaitable[None]]] = {name: getattr(self, f"_{name}") for name in STEPS}
        for done.step, step in steps.items():
            began = time.monotonic()
            try:
                await step()
            except SignedOut:
                raise
            except TurnedAway as told:
                done.outcome, done.reason = "turned_away", str(told)
            except StepFailed as failed:
                done.outcome, done.reason = "failed", str(failed)
            except Exception as error:
                # No connection, or an answer of another shape than ever: a failure of this step, whatever it raises here.
                done.outcome, done.reason = "failed", f"{type(error).__name__}: {error}"
            done.seconds[done.step] = time.monotonic() - began
            if done.outcome != "well":
                return done
        done.step = ""
        return done

    async def _signed_in(self) -> None:
        self._csrf_token = (await self._json("GET", "/api/v1/me"))["csrf_token"]

    async def _projects(self) -> None:
        await self._show("/projects")

    async def _start(self) -> None:
        made = await self._json("POST", "/api/v1/applications", {"round_id": str(ROUND)}, key=True)
        self._id = str(made["id"])

    async def _page(self) -> None:
        await self._show(f"/applications/{self._id}/sections/contact")

    async def _autosave(self) -> None:
        await self._keep("contact", "/draft", self._contact)

    async def _save(self) -> None:
        await self._keep("contact", "", self._contact)

    async def _attachment(self) -> None:
        where = f"/api/v1/applications/{self._id}/attachments?section=plan&slot=attachment"
        file = await self._json("POST", where, FILE)
        plan = {
            "applied_wan": AMOUNT,
            "items": [{"subject_name": "材料费", "amount_wan": AMOUNT}],
            "attachment": [file["id"]],
        }
        await self._keep("plan", "", plan)

    async def _submit(self) -> None:
        path = f"/api/v1/applications/{self._id}"
        version = (await self._json("GET", path))["version"]
        await self._json("POST", f"{path}/submit", {}, etag=str(version), key=True)

    async def _pdf(self) -> None:
        path = f"/api/v1/applications/{self._id}/revisions/1/pdf"

        async def there() -> bool:
            status, content = await self._ask("GET", path, expect=(200, 202))
            if status == 200 and not content.startswith(b"%PDF-"):
                raise StepFailed(f"GET {path}: no PDF")
            return status == 200

        await self._wait_for(there, PDF_SECONDS, "PDF")

    async def _mail(self) -> None:
        path = f"/api/v1/applications/{self._id}/timeline"

        async def there() -> bool:
            told = (await self._json("GET", path))["notifications"] or []
            mails = [notice for notice in told if notice["channel"] == "email"]
            if refused := [notice for notice in mails if notice["state"] == "undeliverable"]:
                raise StepFailed(f"the mail was refused: {refused[0]['error']}")
            return any(notice["state"] == "sent" for notice in mails)

        await self._wait_for(there, MAIL_SECONDS, "mail")

    @property
    def _contact(self) -> dict[str, Any]:
        name = f"系统自检 {clock.show(clock.now())}"
        return {"project_name": name, "contact_name": "系统自检", "email": self._email}

    async def _keep(self, section: str, way: str, values: dict[str, Any]) -> None:
        path = f"/api/v1/applications/{self._id}/sections/{section}"
        etag = (await self._json("GET", path))["etag"]
        await self._json("PUT", path + way, {"values": values}, etag=str(etag))

    async def _show(self, path: str) -> None:
        _, content = await self._ask("GET", path)
        if b"</html>" not in content:
            raise StepFailed(f"GET {path}: no whole page")

    async def _wait_for(self, there: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
        until = time.monotonic() + seconds
        while not await there():
            if time.monotonic() > until:
                raise StepFailed(f"no {what} after {seconds:.0f} s")
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _json(self, method: str, path: str, body: Any = None, **how: Any) -> Any:
        _, content = await self._ask(method, path, body, expect=(200, 201), **how)
        try:
            return json.loads(content)
        except ValueError:
            raise StepFailed(f"{method} {path}: {content[:200]!r}") from None

    async def _ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        etag: str | None = None,
        key: bool = False,
        expect: Collection[int] = (200,),
    ) -> tuple[int, bytes]:
        """Return status and content of one call; come again where that is asked for, as long as a person would."""
        headers = {"Host": self._host, "X-CSRF-Token": self._csrf_token}
        if etag is not None:
            headers["If-Match"] = f'"{etag}"'
        if key:
            headers["Idempotency-Key"] = uuid4().hex
        while True:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            given = {"data": _form(body)} if isinstance(body, bytes) else {"json": body}
            async with self._http.request(
                method,
                self._url + path,
                headers=headers,
                timeout=ClientTimeout(total=CALL_SECONDS),
                allow_redirects=False,
                **({} if body is None else given),
            ) as answer:
                content = await answer.read()
                # A place in line, a ticket of a submission.
                self._cookies |= {name: cookie.value for name, cookie in answer.cookies.items()}
            if answer.status in expect:
                return answer.status, content
            if answer.status == 401 or (answer.status == 303 and "/login" in answer.headers.get("Location", "")):
                raise SignedOut
            if answer.status not in {429, 503}:
                raise StepFailed(f"{method} {path}: {answer.status} {content[:200].decode(errors='replace')}")
            pause = float(answer.headers.get("Retry-After", 1))
            if time.monotonic() + pause > self._until:
                raise TurnedAway(f"{method} {path}: {answer.status}")
            await asyncio.sleep(pause)


def _form(content: bytes) -> FormData:
    """Return a form with one file, as a browser sends it; it can be sent once."""
    form = FormData()
    form.add_field("file", content, filename="附件.pdf", content_type="application/pdf")
    return form
