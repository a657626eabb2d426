"""Define the tables of schema `identity`."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.audit.chain import Ledger
from shared.database import metadata

SCHEMA = "identity"
AUDIT = Ledger(SCHEMA, ("id", "at", "subject", "action", "address", "request_id", "details", "result"))


class Base(DeclarativeBase):
    metadata = metadata(SCHEMA)
    type_annotation_map: ClassVar = {
        datetime: DateTime(timezone=True),
        str: Text(),
        dict[str, Any]: JSONB(),
        list[str]: ARRAY(Text()),
        list[dict[str, Any]]: JSONB(),
    }


class Account(Base):
    """An account: a person of an enterprise, or of the staff. Staff are entered before they can sign in."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # The platform's `uid`.
    subject: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    roles: Mapped[list[str]]
    enterprise: Mapped[str | None]
    enterprise_name: Mapped[str | None]
    # The attributes of the last sign-in (`accounts/attributes.py`).
    sealed_attributes: Mapped[bytes | None] = mapped_column(LargeBinary)
    attributes_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    disabled_at: Mapped[datetime | None]
    # What the person may do for the enterprise (`shared.identity.Duty`); None: everything. Whoever administers may do everything.
    duties: Mapped[list[str] | None]
    administers: Mapped[bool] = mapped_column(server_default=text("false"))
    # The applications of other enterprises that the person was invited to: what of `invitations` every request needs.
    grants: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'"), default=list)

    __table_args__ = (Index("ix_identity_accounts_enterprise", "enterprise"),)

    @property
    def all_duties(self) -> frozenset[str] | None:
        """The duties as they count: None is everything."""
        return None if self.administers or self.duties is None else frozenset(self.duties)


class StaffMail(Base):
    """Where somebody of the bureau or an expert wants mail: `email` once it was shown to be theirs, and an address that waits for its code, of which
    only a digest is kept."""

    __tablename__ = "staff_mail"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    email: Mapped[str | None]
    verified_at: Mapped[datetime | None]
    asked: Mapped[str | None]
    asked_at: Mapped[datetime | None]
    code_sha256: Mapped[str | None]
    # Wrong codes since it was sent.
    misses: Mapped[int] = mapped_column(server_default=text("0"), default=0)


class Invitation(Base):
    """An invitation of an enterprise: to all that is its own, for a colleague, or to one application, for a person of another company.

    Only a digest of the link's secret is kept. Whoever accepts it first is bound to it (`used_by`); an application stays open to
    that person until `ended_at`.
    """

    __tablename__ = "invitations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    enterprise: Mapped[str] = mapped_column(index=True)
    enterprise_name: Mapped[str]
    # None: the whole enterprise.
    application: Mapped[UUID | None]
    application_name: Mapped[str | None]
    # Whose people may accept it.
    for_enterprise: Mapped[str]
    duties: Mapped[list[str]]
    made_by: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_by: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id), index=True)
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class PhoneLink(Base):
    """A link by which a telephone puts files into one slot of one application, for the account that made it (`accounts/phone_links.py`).

    The link's token is sealed and stands nowhere. `telephone_sha256`: a digest of the cookie of the telephone that sent the first file.
    """

    __tablename__ = "phone_links"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    application: Mapped[UUID]
    section: Mapped[str]
    slot: Mapped[str]
    # Where each row of a table has a file of its own.
    row: Mapped[str]
    # What the telephone shows of the slot.
    label: Mapped[str]
    help: Mapped[str]
    # How many files there is room for.
    most: Mapped[int]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    telephone_sha256: Mapped[str | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    # Id, name and size of what came.
    files: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'"), default=list)


class SessionRow(Base):
    """A browser session. Only a digest of its id is kept, so that reading this table opens no session."""

    __tablename__ = "sessions"

    id_sha256: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    # How its owner names it among their own; opens nothing.
    id: Mapped[UUID] = mapped_column(unique=True)
    csrf_token: Mapped[str]
    address: Mapped[str]
    agent: Mapped[str]
    credential: Mapped[str | None]
    # Sealed; shown to the provider at sign-out.
    id_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    # The provider's own name of its session (`sid`), where it says one: by it the provider ends this one.
    provider_session: Mapped[str | None]
    # When the second factor was given.
    factor_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SessionChange(Base):
    """A note that a session ended or changed, or its account. Triggers write it, so that no way of ending one is forgotten."""

    __tablename__ = "session_changes"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    session_sha256: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"), index=True)


class Audit(Base):
    """An audit row: what an account did or was refused. Rows are only added; a trigger refuses anything else."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    subject: Mapped[str | None]
    action: Mapped[str]
    address: Mapped[str]
    request_id: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result: Mapped[str] = mapped_column(default="ok")

    __table_args__ = (Index("ix_identity_audit_subject", "subject", "id"),)


class AuditLink(Base):
    """One row of the audit in its chain of hashes (`shared.audit.chain`)."""

    __tablename__ = "audit_chain"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    audit_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Consent(Base):
    """A person's consent to a version of the notice about personal data."""

    __tablename__ = "consents"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    address: Mapped[str]


class SecondFactor(Base):
    """A staff account's TOTP (RFC 6238). It counts once its first code was right."""

    __tablename__ = "second_factors"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    confirmed_at: Mapped[datetime | None]
    # The time step of the last code that was taken: none is taken twice.
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


class SpentState(Base):
    """A sign-in's `state` that has come back. It is accepted once."""

    __tablename__ = "spent_states"

    state_sha256: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AnswerMinute(Base):
    """How requests of one kind were answered in one minute, by all gateways together (`web/minutes.py`)."""

    __tablename__ = "answer_minutes"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    answered: Mapped[int]
    # Of those answered.
    slow: Mapped[int]
    turned_away: Mapped[int]
    failed: Mapped[int]


class SyntheticRun(Base):
    """How one walk of the synthetic applicant ended (`synthetic/`): `step` and `reason` of one that did not go well, seconds by step."""

    __tablename__ = "synthetic_runs"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    outcome: Mapped[str]
    step: Mapped[str]
    reason: Mapped[str]
    seconds: Mapped[dict[str, Any]]


class TurnedAway(Base):
    """How often an enterprise's account was turned away or failed in one minute."""

    __tablename__ = "turned_away"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    times: Mapped[int]
