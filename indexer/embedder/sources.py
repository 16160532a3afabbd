"""All that a training is given, as one list: what equal names in several folders stand for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from indexer.embedder.items import Source, catalog_sources, street_sources, worn_sources
from segmentation.errors import AnnotationError

_ByFolder = Mapping[Path, Sequence[Source]]


def training_sources(
    *,
    catalogs: Sequence[Path],
    streets: Sequence[Path],
    labels: Path | None = None,
    worn: Sequence[Path] = (),
) -> list[Source]:
    """Sources of street photos, of feeds, then of products worn.

    Feeds of several folders are several shops, whose products may have the same ids: items then
    carry the folder, as do those of several folders of street photos. Worn products are of the feed
    beside them, else of the only one that has any of their ids. What is held out in one source of an
    item is in all.

    Raises:
        AnnotationError: a file or folder that cannot be used, or worn products of no one feed.
        LabelError: ``labels.json`` is missing.
    """
    photos: dict[Path, list[Source]] = defaultdict(list)
    for folder in streets:
        photos[folder.resolve()] += street_sources(folder, labels)
    shops: dict[Path, list[Source]] = defaultdict(list)
    for feed in catalogs:
        shops[(feed if feed.is_dir() else feed.parent).resolve()] += catalog_sources(feed)
    worn_in: dict[Path, list[Source]] = defaultdict(list)
    for queries in worn:
        pairs = worn_sources(queries)
        worn_in[_shop_of(queries, pairs, shops)] += pairs
    sources = [
        *_told_apart(photos, several=len(photos) > 1),
        *_told_apart(shops, several=len(shops) > 1),
        *_told_apart(worn_in, several=len(shops) > 1),
    ]
    held_out = {source.item for source in sources if source.held_out}
    return [replace(source, held_out=source.item in held_out) for source in sources]


def _shop_of(queries: Path, pairs: Sequence[Source], shops: _ByFolder) -> Path:
    folder = queries.parent.resolve()
    if folder in shops:
        return folder
    if len(shops) == 1:
        return next(iter(shops))
    items = {source.item for source in pairs}
    having = [shop for shop, sources in shops.items() if items & {one.item for one in sources}]
    if len(having) != 1:
        named = ", ".join(map(str, having or shops))
        which = "several feeds have" if having else "no feed has"
        raise AnnotationError(
            f"{queries}: {which} its products ({named}); put it beside the feed that it belongs to"
        )
    return having[0]


def _told_apart(by_folder: _ByFolder, *, several: bool) -> list[Source]:
    return [
        _within(folder, source) if several else source
        for folder, sources in by_folder.items()
        for source in sources
    ]


def _within(folder: Path, source: Source) -> Source:
    kind, _, name = source.item.partition("/")
    # A product's id may hold slashes; a resolved folder holds no two of them together.
    return replace(source, item=f"{kind}/{folder}//{name}")
