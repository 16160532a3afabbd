"""``garb catalog``: import, list, show, remove, export."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from indexer.answer import with_facets
from indexer.bootstrap import Storage, load_models, new_mapper, open_storage
from indexer.carried_words import read_words
from indexer.catalog.repository import Catalog
from indexer.catalog.rows import Product, ProductImage
from indexer.embedder.load import load_embedder
from indexer.errors import ImageStoreError
from indexer.facets import read_facets
from indexer.feeds.export import write_feed
from indexer.feeds.formats import FeedFormat
from indexer.feeds.open import open_feed_or_input
from indexer.feeds.record import Feed, ProductRecord, boxes_of
from indexer.images import ImageStore
from indexer.ingest.again import embed_again
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.reader import NO_SUCH_FILE
from indexer.ingest.report import ImportReport, Tally
from indexer.ingest.runner import beside, import_feed
from indexer.json_option import JsonOption, print_json
from indexer.product_json import Finder, product_json
from indexer.remote.photos import PhotoFetcher
from indexer.search_cli import (
    FacetsOption,
    FilterOption,
    print_facets,
    read_filter,
    tell_of_unknown_fields,
    wrong_usage,
)
from indexer.settings import Settings, SettingsError
from indexer.shop_tags import load_shop_tags, tag_photos
from segmentation.models import ModelKind

MOST_ERRORS_SHOWN = 20

_stderr = Console(stderr=True)
catalog_app = typer.Typer(no_args_is_help=True, help="The shop's products and their photos.")


def register(app: typer.Typer) -> None:
    """Mount ``garb catalog``."""
    app.add_typer(catalog_app, name="catalog")


def _feed_path(text: str) -> Path:
    if not text:
        # It would mean the working folder, and is a variable of a script that was never set.
        raise typer.BadParameter("it is empty; name a file or a folder, . for this one")
    return Path(text)


@catalog_app.command("import")
def import_(
    feed: Annotated[
        Path,
        typer.Argument(
            metavar="FEED",
            parser=_feed_path,
            help="A file of products, a folder of such files, or - for standard input.",
        ),
    ],
    images: Annotated[
        Path | None,
        typer.Option("--images", metavar="DIR", help="Where the photos lie; else beside the feed."),
    ] = None,
    format: Annotated[
        FeedFormat | None,
        typer.Option("--format", help="Else the content decides, or the extension."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if any row failed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring a feed's products into the catalog. Run it again at any time; it goes on."""
    with (
        open_feed_or_input(feed, format) as opened,
        open_storage(Settings.from_env().for_many_photos()) as storage,
        storage.remote_photos() as remote,
    ):
        mapper = _mapper(storage)
        report = _import_with_progress(opened, storage, mapper, images, remote)
        if mapper.versions != storage.active_versions():
            # Others became active under it: what it wrote is not theirs yet.
            workers = storage.settings.threads
            embed_again(catalog=storage.catalog, mapper=_mapper(storage), workers=workers)
    if as_json:
        print_json(report.to_json())
    else:
        _print_report(report)
    if any(error.reason.startswith(NO_SUCH_FILE) for error in report.errors):
        folder = images or beside(opened)
        typer.echo(f"image names are relative to {folder}; --images names another", err=True)
    if strict and report.failed:
        typer.echo(f"{report.failed} of {report.read} rows failed", err=True)
        raise typer.Exit(1)


@catalog_app.command("tag")
def tag() -> None:
    """Tag every product anew with the words of GARB_TAGS. Photos are not looked at again."""
    with open_storage(Settings.from_env()) as storage:
        if storage.settings.tags_file is None:
            raise SettingsError("GARB_TAGS names no file: docs/clip.md says what it holds")
        execution = storage.settings.execution
        embedder = load_embedder(storage.active(ModelKind.EMBEDDER), execution)
        shop_tags = load_shop_tags(storage.settings.tags_file, embedder)
        if shop_tags is None:
            raise SettingsError(f"{embedder.version} reads no words: activate a CLIP model first")
        count = tag_photos(storage.catalog, shop_tags)
    typer.echo(f"{count} photos tagged")


@catalog_app.command("list")
def list_(
    after: Annotated[str | None, typer.Option("--after", metavar="ID", help="Go on here.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Products.")] = 100,
    words: Annotated[
        str, typer.Option("--words", metavar="WORDS", help="Only those that carry every one.")
    ] = "",
    filter_text: FilterOption = None,
    facets: FacetsOption = "",
    as_json: JsonOption = False,
) -> None:
    """List products in the order of their ids."""
    with wrong_usage():
        words, tree, names = read_words(words), read_filter(filter_text), read_facets(facets)
    with open_storage(Settings.from_env()) as storage:
        catalog = storage.catalog
        tell_of_unknown_fields(catalog, tree=tree, facets=names)
        # One more than the page holds: a full last page must not promise an empty one behind it.
        found = catalog.list_products(after=after, limit=limit + 1, words=words, tree=tree)
        page = found[:limit]
        total = catalog.product_count(words=words, tree=tree)
        images = catalog.images_of(product.id for product in page)
        counted = catalog.facets(names, words=words, tree=tree)
        finder = _finder(catalog)
    if as_json:
        products = [product_json(one, images.get(one.id, []), finder) for one in page]
        following = page[-1].id if len(found) > limit else None
        document = {"total": total, "products": products, "next": following}
        print_json(document | with_facets(counted))
        return
    table = Table("id", "title", "category", "brand", "price", "photos")
    for one in page:
        price = "" if one.price is None else f"{one.price:g} {one.currency}".strip()
        photos = str(len(images.get(one.id, [])))
        table.add_row(*map(escape, (one.id, one.title, one.category, one.brand, price, photos)))
    Console().print(table)
    print_facets(counted)
    _stderr.print(f"{len(page)} of {total} products")


@catalog_app.command("show")
def show(
    product_id: Annotated[str, typer.Argument(metavar="ID", help="A product's.")],
    cutouts: Annotated[
        Path | None,
        typer.Option("--cutouts", metavar="DIR", help="Leave each photo's garment here, alone."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a product and what became of its photos."""
    with open_storage(Settings.from_env()) as storage:
        product = storage.catalog.existing_product(product_id)
        images = storage.catalog.images(product_id)
        document = product_json(product, images, _finder(storage.catalog))
        if cutouts is not None:
            _save_cutouts(product, images, _mapper(storage), cutouts)
    if as_json:
        print_json(document)
        return
    table = Table(show_header=False)
    for name, value in document.items():
        if name != "images":
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            table.add_row(name, "" if value is None else escape(text))
    for image in document["images"]:
        shown = ", ".join(f"{name} {value}" for name, value in image.items() if value)
        table.add_row(f"photo {image['position']}", escape(shown))
    Console().print(table)


@catalog_app.command("remove")
def remove(
    product_ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Products'.")],
    as_json: JsonOption = False,
) -> None:
    """Take products out of the catalog and of every search."""
    with open_storage(Settings.from_env()) as storage:
        missing = [one for one in product_ids if storage.catalog.product(one) is None]
        removed = storage.catalog.remove_products(product_ids)
    if as_json:
        print_json({"removed": removed, "not_found": missing})
    else:
        typer.echo(f"removed {removed}")
    if missing:
        typer.echo(f"no product {', '.join(map(repr, missing))} in the catalog", err=True)
        raise typer.Exit(1)


@catalog_app.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv or .jsonl file.")],
    images: Annotated[
        Path | None,
        typer.Option(
            "--images", metavar="DIR", help="Copy the photos here, for `import --images DIR`."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the catalog as a feed that imports as the same catalog."""
    with open_storage(Settings.from_env()) as storage:
        catalog, store = storage.catalog, storage.image_store
        if images is not None:
            copy_photos(catalog, store, images)
        count = write_feed(lambda: catalog_records(catalog, copied=images is not None), file)
    if as_json:
        print_json({"file": str(file), "products": count})
    else:
        typer.echo(f"{count} products in {file}")


def catalog_records(catalog: Catalog, *, copied: bool) -> Iterator[ProductRecord]:
    """The living products as records; ``copied``: photos by their stored names, else as imported."""
    for product in catalog.all_products():
        images = catalog.images(product.id)
        if copied:
            images = [image for image in images if image.sha256]
            names = tuple(f"{image.sha256}.jpg" for image in images)
        else:
            names = tuple(image.source for image in images)
        yield ProductRecord(
            id=product.id,
            title=product.title,
            category=product.category,
            brand=product.brand,
            price=product.price,
            currency=product.currency,
            url=product.url,
            images=names,
            collections=product.collections,
            attributes=product.attributes,
            boxes=boxes_of(names, [image.region for image in images]),
        )


def _import_with_progress(
    feed: Feed,
    storage: Storage,
    mapper: PhotoMapper,
    images: Path | None,
    fetcher: PhotoFetcher,
) -> ImportReport:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_stderr) as progress:
        task = progress.add_task("importing", total=feed.count_hint(), rate="")

        def on_progress(tally: Tally) -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            rate = f"{tally.photos / elapsed:.1f} photos/s" if elapsed > 1 else ""
            progress.update(task, completed=tally.done, rate=rate)

        report = import_feed(
            feed,
            catalog=storage.catalog,
            mapper=mapper,
            images_dir=images,
            workers=storage.settings.threads,
            on_progress=on_progress,
            fetcher=fetcher,
        )
        # The hint counts lines; a product may take several, and a broken quote spans them.
        progress.update(task, total=report.read, completed=report.read)
        return report


def _finder(catalog: Catalog) -> Finder:
    """What a server that has followed the database finds by."""
    return Finder(catalog.active_model(ModelKind.EMBEDDER.value), catalog.latest_sequence())


def _mapper(storage: Storage) -> PhotoMapper:
    photo_parser, embedder = load_models(storage)
    return new_mapper(storage, photo_parser, embedder)


def _save_cutouts(
    product: Product, images: Sequence[ProductImage], mapper: PhotoMapper, folder: Path
) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for image in images:
            if image.sha256:
                data = mapper.stored_photo(image.sha256)
                cut = mapper.cut(data, category=product.category, region=image.region)
                (folder / f"{image.position}.jpg").write_bytes(cut.to_jpeg())
    except OSError as error:
        raise ImageStoreError(f"{folder}: {error.strerror or error}") from error


def copy_photos(catalog: Catalog, store: ImageStore, folder: Path) -> None:
    """Every stored photo under the name that `catalog_records` gives it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for product in catalog.all_products():
            for image in catalog.images(product.id):
                if image.sha256:
                    (folder / f"{image.sha256}.jpg").write_bytes(store.read(image.sha256))
    except OSError as error:
        raise ImageStoreError(f"{folder}: {error.strerror or error}") from error


def _print_report(report: ImportReport) -> None:
    names = ("read", "new", "updated", "unchanged", "failed", "products", "indexed")
    typer.echo(", ".join(f"{name} {getattr(report, name)}" for name in names))
    for word, count in report.unmapped_categories.items():
        typer.echo(f"category {word!r} is not mapped ({count} rows)", err=True)
    for error in report.errors[:MOST_ERRORS_SHOWN]:
        what = ", ".join(part for part in (error.id, error.image) if part)
        place = f"{error.file}, line {error.line}" if error.file else f"line {error.line}"
        typer.echo(f"{place}: {what + ': ' if what else ''}{error.reason}", err=True)
    more = len(report.errors[MOST_ERRORS_SHOWN:]) + report.errors_left_out
    if more:
        typer.echo(f"… and {more} more; see --json", err=True)
