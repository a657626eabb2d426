"""A file in every slot of an application, kept as an upload is once it has come and been looked into: the way there is tested for
itself, and would be dearer than all that a test begins with (docs/decisions/0180)."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.attachments.attachments import keep
from services.applications.attachments.uploads import Examined, Received
from services.applications.core.codec import Codec
from services.applications.settings import ApplicationsSettings
from shared import clock
from shared.identity import Actor
from shared.store import Store
from tests import factories


async def attach(
    session: AsyncSession,
    store: Store,
    settings: ApplicationsSettings,
    actor: Actor,
    id: UUID,
    slots: Mapping[str, str],
) -> dict[str, list[str]]:
    """Keep a small file in each slot (`slots`: its section); the ids by slot."""
    files: dict[str, list[str]] = {}
    codec = Codec(*settings.master_keys)
    actor = actor.model_copy(update={"received_at": clock.now()})
    with TemporaryDirectory() as folder:
        for slot, section in slots.items():
            name, content = factories.file_for(slot)
            path = Path(folder) / name
            path.write_bytes(content)
            file = Received(path, name, len(content), hashlib.sha256(content).hexdigest(), content[:16])
            examined = Examined("image/png" if name.endswith("png") else "application/pdf", None)
            kept = await keep(
                session, store, codec, actor, id, section, slot, file, examined,
                total_mb=settings.attachments_total_mb,
            )  # fmt: skip
            files[slot] = [str(kept.id)]
    return files
