"""Anchor the heads of the gateway's audit with applications, which has the object store."""

from aiohttp import ClientError, ClientSession, ClientTimeout
from pydantic import BaseModel, ValidationError
from yarl import URL

from services.gateway.settings import GatewaySettings
from services.gateway.web.outgoing import Outgoing
from shared.identity import Signer
from shared.text.json_text import dumps

PATH = "/internal/audit-heads"
LIMIT = ClientTimeout(total=30, connect=3)


class _Lines(BaseModel):
    lines: list[str]


class RemoteHeads:
    """The anchors of one chain, over HTTP; `OSError` when applications does not answer as it should."""

    def __init__(self, http: ClientSession, settings: GatewaySettings) -> None:
        self._outgoing = Outgoing(http)
        self._url = URL(str(settings.applications_url).rstrip("/") + PATH)
        self._signer = Signer("gateway", settings.signing_key)

    async def put(self, schema: str, line: str) -> None:
        """Put an anchor."""
        await self._call("POST", {"line": line})

    async def all(self, schema: str) -> list[str]:
        """Every line that was put."""
        try:
            return _Lines.model_validate_json(await self._call("GET")).lines
        except ValidationError as error:
            raise OSError("applications answered something else") from error

    async def _call(self, method: str, json: dict[str, str] | None = None) -> bytes:
        headers = self._signer.headers("applications", method, self._url.raw_path_qs)
        body = None if json is None else dumps(json)
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self._outgoing.call(method, self._url, headers=headers, body=body, timeout=LIMIT) as answer:
                answer.raise_for_status()
                return await answer.read()
        except (ClientError, TimeoutError) as error:
            raise OSError(f"applications: {error!r}") from error
