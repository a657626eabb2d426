"""What a session says of itself; second factors"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Whoever is signed in meanwhile signs in once more.
    op.execute("DELETE FROM identity.sessions")
    for column in (
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("credential", sa.Text()),
        sa.Column("id_token", sa.LargeBinary()),
        sa.Column("factor_at", sa.DateTime(timezone=True)),
    ):
        op.add_column("sessions", column, schema="identity")
    op.create_unique_constraint(op.f("uq_sessions_id"), "sessions", ["id"], schema="identity")
    op.create_table(
        "second_factors",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True)),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_second_factors")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity.accounts.id"], name=op.f("fk_second_factors_account_id_accounts")
        ),
        schema="identity",
    )
