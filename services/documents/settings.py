"""Settings of the documents worker."""

from pydantic import AnyHttpUrl, Field, SecretStr

from shared.settings import Settings


class DocumentsSettings(Settings):
    broker_url: SecretStr
    store_url: str
    applications_url: AnyHttpUrl
    # Rendering is CPU work: one process per core.
    documents_concurrency: int = Field(default=1, ge=1, le=64)
    ready_file: str | None = None
