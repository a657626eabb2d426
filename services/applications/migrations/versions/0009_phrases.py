"""A library of phrases for opinions"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# What reviewers of such materials write again and again; theirs to change.
FIRST = (
    "材料不清晰，请重新扫描后上传。",
    "请按要求加盖单位公章后上传。",
    "填报内容与所附证明材料不一致，请核对后修改。",
    "填报内容过于简略，请补充完整。",
    "请上传最新的营业执照副本。",
    "请补充近两年完整的审计报告或财务报表。",
    "联系电话无法接通，请核对。",
    "开户银行请填写支行全称，户名应与申报单位一致。",
    "请逐项说明经费测算依据。",
    "承诺书须由法定代表人签字并加盖公章。",
)


def upgrade() -> None:
    table = op.create_table(
        "phrases",
        sa.Column("id", sa.Uuid(), nullable=False, server_default=sa.text("gen_random_uuid()")),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("section", sa.Text()),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phrases")),
        sa.UniqueConstraint("text", name=op.f("uq_phrases_text")),
        schema="applications",
    )
    op.bulk_insert(table, [{"text": text, "created_by": "system"} for text in FIRST])


def downgrade() -> None:
    op.drop_table("phrases", schema="applications")
