"""A row for each channel of an event; contacts in order; domains that fail; who wants no reminders"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

S = "notify"
# What had been accepted before stands in the inbox as well as on its way by mail.
INBOX = """
INSERT INTO notify.notifications (event_id, channel, kind, application_id, enterprise, occurred_at, accepted_at, payload,
  read_at, contacts, contact, domain, tried, state, attempts, next_at, message_id, sent_at)
SELECT event_id, 'inbox', kind, application_id, enterprise, occurred_at, accepted_at, payload,
  read_at, '[]', 0, '', '[]', 'sent', 0, next_at, message_id, accepted_at
FROM notify.notifications WHERE channel = 'email'
"""
CONTACTS = """
UPDATE notify.notifications SET read_at = NULL,
  contacts = jsonb_build_array(jsonb_build_object('name', payload->'to'->'name', 'email', payload->'to'->'email')),
  domain = coalesce(lower(split_part(payload->'to'->>'email', '@', 2)), ''),
  give_up_at = occurred_at + interval '48 hours'
WHERE channel = 'email'
"""


def upgrade() -> None:
    for column in (
        sa.Column("channel", sa.Text(), nullable=False, server_default="email"),
        sa.Column("contacts", postgresql.JSONB(), nullable=False, server_default="[]"),
        sa.Column("contact", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("domain", sa.Text(), nullable=False, server_default=""),
        sa.Column("tried", postgresql.JSONB(), nullable=False, server_default="[]"),
        sa.Column("give_up_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.Text()),
    ):
        op.add_column("notifications", column, schema=S)
    op.drop_constraint(op.f("pk_notifications"), "notifications", schema=S)
    op.create_primary_key(op.f("pk_notifications"), "notifications", ["event_id", "channel"], schema=S)
    op.execute(INBOX)
    op.execute(CONTACTS)
    op.drop_index("ix_notifications_inbox", "notifications", schema=S)
    op.create_index(
        "ix_notifications_inbox", "notifications", ["enterprise", "occurred_at", "event_id"],
        schema=S, postgresql_where=sa.text("channel = 'inbox'"),
    )  # fmt: skip
    op.create_index(
        "ix_notifications_leased", "notifications", ["domain"],
        schema=S, postgresql_where=sa.text("state = 'pending' AND lease IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "domains",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_domains")),
        schema=S,
    )
    op.create_table(
        "unsubscribed",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_unsubscribed")),
        schema=S,
    )


def downgrade() -> None:
    op.drop_table("unsubscribed", schema=S)
    op.drop_table("domains", schema=S)
    op.drop_index("ix_notifications_leased", "notifications", schema=S)
    op.drop_index("ix_notifications_inbox", "notifications", schema=S)
    op.execute(
        "UPDATE notify.notifications m SET read_at = i.read_at FROM notify.notifications i "
        "WHERE m.channel = 'email' AND i.channel = 'inbox' AND i.event_id = m.event_id"
    )
    op.execute("DELETE FROM notify.notifications WHERE channel <> 'email'")
    op.create_index("ix_notifications_inbox", "notifications", ["enterprise", "occurred_at", "event_id"], schema=S)
    op.drop_constraint(op.f("pk_notifications"), "notifications", schema=S)
    op.create_primary_key(op.f("pk_notifications"), "notifications", ["event_id"], schema=S)
    for column in ("answer", "give_up_at", "tried", "domain", "contact", "contacts", "channel"):
        op.drop_column("notifications", column, schema=S)
