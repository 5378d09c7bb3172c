"""A picture for a post."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("posts") as table:
        table.add_column(sa.Column("picture", sa.String(80), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("posts") as table:
        table.drop_column("picture")
