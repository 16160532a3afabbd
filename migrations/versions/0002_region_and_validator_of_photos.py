"""Where on a photo the product is, and what tells a server's photo from the one fetched before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("product_images", sa.Column("region", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("product_images", sa.Column("source_validator", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("product_images", "source_validator")
    op.drop_column("product_images", "region")
