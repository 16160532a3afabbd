"""The collections that a key is bound to, and how many requests a minute it may send."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("collections", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("api_keys", sa.Column("per_minute", sa.Integer(), nullable=True))


def downgrade() -> None:
    # Without its collections a bound key would open everything: it must not come back so.
    op.execute(
        "UPDATE api_keys SET revoked = created WHERE collections IS NOT NULL AND revoked IS NULL"
    )
    op.drop_column("api_keys", "per_minute")
    op.drop_column("api_keys", "collections")
