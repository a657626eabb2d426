"""Name the objects of the store that hold documents."""

from uuid import UUID


def document_key(document_id: UUID) -> str:
    """Return the outbox's name for a document that is owed."""
    return f"document:{document_id}"
