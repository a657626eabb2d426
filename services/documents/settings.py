"""Define the settings of the documents worker."""

from pydantic import AnyHttpUrl, Field, SecretStr

from shared.settings import Settings


class DocumentsSettings(Settings):
    broker_url: SecretStr
    store_url: str
    applications_url: AnyHttpUrl
    # Rendering is CPU work: one process per core.
    documents_concurrency: int = Field(default=1, ge=1, le=64)
    # What one document may take: seconds of work, and megabytes of memory of the process that makes it.
    documents_seconds: int = Field(default=30, ge=5, le=300)
    documents_memory_mb: int = Field(default=1024, ge=256)
    # Render by the patches in `faster/`, which reach into WeasyPrint: the same pages at two thirds of the CPU.
    documents_faster: bool = True
    ready_file: str | None = None
    metrics_port: int = Field(default=0, ge=0, le=65535)
