"""One product photo through every stage: bytes → garment → cut-out → stored JPEG and vector."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexer.catalog.rows import FailedPhoto, IndexedPhoto, ModelVersions
from indexer.embedder.base import Embedder
from indexer.errors import CatalogError
from indexer.garment_choice import bare_garment, region_of
from indexer.images import ImageStore
from indexer.shop_tags import ShopTags
from indexer.tagging import with_patterns
from segmentation.cutout import cut_out
from segmentation.errors import GarbError, PhotoError, PhotoUnreadable
from segmentation.garment import Box, Cutout, Garment, ParsedPhoto
from segmentation.labels import category_of
from segmentation.pattern import PatternTagger
from segmentation.photo import Photo, decode_photo, encode_jpeg
from segmentation.product_photo import choose_product_garment
from segmentation.segmenter import PhotoParser

# Beside the words of `GarmentSource`: the region of the feed itself.
FROM_REGION = "region"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class CutPhoto:
    """A photo and the garment cut out of it; ``source``: what told the garment."""

    photo: Photo
    garment: Garment
    source: str
    cutout: Cutout

    def to_jpeg(self) -> bytes:
        """The garment alone on grey, as the embedder sees it."""
        return encode_jpeg(Photo(self.cutout.pixels))


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPhoto:
    """A photo that is stored and cut out, and waits to be embedded."""

    sha256: str
    width: int
    height: int
    garment: Garment
    garment_source: str
    cutout: Cutout


class PhotoMapper:
    """The stages a product photo goes through. `prepare` may run in many threads at once."""

    def __init__(
        self,
        *,
        photo_parser: PhotoParser,
        embedder: Embedder,
        image_store: ImageStore,
        patterns: PatternTagger | None = None,
        shop_tags: ShopTags | None = None,
    ) -> None:
        self._parser = photo_parser
        self._embedder = embedder
        self._store = image_store
        self._patterns = patterns
        self._shop_tags = shop_tags

    @property
    def versions(self) -> ModelVersions:
        """What its vectors come from."""
        return ModelVersions(
            segmenter=self._parser.version,
            parser=self._parser.parser_version,
            embedder=self._embedder.version,
        )

    def prepare(
        self,
        data: bytes,
        *,
        category: str,
        region: Box | None = None,
        stored_as: str | None = None,
    ) -> PreparedPhoto:
        """Decode, find the garment that fits the shop's word, cut it out and store the photo.

        ``region``: where on the photo it is; where no garment is seen there, the region itself.
        ``stored_as``: the sha256 of a photo that came from the store and is not stored again.

        Raises:
            PhotoError: the photo cannot be used.
        """
        cut = self.cut(data, category=category, region=region)
        return PreparedPhoto(
            sha256=stored_as or self._store.put(encode_jpeg(cut.photo)),
            width=cut.photo.width,
            height=cut.photo.height,
            garment=cut.garment,
            garment_source=cut.source,
            cutout=cut.cutout,
        )

    def cut(self, data: bytes, *, category: str, region: Box | None) -> CutPhoto:
        """`prepare` without storing anything. Raises PhotoError."""
        photo = decode_photo(data)
        try:
            own = category_of(category)
            parsed = self._parser.parse(photo, expected=own, expected_box=region)
            garment, source = _choose(parsed, own, region)
            cutout = cut_out(photo, garment)
            (garment,) = with_patterns([garment], [cutout], self._patterns)
        except (GarbError, MemoryError):
            raise
        except Exception as error:  # One odd photo must not end an import of thousands.
            _LOG.exception("a product photo could not be segmented")
            raise PhotoUnreadable(f"the photo cannot be segmented: {_one_line(error)}") from error
        return CutPhoto(photo, garment, source, cutout)

    def embed(self, photos: Sequence[PreparedPhoto]) -> list[IndexedPhoto | FailedPhoto]:
        """Embed prepared photos in one batch, in their order."""
        if not photos:
            return []
        vectors = self._embedder.embed([photo.cutout for photo in photos])
        if vectors.shape != (len(photos), self._embedder.dimension):
            raise CatalogError(f"the embedder gave an array of {vectors.shape}")
        tags = self._shop_tags.tags_of(vectors) if self._shop_tags else [()] * len(photos)
        return [self._indexed(*each) for each in zip(photos, vectors, tags, strict=True)]

    def map_photo(
        self,
        data: bytes,
        *,
        category: str,
        region: Box | None = None,
        stored_as: str | None = None,
    ) -> IndexedPhoto:
        """One photo through every stage.

        Raises:
            PhotoError: the photo cannot be used.
        """
        prepared = self.prepare(data, category=category, region=region, stored_as=stored_as)
        result = self.embed([prepared])[0]
        if isinstance(result, FailedPhoto):
            raise PhotoError(result.reason)
        return result

    def stored_photo(self, sha256: str) -> bytes:
        """The JPEG of a stored photo. Raises ImageStoreError."""
        return self._store.read(sha256)

    def _indexed(
        self,
        photo: PreparedPhoto,
        vector: np.ndarray[tuple[int], np.dtype[np.float32]],
        shop_tags: tuple[str, ...],
    ) -> IndexedPhoto | FailedPhoto:
        if not np.isfinite(vector).all() or not vector.any():
            return FailedPhoto("the embedder gave no usable vector")
        return IndexedPhoto(
            sha256=photo.sha256,
            width=photo.width,
            height=photo.height,
            garment_source=photo.garment_source,
            garment_category=photo.garment.category,
            box=photo.garment.box,
            score=photo.garment.score,
            colours=photo.garment.colours,
            versions=self.versions,
            vector=vector,
            pattern=photo.garment.pattern,
            shop_tags=shop_tags,
        )


def _choose(parsed: ParsedPhoto, category: str | None, region: Box | None) -> tuple[Garment, str]:
    """The product's garment, or of a region: among those that lie in it for the most part."""
    if region is None:
        return choose_product_garment(parsed, category)
    inside = region_of(parsed.photo, region)
    garments = tuple(g for g in parsed.garments if _share_inside(g.box, inside) > 0.5)
    if not garments:
        return bare_garment(parsed.photo, inside), FROM_REGION
    return choose_product_garment(replace(parsed, garments=garments), category)


def _share_inside(box: Box, region: Box) -> float:
    width = min(box.x1, region.x1) - max(box.x0, region.x0)
    height = min(box.y1, region.y1) - max(box.y0, region.y0)
    return max(0.0, width) * max(0.0, height) / box.area if box.area > 0 else 0.0


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
