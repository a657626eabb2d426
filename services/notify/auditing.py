"""Record in the audit of applications what the bureau's people do with notices: notify keeps no audit of its own."""

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from yarl import URL

from shared.errors import Unavailable
from shared.identity import Actor, Signer
from shared.messages import NoteResend
from shared.observability import tracing
from shared.overload import deadline

SECONDS = 5.0


class Auditor:
    """Writes audit rows over HTTP."""

    def __init__(self, http: ClientSession, signer: Signer, applications_url: str) -> None:
        self._http = http
        self._signer = signer
        self._url = URL(applications_url.rstrip("/") + "/internal/resends")

    async def note(self, actor: Actor, done: NoteResend) -> None:
        """Record it; `Unavailable` when applications does not answer, and then nothing may be done."""
        signed = self._signer.headers("applications", "POST", self._url.raw_path_qs, actor)
        headers = signed | deadline.headers() | tracing.headers()
        headers["Content-Type"] = "application/json"
        limit = ClientTimeout(total=deadline.left(SECONDS))
        try:
            async with self._http.post(
                self._url, data=done.model_dump_json(), headers=headers, timeout=limit
            ) as said:
                said.raise_for_status()
        except (ClientError, TimeoutError) as error:
            raise Unavailable("申报服务没有响应，无法登记，未重新发送，请稍后再试。") from error


AUDITOR = web.AppKey("auditor", Auditor)


def shortened(address: str) -> str:
    """An address as the audit keeps it: `l***@example.com`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}***@{domain}" if name else ""
