"""Define the tables of schema `stub_idp`. The portal never reads them."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, func
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
    # Of accounts that registered: the enterprise, a digest of the handler's document, where mails go.
    uscc: Mapped[str | None]
    handler_digest: Mapped[str | None]
    email: Mapped[str | None]
    # `pending` until a foreign legal person's document has been looked at.
    status: Mapped[str] = mapped_column(default="active")
    # Decides about documents and unbinding on the platform's own pages.
    is_reviewer: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        CheckConstraint("status IN ('active', 'pending', 'refused')", name="status"),
        # 一个办事人在同一个单位下，只能注册一个口令账号。
        UniqueConstraint("uscc", "handler_digest"),
    )


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


class StubRegistration(Base):
    """法人身份鉴证 is passed, 创建账号 is still to come."""

    __tablename__ = "registrations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    browser_sha256: Mapped[str]
    uscc: Mapped[str]
    org_name: Mapped[str]
    document: Mapped[str]
    legal_name: Mapped[str]
    document_number: Mapped[str]
    scan: Mapped[bytes | None] = mapped_column(LargeBinary)
    scan_type: Mapped[str | None]
    expires_at: Mapped[datetime]


class StubReview(Base):
    """A request that a person of the platform decides: a document (`document`) or 解绑 (`unbinding`). What was
    handed in for it is kept until then and no longer."""

    __tablename__ = "reviews"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    uscc: Mapped[str]
    username: Mapped[str] = mapped_column(ForeignKey(StubAccount.username))
    facts: Mapped[dict[str, Any]]
    scan: Mapped[bytes | None] = mapped_column(LargeBinary)
    scan_type: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    approved: Mapped[bool | None]
    reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("kind IN ('document', 'unbinding')", name="kind"),
        Index("uq_reviews_open", "kind", "username", unique=True, postgresql_where="decided_at IS NULL"),
    )


class StubBinding(Base):
    """An enterprise's 资金申报(工美) is still bound to an account of before: 解绑 comes first."""

    __tablename__ = "bindings"

    uscc: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]


class StubChallenge(Base):
    """A captcha, or a text for a certificate to sign: for one browser, answered once, right or wrong."""

    __tablename__ = "challenges"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    browser_sha256: Mapped[str]
    answer: Mapped[str]
    expires_at: Mapped[datetime]


class StubResetCode(Base):
    """The code that was mailed for a forgotten password."""

    __tablename__ = "reset_codes"

    username: Mapped[str] = mapped_column(primary_key=True)
    code_sha256: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class StubMail(Base):
    """A mail that is owed, written together with what it tells of."""

    __tablename__ = "mails"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    recipient: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]


class StubFailures(Base):
    """Wrong passwords from one address, or for one name, which need not exist."""

    __tablename__ = "failures"

    address: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    counted_from: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class StubSession(Base):
    """A reviewer of the platform, signed in to its own pages."""

    __tablename__ = "sessions"

    id_sha256: Mapped[str] = mapped_column(primary_key=True)
    username: Mapped[str]
    csrf_token: Mapped[str]
    expires_at: Mapped[datetime]
