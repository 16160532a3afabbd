"""Everything the indexer raises on purpose.

segmentation.errors.GarbError
├── CatalogError               the database refuses, is behind, or cannot be reached
│   ├── CatalogFull            the database's disk is full; what was stored before stays
│   ├── ProductNotFound        no such product, or it was deleted
│   ├── ProductRefused         a value that the database cannot store
│   └── KeyNotFound            no such API key
├── FeedError                  a feed that cannot be read at all (bad lines are reported, not raised)
├── ImportStopped              an import was interrupted or cancelled; what was done is kept
├── ImageStoreError            a stored product photo is missing or cannot be written
├── PhotoError                 (segmentation.errors)
│   └── PhotoNotFetched        a photo that lies elsewhere: refused, not there, too large or too slow
├── FilterError                a filter expression is wrong; ``column`` says where (1-based)
├── VectorRefused              a vector that cannot be indexed or searched for
└── IndexDamaged               an index file whose content is not what its manifest says
"""

from segmentation.errors import GarbError, PhotoError


class CatalogError(GarbError):
    """The database refuses, is behind, or cannot be reached."""


class CatalogFull(CatalogError):
    """The database's disk is full; what was stored before stays."""


class ProductNotFound(CatalogError):
    """No such product, or it was deleted."""

    def __init__(self, product_id: str) -> None:
        super().__init__(f"no product {product_id!r} in the catalog")
        self.product_id = product_id


class ProductRefused(CatalogError):
    """A product holds a value that the database cannot store."""


class KeyNotFound(CatalogError):
    """No such API key."""


class FeedError(GarbError):
    """A feed that cannot be read at all."""


class ImportStopped(GarbError):
    """An import was interrupted or cancelled; what was done is kept."""


class ImageStoreError(GarbError):
    """A stored product photo is missing or cannot be written."""


class PhotoNotFetched(PhotoError):
    """A photo that lies elsewhere: refused, not there, too large or too slow."""


class FilterError(GarbError):
    """A filter expression is wrong; ``column`` (1-based) says where."""

    def __init__(self, message: str, *, column: int) -> None:
        super().__init__(f"filter: {message} (column {column})")
        self.column = column


class IndexDamaged(GarbError):
    """An index file whose content is not what its manifest says."""


class VectorRefused(GarbError):
    """A vector that is not finite, has no length or the wrong dimension."""
