"""The pattern of a photo's cloth, and the tags of photos as filters compare them.

Colours of photos that are there already become tags; patterns come with their next embedding.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# As `indexer.catalog.convert.tag_rows` had it: the first colour, and others of this share.
_LEAST_SHARE = 0.25
_PHOTOS_AT_ONCE = 1000


def upgrade() -> None:
    op.add_column("product_images", sa.Column("pattern", sa.String(16), nullable=True))
    op.create_table(
        "photo_tags",
        sa.Column("image_id", _BIG_KEY, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("text", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"],
            ["product_images.id"],
            name="fk_photo_tags_image_id_product_images",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("image_id", "name", "text", name="pk_photo_tags"),
    )
    op.create_index("ix_photo_tags_name_text", "photo_tags", ["name", "text"])
    _tag_colours()


def _tag_colours() -> None:
    connection, last = op.get_bind(), 0
    page = sa.text(
        "SELECT id, colours FROM product_images WHERE id > :last ORDER BY id LIMIT :limit"
    )
    tags = sa.table("photo_tags", sa.column("image_id"), sa.column("name"), sa.column("text"))
    while rows := connection.execute(page, {"last": last, "limit": _PHOTOS_AT_ONCE}).all():
        found = [
            {"image_id": image_id, "name": "colour", "text": name}
            for image_id, colours in rows
            for name in _main(json.loads(colours) if isinstance(colours, str) else colours)
        ]
        if found:
            connection.execute(sa.insert(tags), found)
        last = rows[-1].id


def _main(colours: list[dict[str, Any]]) -> list[str]:
    main = [
        one["name"]
        for place, one in enumerate(colours)
        if place == 0 or one["share"] >= _LEAST_SHARE
    ]
    return list(dict.fromkeys(main))


def downgrade() -> None:
    op.drop_table("photo_tags")
    op.drop_column("product_images", "pattern")
