"""Which version of each model serves: asked for, and changed once the catalog is ready for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from indexer.activation_guard import EarlierVersions, refuse_when_worse
from indexer.bootstrap import Storage, new_mapper, open_models, open_storage
from indexer.embedder.base import Embedder
from indexer.embedder.load import load_embedder
from indexer.ingest.again import embed_again
from indexer.ingest.mapper import PhotoMapper
from indexer.settings import Settings
from segmentation.cutout import CUTOUT_SIZE_PX
from segmentation.errors import GarbError, ModelDamaged, ModelError
from segmentation.garment import Cutout
from segmentation.models import ModelKind, ModelStore, ModelVersion
from segmentation.photo import Photo
from segmentation.segmenter import PhotoParser, Segmenter, load_segmenter


class ActiveVersions:
    """The versions on disk, and the rows that say which of them is active."""

    def __init__(
        self, settings: Settings, *, on_progress: Callable[[int], None] = lambda done: None
    ) -> None:
        """``on_progress``: told how many photos an activation has embedded so far."""
        self._settings = settings
        self._on_progress = on_progress

    def store(self) -> ModelStore:
        """Every version, active or not."""
        return open_models(self._settings)

    def active(self, kind: ModelKind) -> ModelVersion:
        """Raises ModelNotFound when the active version's folder is gone."""
        with open_storage(self._settings) as storage:
            return storage.active(kind)

    def coverage(self, kind: ModelKind) -> dict[str, float]:
        """Version → the share of the catalog's photos embedded with it, 0–1; {} for no photo."""
        with open_storage(self._settings) as storage:
            photos, total = storage.catalog.photos_by_version(kind)
        return {name: count / total for name, count in photos.items()}

    def activate(self, version: ModelVersion, *, force: bool) -> None:
        """Embed the catalog with this version, then make it the active one.

        Until the last photo is done the old version stays active; running servers follow within
        seconds. A killed activation goes on where it was when it is asked for again. A version that
        was active before may always be gone back to.

        Raises:
            ModelError: it is worse than the active one, nothing says that it is not (a segmenter),
                or it cannot use some of the catalog's photos; not with ``force``. It cannot be
                run: with ``force`` too.
            ImageStoreError: a stored photo is gone.
        """
        with open_storage(self._settings.for_many_photos()) as storage:
            earlier = EarlierVersions(self._settings.models_dir, version.kind)
            if not force and version.name not in earlier.names():
                refuse_when_worse(version, storage.active(version.kind), self.store())
            mapper = _mapper_with(storage, version)
            failed = embed_again(
                catalog=storage.catalog,
                mapper=mapper,
                workers=storage.settings.threads,
                on_progress=self._on_progress,
            )
            if failed and not force:
                raise ModelError(
                    f"{version.name} cannot use {len(failed)} photos of the catalog, the first of "
                    f"{failed[0].product_id!r}; --force activates it without them"
                )
            left = _name_of_active(storage, version.kind)
            storage.catalog.set_active_model(version.kind, version.name)
            if left is not None:
                earlier.moved(from_name=left, to_name=version.name)
            # What was written with the old versions between the last look and the switch.
            embed_again(catalog=storage.catalog, mapper=mapper)


def _name_of_active(storage: Storage, kind: ModelKind) -> str | None:
    """None when its folder is gone: there is no way back to it."""
    try:
        return storage.active(kind).name
    except ModelError:
        return None


def _mapper_with(storage: Storage, version: ModelVersion) -> PhotoMapper:
    chosen = {kind: storage.active(kind) for kind in ModelKind if kind != version.kind}
    chosen[version.kind] = version
    execution = storage.settings.execution
    with _told_in_one_line(version):
        photo_parser = load_segmenter(
            chosen[ModelKind.SEGMENTER], chosen[ModelKind.PARSER], execution
        )
        embedder = load_embedder(chosen[ModelKind.EMBEDDER], execution)
    with _told_in_one_line(version, ModelDamaged):
        _try_on_grey(photo_parser, embedder)
    return new_mapper(storage, photo_parser, embedder)


def _try_on_grey(photo_parser: PhotoParser, embedder: Embedder) -> None:
    """Run every network once: what a card says may not fit its graph, and no file tells."""
    grey = np.full((CUTOUT_SIZE_PX, CUTOUT_SIZE_PX, 3), 128, np.uint8)
    if isinstance(photo_parser, Segmenter):
        photo_parser.try_networks(Photo(grey))
    vectors = embedder.embed([Cutout(grey, np.full(grey.shape[:2], 255, np.uint8))])
    if vectors.shape != (1, embedder.dimension):
        raise ModelDamaged(f"dimension is {embedder.dimension}, a vector has {vectors.shape[-1]}")


@contextmanager
def _told_in_one_line(version: ModelVersion, *besides: type[Exception]) -> Iterator[None]:
    """What a network or its runtime raises, and ``besides``, as ModelDamaged that names the card."""
    try:
        yield
    except Exception as error:
        if isinstance(error, GarbError) and not isinstance(error, besides):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelDamaged(f"{version.card_path}: {reason}") from error
