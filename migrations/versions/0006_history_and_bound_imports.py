"""A word for every transaction, by which an index knows its database, and the reach of imports."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    history = op.create_table(
        "history",
        sa.Column("sequence", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("word", sa.String(32), nullable=False),
    )
    latest = op.get_bind().execute(sa.text("SELECT value FROM change_counter")).scalar_one()
    op.bulk_insert(history, [{"sequence": latest, "word": secrets.token_hex(16)}])
    op.add_column("imports", sa.Column("collections", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    # Without its collections the import of a bound key would write everywhere.
    op.execute(
        "UPDATE imports SET state = 'cancelled', cancel_requested = true "
        "WHERE collections IS NOT NULL AND state IN ('waiting', 'running')"
    )
    op.drop_column("imports", "collections")
    op.drop_table("history")
