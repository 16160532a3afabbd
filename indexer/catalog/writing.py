"""How products and their photos are written: one transaction a call, all or nothing.

Every change of a photo (new, other pixels, other category, deleted, alive again) takes its own
number of the change counter, so that the index can ask for what is newer than its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Row
from sqlalchemy.engine import Connection

from indexer.catalog.convert import attribute_rows, now, product_from, vector_bytes
from indexer.catalog.models import embeddings, product_attributes, product_images, products
from indexer.catalog.rows import (
    FailedPhoto,
    ImageStatus,
    ImageWrite,
    IndexedPhoto,
    KeptPhoto,
    ModelVersions,
    PhotoOutcome,
    Product,
    ProductImage,
    ProductWrite,
    WriteResult,
    why_not_within,
)
from indexer.catalog.session import Database, Writing
from indexer.catalog.tagging import write_shop_tags, write_tags
from indexer.errors import ProductRefused
from indexer.feeds.record import ProductRecord, record_hash
from segmentation.garment import Box
from segmentation.labels import category_of

# Of the living product as it stands, while nobody else writes: what it raises, the caller gets, and
# nothing is stored. Quick, and it must not ask the catalog.
Check = Callable[[Product], None]


def _no_check(_: Product) -> None: ...


class ProductWriting(Database):
    """The writing half of the catalog's products."""

    def write_products(self, writes: Sequence[ProductWrite]) -> list[WriteResult]:
        """Store products with their photos in one transaction.

        Raises:
            ProductRefused: the database refuses a value, or a product lies beyond `ProductWrite.within`;
                nothing of this call is stored.
        """
        with _refusals(), self.writing() as writing:
            return [_write_product(writing, write) for write in writes]

    def change_product(
        self, product_id: str, change: Callable[[Product | None], ProductWrite | None]
    ) -> WriteResult | None:
        """Store what ``change`` makes of a living product, None without one, as it stands.

        Nobody writes the product between the read and the write, nor any other: ``change`` must be
        quick and not ask the catalog. Where it gives None or raises, nothing is stored.

        Raises:
            ProductRefused: the database refuses a value.
        """
        with _refusals(), self.writing() as writing:
            write = change(_living(writing.connection, product_id))
            return None if write is None else _write_product(writing, write)

    def remove_products(self, ids: Iterable[str], *, check: Check = _no_check) -> int:
        """Mark products deleted; returns how many were alive."""
        removed = 0
        with self.writing() as writing:
            for product_id in dict.fromkeys(ids):
                product = _living(writing.connection, product_id)
                if product is None:
                    continue
                check(product)
                writing.connection.execute(
                    sa.update(products)
                    .where(products.c.id == product_id)
                    .values(deleted=True, updated=now())
                )
                _renumber_images(writing, product_id)
                removed += 1
        return removed

    def add_image(
        self, product_id: str, write: ImageWrite, *, cut_for: str | None, check: Check = _no_check
    ) -> int | None:
        """Append a photo to a living product; returns its position.

        None, and nothing is stored, without the product, and where it is of another category of
        Garb's than ``cut_for``, the one that the photo was cut out for. The position in ``write``
        is not looked at: positions are never used twice.
        """
        images = product_images
        highest = sa.select(sa.func.max(images.c.position)).where(images.c.product_id == product_id)
        with self.writing() as writing:
            product = _living(writing.connection, product_id)
            if product is None:
                return None
            check(product)
            if product.garment_category != cut_for:
                return None
            last = writing.connection.execute(highest).scalar_one_or_none()
            position = 0 if last is None else last + 1
            _write_image(writing, product_id, position, write, old=None)
            _stamp(writing, product_id)
        return position

    def remove_image(self, product_id: str, position: int, *, check: Check = _no_check) -> bool:
        """Mark one photo deleted; False when it is not there."""
        change = (
            sa.update(product_images)
            .where(
                product_images.c.product_id == product_id,
                product_images.c.position == position,
                product_images.c.deleted.is_(False),
            )
            .values(deleted=True)
        )
        with self.writing() as writing:
            product = _living(writing.connection, product_id)
            if product is None:
                return False
            check(product)
            number = writing.last_sequence + 1
            if not writing.connection.execute(change.values(sequence=number)).rowcount:
                return False
            assert writing.next_sequence() == number
            _stamp(writing, product_id)
        return True

    def write_shop_tags(self, tags: Mapping[int, Sequence[str]]) -> None:
        """Replace the shop's own words of these photos, by image id."""
        with self.writing() as writing:
            write_shop_tags(writing.connection, tags)

    def store_embedding(self, image: ProductImage, photo: IndexedPhoto) -> bool:
        """Replace what is stored of a photo: garment, colours and vector of this embedder.

        False, and nothing is stored, when ``image`` is no longer how it stands: it was replaced,
        removed, or is of another category or region now.
        """
        image_id = image.id
        unchanged = sa.and_(
            product_images.c.id == image_id,
            product_images.c.sequence == image.sequence,
            product_images.c.deleted.is_(False),
        )
        # Another embedder's vectors still serve while this one's are being made.
        stale = sa.and_(
            embeddings.c.image_id == image_id, embeddings.c.embedder == photo.versions.embedder
        )
        with self.writing() as writing:
            number = writing.last_sequence + 1
            changed = writing.connection.execute(
                sa.update(product_images)
                .where(unchanged)
                .values(**_outcome_values(photo), sequence=number)
            )
            if not changed.rowcount:
                return False
            assert writing.next_sequence() == number
            writing.connection.execute(sa.delete(embeddings).where(stale))
            _write_embedding(writing.connection, image_id, photo)
            write_tags(writing.connection, image_id, photo)
        return True


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (sa.exc.DataError, sa.exc.IntegrityError) as error:
        reason = " ".join(str(error.orig).split())
        raise ProductRefused(f"the database refuses a product: {reason}") from error


def _living(connection: Connection, product_id: str) -> Product | None:
    query = sa.select(products).where(products.c.id == product_id, products.c.deleted.is_(False))
    row = connection.execute(query).one_or_none()
    return product_from(row) if row else None


def _stamp(writing: Writing, product_id: str) -> None:
    writing.connection.execute(
        sa.update(products)
        .where(products.c.id == product_id)
        .values(sequence=writing.last_sequence, updated=now())
    )


def _write_product(writing: Writing, write: ProductWrite) -> WriteResult:
    record = write.record
    first = writing.last_sequence
    old = writing.connection.execute(
        sa.select(products).where(products.c.id == record.id)
    ).one_or_none()
    if old is not None and not old.deleted:
        _check_within(old.collections, write.within)
    values = _product_values(record)
    new_fields = old is None or old.deleted or old.record_hash != values["record_hash"]
    moved = old is not None and old.garment_category != values["garment_category"]
    if old is None:
        stamped = {**values, "sequence": first, "created": now(), "updated": now()}
        writing.connection.execute(sa.insert(products).values(stamped))
    elif new_fields or moved:
        writing.connection.execute(
            sa.update(products).where(products.c.id == record.id).values(**values, updated=now())
        )
    if new_fields:
        _write_attributes(writing.connection, record)
    # Whoever brings a removed product back need not be who removed it: its photos stay gone.
    back = old is not None and old.deleted
    images = () if write.images is None and back else write.images
    if images is not None:
        _write_images(writing, record.id, images, others_stay=write.others_stay and not back)
    if old is not None and (old.deleted or moved):
        _renumber_images(writing, record.id)
    if writing.last_sequence != first:
        _stamp(writing, record.id)
    if old is None or old.deleted:
        return WriteResult.NEW
    changed = new_fields or moved or writing.last_sequence != first
    return WriteResult.UPDATED if changed else WriteResult.UNCHANGED


def _check_within(collections: Sequence[str], within: tuple[str, ...] | None) -> None:
    if within is not None and (reason := why_not_within(collections, within)):
        raise ProductRefused(reason)


def _product_values(record: ProductRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "title": record.title,
        "category": record.category,
        "garment_category": category_of(record.category),
        "brand": record.brand,
        "price": record.price,
        "currency": record.currency,
        "url": record.url,
        "attributes": dict(record.attributes),
        "collections": list(record.collections),
        "record_hash": record_hash(record),
        "deleted": False,
    }


def _write_attributes(connection: Connection, record: ProductRecord) -> None:
    connection.execute(
        sa.delete(product_attributes).where(product_attributes.c.product_id == record.id)
    )
    rows = list(attribute_rows(record))
    if rows:
        connection.execute(sa.insert(product_attributes), rows)


def _write_images(
    writing: Writing, product_id: str, writes: Sequence[ImageWrite], *, others_stay: bool
) -> None:
    rows = writing.connection.execute(
        sa.select(product_images).where(product_images.c.product_id == product_id)
    ).all()
    old = {row.position: row for row in rows}
    for write in writes:
        _write_image(writing, product_id, write.position, write, old=old.pop(write.position, None))
    for row in old.values():
        if not (row.deleted or others_stay):
            writing.connection.execute(
                sa.update(product_images)
                .where(product_images.c.id == row.id)
                .values(deleted=True, sequence=writing.next_sequence())
            )


def _write_image(
    writing: Writing,
    product_id: str,
    position: int,
    write: ImageWrite,
    *,
    old: Row[Any] | None,
) -> None:
    connection, print_ = writing.connection, write.fingerprint
    values: dict[str, Any] = {
        "source": write.source,
        "source_bytes": print_.size_bytes,
        "source_mtime_ns": print_.mtime_ns,
        "source_sha256": print_.sha256,
        "source_validator": print_.validator,
        "region": _box_values(write.region),
        "deleted": False,
        **_outcome_values(write.outcome),
    }
    if old is None:
        assert not isinstance(write.outcome, KeptPhoto), "a photo never seen cannot be kept"
        values |= {"product_id": product_id, "position": position}
        values["sequence"] = writing.next_sequence()
        image_id = connection.execute(
            sa.insert(product_images).values(values).returning(product_images.c.id)
        ).scalar_one()
    else:
        image_id = old.id
        if isinstance(write.outcome, KeptPhoto) and old.source_sha256 != print_.sha256:
            # Somebody replaced the photo since it was compared: what is stored is theirs.
            values = {"deleted": False}
        # The same failure again is no change: an index need not hear of it.
        same_failure = (
            isinstance(write.outcome, FailedPhoto)
            and not old.deleted
            and (old.status, old.reason) == (ImageStatus.FAILED, write.outcome.reason)
        )
        if not same_failure and (old.deleted or not isinstance(write.outcome, KeptPhoto)):
            values["sequence"] = writing.next_sequence()
        connection.execute(
            sa.update(product_images).where(product_images.c.id == image_id).values(values)
        )
    if not isinstance(write.outcome, KeptPhoto):
        # Vectors of every embedder belong to the old pixels.
        connection.execute(sa.delete(embeddings).where(embeddings.c.image_id == image_id))
        _write_embedding(connection, image_id, write.outcome)
        write_tags(connection, image_id, write.outcome)


def _outcome_values(outcome: PhotoOutcome) -> dict[str, Any]:
    if isinstance(outcome, KeptPhoto):
        return {}
    values: dict[str, Any] = dict.fromkeys(
        (
            "sha256",
            "width",
            "height",
            "reason",
            "garment_source",
            "garment_category",
            "score",
            "pattern",
        )
    )
    values |= {"box": None, "colours": []}
    if isinstance(outcome, FailedPhoto):
        return values | {"status": ImageStatus.FAILED.value, "reason": outcome.reason}
    return values | {
        "status": ImageStatus.INDEXED.value,
        "sha256": outcome.sha256,
        "width": outcome.width,
        "height": outcome.height,
        "garment_source": outcome.garment_source,
        "garment_category": outcome.garment_category,
        "box": _box_values(outcome.box),
        "score": outcome.score,
        "pattern": outcome.pattern,
        "colours": [asdict(colour) for colour in outcome.colours],
    }


def _box_values(box: Box | None) -> list[float] | None:
    return None if box is None else [box.x0, box.y0, box.x1, box.y1]


def _write_embedding(connection: Connection, image_id: int, outcome: PhotoOutcome) -> None:
    if isinstance(outcome, IndexedPhoto):
        connection.execute(
            sa.insert(embeddings).values(
                image_id=image_id,
                embedder=outcome.versions.embedder,
                segmenter=outcome.versions.segmenter,
                parser=outcome.versions.parser,
                vector=vector_bytes(outcome.vector),
            )
        )


def _renumber_images(writing: Writing, product_id: str) -> None:
    ids = writing.connection.execute(
        sa.select(product_images.c.id)
        .where(product_images.c.product_id == product_id, product_images.c.deleted.is_(False))
        .order_by(product_images.c.position)
    ).scalars()
    for image_id in ids.all():
        writing.connection.execute(
            sa.update(product_images)
            .where(product_images.c.id == image_id)
            .values(sequence=writing.next_sequence())
        )
    _stamp(writing, product_id)


def versions_from(row: Any) -> ModelVersions | None:
    """The versions of a row joined with its embedding, None without one."""
    if row.embedder is None:
        return None
    return ModelVersions(row.segmenter, row.parser, row.embedder)
