"""The one place where the catalog is opened, models are loaded and the matcher is put together."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from indexer.catalog.repository import Catalog, open_catalog
from indexer.catalog.rows import ModelVersions
from indexer.embedder.base import Embedder
from indexer.embedder.load import load_embedder
from indexer.errors import CatalogError
from indexer.images import ImageStore, open_image_store
from indexer.ingest.mapper import PhotoMapper
from indexer.live_index import LiveIndex
from indexer.matching import Matcher
from indexer.remote.photos import RemotePhotos, open_remote_photos
from indexer.settings import Settings
from indexer.shop_tags import ShopTags, load_shop_tags
from segmentation.errors import ModelDamaged
from segmentation.models import ModelKind, ModelStore, ModelVersion
from segmentation.pattern import PatternTagger
from segmentation.segmenter import PhotoParser, load_segmenter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """What lies on disk or in the database; no model is loaded."""

    settings: Settings
    catalog: Catalog
    models: ModelStore
    image_store: ImageStore

    def active(self, kind: ModelKind) -> ModelVersion:
        """The version that the database says is active."""
        return self.models.get(kind, self.catalog.active_model(kind))

    def active_versions(self) -> ModelVersions:
        """The names of all that are active."""
        return ModelVersions(
            segmenter=self.active(ModelKind.SEGMENTER).name,
            parser=self.active(ModelKind.PARSER).name,
            embedder=self.active(ModelKind.EMBEDDER).name,
        )

    def remote_photos(self) -> AbstractContextManager[RemotePhotos]:
        """Where photos that are URLs come from; use it as a context."""
        return open_remote_photos(self.settings)


@dataclass(frozen=True, slots=True, eq=False)
class Services(Storage):
    """Everything a command or a server needs, loaded: models and index that belong together."""

    photo_parser: PhotoParser
    embedder: Embedder
    index: LiveIndex
    matcher: Matcher
    patterns: PatternTagger | None = None
    shop_tags: ShopTags | None = None

    def mapper(self) -> PhotoMapper:
        """What product photos go through."""
        return PhotoMapper(
            photo_parser=self.photo_parser,
            embedder=self.embedder,
            image_store=self.image_store,
            patterns=self.patterns,
            shop_tags=self.shop_tags,
        )


def make_home(home: Path) -> None:
    """Raises CatalogError where no folder can be."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogError(
            f"GARB_HOME: {home} cannot be made a folder ({error.strerror}); name another"
        ) from error


@contextmanager
def open_storage(settings: Settings) -> Iterator[Storage]:
    """Open the catalog, the models' folder and the photos; closed on leaving.

    Raises:
        CatalogError: the database cannot be opened or is behind.
    """
    if settings.database_url.startswith("sqlite"):
        make_home(settings.home)
    catalog = open_catalog(settings.database_url)
    try:
        yield Storage(
            settings,
            catalog,
            open_models(settings),
            open_image_store(settings.images_url),
        )
    finally:
        catalog.close()


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """Open the storage, load the active models, and bring the index up to date.

    The index does not follow the database yet: a server calls ``services.index.start_polling()``.
    On leaving it stops, and leaves a snapshot.

    Raises:
        CatalogError: the database cannot be opened or is behind.
        ModelError: a model is missing or damaged.
        MissingDependency: FAISS or a runtime is not installed.
    """
    with open_storage(settings) as storage:
        services = load_services(storage)
        try:
            yield services
        finally:
            services.index.stop()
        services.index.save_if_changed()


def load_services(storage: Storage) -> Services:
    """The active models, and their index up to date. Raises as `open_services`."""
    version = storage.active(ModelKind.EMBEDDER)
    # The models compile on one core while the rows are read on another.
    with ThreadPoolExecutor(1) as beside:
        opening = beside.submit(_open_index, storage, version)
        photo_parser, embedder = load_models(storage, version)
        index = opening.result()
    patterns = _patterns(storage)
    shop_tags = load_shop_tags(storage.settings.tags_file, embedder)
    store = storage.image_store
    return Services(
        storage.settings,
        storage.catalog,
        storage.models,
        store,
        photo_parser,
        embedder,
        index,
        Matcher(photo_parser, embedder, index, storage.catalog, store, patterns, shop_tags),
        patterns,
        shop_tags,
    )


def new_mapper(storage: Storage, photo_parser: PhotoParser, embedder: Embedder) -> PhotoMapper:
    """What product photos go through, where nothing is served."""
    return PhotoMapper(
        photo_parser=photo_parser,
        embedder=embedder,
        image_store=storage.image_store,
        patterns=_patterns(storage),
        shop_tags=load_shop_tags(storage.settings.tags_file, embedder),
    )


def _patterns(storage: Storage) -> PatternTagger:
    return PatternTagger(storage.settings.execution)


def open_index(storage: Storage) -> LiveIndex:
    """The index of the active embedder, up to date; writes nothing unless it is told to."""
    return _open_index(storage, storage.active(ModelKind.EMBEDDER))


def load_models(
    storage: Storage, embedder: ModelVersion | None = None
) -> tuple[PhotoParser, Embedder]:
    """The active segmenter and parser as one photo parser, and an embedder, by default the active one."""
    version = embedder or storage.active(ModelKind.EMBEDDER)
    return _load_photo_parser(storage), load_embedder(version, storage.settings.execution)


def load_mask_rcnn(storage: Storage) -> PhotoParser:
    """The active segmenter without the parser: its garments keep their skin and hair."""
    return _load_photo_parser(storage, with_parser=False)


def open_models(settings: Settings) -> ModelStore:
    """The versions under the models' folder, and those that came with Garb."""
    segmentation = Path(str(resources.files("segmentation"))) / "weights"
    indexer = Path(str(resources.files("indexer"))) / "weights"
    return ModelStore(
        settings.models_dir,
        {
            ModelKind.SEGMENTER: segmentation / "segmenter",
            ModelKind.PARSER: segmentation / "parser",
            ModelKind.EMBEDDER: indexer / "embedder",
        },
    )


def _load_photo_parser(storage: Storage, *, with_parser: bool = True) -> PhotoParser:
    return load_segmenter(
        storage.active(ModelKind.SEGMENTER),
        storage.active(ModelKind.PARSER) if with_parser else None,
        storage.settings.execution,
    )


def _open_index(storage: Storage, embedder: ModelVersion) -> LiveIndex:
    searchable = storage.catalog.indexed_count()
    index = LiveIndex(
        storage.catalog,
        embedder_version=embedder.name,
        dimension=_dimension(embedder),
        snapshot_dir=storage.settings.snapshot_dir,
        merge_from=storage.settings.merge_from,
    )
    index.open()
    # A newer Garb may bring another embedder: without a word nothing would be found.
    hidden = searchable - index.product_count
    if hidden > 0:
        log.warning(
            "%d of %d products are not found, as %s, the active embedder, has not embedded them: "
            "run `garb embedder activate %s`", hidden, searchable, embedder.name, embedder.name,
        )  # fmt: skip
    return index


def _dimension(version: ModelVersion) -> int:
    try:
        return int(version.card["dimension"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelDamaged(f"{version.card_path}: no dimension") from error
