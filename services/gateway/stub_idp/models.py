"""The tables of schema `stub_idp`: the stub's own database, which the portal never reads but for the registry."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.database import metadata

SCHEMA = "stub_idp"


class Base(DeclarativeBase):
    metadata = metadata(SCHEMA)
    type_annotation_map: ClassVar = {
        datetime: DateTime(timezone=True),
        str: Text(),
        dict[str, Any]: JSONB(),
        list[str]: ARRAY(Text()),
    }


class StubAccount(Base):
    """A password account."""

    __tablename__ = "accounts"

    username: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    # What tokeninfo says of it: `cn`, `idCardNumber`, `credenceClass`, and the extended properties.
    attributes: Mapped[dict[str, Any]]
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


class StubGrant(Base):
    """A code that was given out for what `attributes` say, and the token it was changed for. Only digests are kept."""

    __tablename__ = "grants"

    code_sha256: Mapped[str] = mapped_column(primary_key=True)
    attributes: Mapped[dict[str, Any]]
    client_id: Mapped[str]
    redirect_uri: Mapped[str]
    code_challenge: Mapped[str]
    scope: Mapped[str]
    nonce: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    token_sha256: Mapped[str | None] = mapped_column(unique=True)
    token_expires_at: Mapped[datetime | None]


class StubRegistryEntry(Base):
    """An entry of the stub of the legal-person registry (法人库)."""

    __tablename__ = "registry"

    uscc: Mapped[str] = mapped_column(primary_key=True)
    attributes: Mapped[dict[str, Any]]
