"""The tables. Migrations create them; a test holds both against each other.

Times are UTC ISO-8601 text: the same on SQLite and PostgreSQL, and readable in either.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)

# SQLite counts up by itself only for a column that is exactly INTEGER PRIMARY KEY.
_BIG_KEY = BigInteger().with_variant(Integer, "sqlite")

products = Table(
    "products",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("garment_category", String(32)),
    Column("brand", Text, nullable=False),
    Column("price", Double),
    Column("currency", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("collections", JSON, nullable=False),
    Column("record_hash", String(64), nullable=False),
    Column("deleted", Boolean, nullable=False, server_default=false()),
    Column("sequence", BigInteger, nullable=False),
    Column("created", String(32), nullable=False),
    Column("updated", String(32), nullable=False),
    Index(None, "deleted", "id"),
)

# One row a value: filters compare text as text and numbers as numbers on either database.
product_attributes = Table(
    "product_attributes",
    metadata,
    Column("product_id", Text, ForeignKey("products.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("number", Double),
    Index(None, "name", "product_id"),
)

product_images = Table(
    "product_images",
    metadata,
    Column("id", _BIG_KEY, primary_key=True, autoincrement=True),
    Column("product_id", Text, ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_bytes", BigInteger),
    Column("source_mtime_ns", BigInteger),
    Column("source_sha256", String(64)),
    Column("sha256", String(64)),
    Column("width", Integer),
    Column("height", Integer),
    Column("status", String(16), nullable=False),
    Column("reason", Text),
    Column("garment_source", String(16)),
    Column("garment_category", String(32)),
    Column("box", JSON(none_as_null=True)),
    Column("score", Double),
    Column("colours", JSON, nullable=False),
    Column("deleted", Boolean, nullable=False, server_default=false()),
    Column("sequence", BigInteger, nullable=False),
    Column("region", JSON(none_as_null=True)),
    Column("source_validator", Text),
    Column("pattern", String(16)),
    UniqueConstraint("product_id", "position"),
    Index(None, "sequence"),
)

# One row a tag, for the same reason. ``name``: colour, pattern or tag.
photo_tags = Table(
    "photo_tags",
    metadata,
    Column(
        "image_id",
        _BIG_KEY,
        ForeignKey("product_images.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("name", String(16), primary_key=True),
    Column("text", String(32), primary_key=True),
    Index(None, "name", "text"),
)

embeddings = Table(
    "embeddings",
    metadata,
    Column(
        "image_id",
        _BIG_KEY,
        ForeignKey("product_images.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("embedder", Text, primary_key=True),
    Column("segmenter", Text, nullable=False),
    Column("parser", Text, nullable=False),
    Column("vector", LargeBinary, nullable=False),
)

# One row. Its lock puts writers in a queue, so that numbers become visible in order.
change_counter = Table(
    "change_counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
)

# One row a transaction that took numbers: a word of its own at its last one. A database that was
# restored and then written to has other words under the same numbers.
history = Table(
    "history",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("word", String(32), nullable=False),
)

active_models = Table(
    "active_models",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("version", Text, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", _BIG_KEY, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("scope", String(16), nullable=False),
    Column("key_hash", String(128), nullable=False),
    Column("prefix", String(32), nullable=False),
    Column("created", String(32), nullable=False),
    Column("revoked", String(32)),
    Column("collections", JSON(none_as_null=True)),
    Column("per_minute", Integer),
    UniqueConstraint("key_hash"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", _BIG_KEY, primary_key=True, autoincrement=True),
    Column("search", String(64), nullable=False),
    Column("garment", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    # No foreign key: what was bought stays bought when the product goes.
    Column("product_id", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("created", String(32), nullable=False),
    UniqueConstraint("search", "garment", "kind", "product_id"),
    Index(None, "created"),
)

imports = Table(
    "imports",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("source", Text, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("errors", JSON, nullable=False),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    Column("collections", JSON(none_as_null=True)),
    Column("created", String(32), nullable=False),
    Column("updated", String(32), nullable=False),
)
