"""Anchor the heads of the gateway's audit with applications, which has the object store."""

from aiohttp import ClientError, ClientSession, ClientTimeout
from pydantic import BaseModel, ValidationError

from services.gateway.settings import GatewaySettings
from shared.identity import Signer

PATH = "/internal/audit-heads"
LIMIT = ClientTimeout(total=30, connect=3)


class _Lines(BaseModel):
    lines: list[str]


class RemoteHeads:
    """The anchors of one chain, over HTTP; `OSError` when applications does not answer as it should."""

    def __init__(self, http: ClientSession, settings: GatewaySettings) -> None:
        self._http = http
        self._url = str(settings.applications_url).rstrip("/") + PATH
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
        headers = self._signer.headers("applications")
        try:
            async with self._http.request(method, self._url, headers=headers, json=json, timeout=LIMIT) as answer:
                answer.raise_for_status()
                return await answer.read()
        except (ClientError, TimeoutError) as error:
            raise OSError(f"applications: {error!r}") from error
