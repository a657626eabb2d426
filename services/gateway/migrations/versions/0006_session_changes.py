"""Every end and change of a session is written down by the database, for every gateway to hear of"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TRIGGERS = """
CREATE FUNCTION identity.note_session_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO identity.session_changes (session_sha256) VALUES (OLD.id_sha256);
    RETURN NULL;
END $$;
CREATE TRIGGER session_ends AFTER DELETE ON identity.sessions
    FOR EACH ROW EXECUTE FUNCTION identity.note_session_change();
CREATE TRIGGER session_changes AFTER UPDATE OF id_sha256, account_id, csrf_token, factor_at, expires_at ON identity.sessions
    FOR EACH ROW EXECUTE FUNCTION identity.note_session_change();
CREATE FUNCTION identity.note_account_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO identity.session_changes (session_sha256)
        SELECT id_sha256 FROM identity.sessions WHERE account_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER account_changes AFTER UPDATE ON identity.accounts FOR EACH ROW
    WHEN ((OLD.subject, OLD.name, OLD.roles, OLD.enterprise, OLD.enterprise_name, OLD.disabled_at)
        IS DISTINCT FROM (NEW.subject, NEW.name, NEW.roles, NEW.enterprise, NEW.enterprise_name, NEW.disabled_at))
    EXECUTE FUNCTION identity.note_account_change();
"""


def upgrade() -> None:
    op.create_table(
        "session_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("session_sha256", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_changes")),
        schema="identity",
    )
    op.create_index(op.f("ix_identity_session_changes_at"), "session_changes", ["at"], schema="identity")
    op.execute(TRIGGERS)
    op.add_column("sessions", sa.Column("provider_session", sa.Text()), schema="identity")


def downgrade() -> None:
    op.drop_column("sessions", "provider_session", schema="identity")
    op.execute("DROP TRIGGER account_changes ON identity.accounts")
    op.execute("DROP TRIGGER session_changes ON identity.sessions")
    op.execute("DROP TRIGGER session_ends ON identity.sessions")
    op.execute("DROP FUNCTION identity.note_account_change()")
    op.execute("DROP FUNCTION identity.note_session_change()")
    op.drop_table("session_changes", schema="identity")
