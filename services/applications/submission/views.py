"""Show revisions as the public HTTP contract does."""

from services.applications.tables.applications import Revision
from shared.contract.submission import Receipt, RevisionView


def revision_view(revision: Revision) -> RevisionView:
    return RevisionView(
        number=revision.number,
        received_at=revision.received_at,
        sha256=revision.sha256,
        sm3=revision.sm3,
        form_version=revision.content["form"]["version"],
        receipt=Receipt.model_validate(revision.receipt),
    )
