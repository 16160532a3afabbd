"""Each feed in and out: SQLite's export imported into PostgreSQL answers every search alike."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from indexer.catalog.repository import Catalog, open_catalog
from indexer.catalog_cli import catalog_records, copy_photos
from indexer.feeds.export import write_feed
from indexer.feeds.open import open_feed
from indexer.filters import parse_filter
from indexer.images import FolderImageStore
from indexer.ingest.mapper import PhotoMapper
from indexer.ingest.runner import import_feed
from indexer.live_index import LiveIndex
from indexer.matching import Matcher, SearchRequest, SimilarRequest
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_jpeg, fake_photo

COLOURS = ((200, 30, 40), (30, 190, 60), (20, 40, 200))
CATEGORIES = ("Maxi dresses", "Hoodies & Sweatshirts", "Jeans")
# The last of a colour has the photo of the one before: only their ids tell these two apart.
SHADES = (0, 25, 50, 50)


@dataclass(frozen=True)
class Item:
    """A product with two photos, and texts that every format has to quote."""

    id: str
    title: str
    category: str
    brand: str
    price: str
    images: tuple[str, str]
    fabric: str


def items(folder: Path) -> Iterator[Item]:
    """Twelve products, their photos drawn into the folder; ids in no order of likeness."""
    for kind, (colour, category) in enumerate(zip(COLOURS, CATEGORIES, strict=True)):
        for step, shade in enumerate(SHADES):
            front = fake_jpeg((colour[0], colour[1], min(255, colour[2] + shade)))
            back = fake_jpeg((max(0, colour[0] - shade), colour[1], colour[2]), width=96)
            names = (f"{kind}{step}-a.jpg", f"{kind}{step}-b.jpg")
            for name, jpeg in zip(names, (front, back), strict=True):
                (folder / name).write_bytes(jpeg)
            yield Item(
                id=f"{(7 * step) % 10}-{kind}-ü",
                title=f'The "{category}", no {step} <&>',
                category=category,
                brand="Acme; Söhne" if step % 2 else "Zed",
                price=f"{10 * step + 9}.50",
                images=names,
                fabric=("silk", "wool")[step % 2],
            )


def as_csv(folder: Path, products: list[Item]) -> Path:
    rows = [("id", "title", "category", "brand", "price", "currency", "image", "fabric")]
    rows += [
        (one.id, one.title, one.category, one.brand, one.price, "EUR", "|".join(one.images), one.fabric)
        for one in products
    ]  # fmt: skip
    return _table(folder / "feed.csv", rows)


def as_jsonl(folder: Path, products: list[Item]) -> Path:
    path = folder / "feed.jsonl"
    path.write_text("\n".join(json.dumps(_values(one)) for one in products), encoding="utf-8")
    return path


def as_parquet(folder: Path, products: list[Item]) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    path = folder / "feed.parquet"
    table = pyarrow.Table.from_pylist([_values(one) for one in products])
    pytest.importorskip("pyarrow.parquet").write_table(table, path)
    return path


def as_google_table(folder: Path, products: list[Item]) -> Path:
    rows = [
        ("id", "title", "product_type", "brand", "price", "image_link", "additional_image_link", "fabric")
    ]  # fmt: skip
    rows += [
        (one.id, one.title, one.category, one.brand, f"{one.price} EUR", *one.images, one.fabric)
        for one in products
    ]
    return _table(folder / "feed.tsv", rows, delimiter="\t")


def as_google_xml(folder: Path, products: list[Item]) -> Path:
    def element(name: str, value: str) -> str:
        return f"<g:{name}>{escape(value)}</g:{name}>"

    entries = "".join(
        "<item>"
        + element("id", one.id)
        + element("title", one.title)
        + element("product_type", one.category)
        + element("brand", one.brand)
        + element("price", f"{one.price} EUR")
        + element("image_link", one.images[0])
        + element("additional_image_link", one.images[1])
        + element("fabric", one.fabric)
        + "</item>"
        for one in products
    )
    path = folder / "feed.xml"
    path.write_text(
        '<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0" version="2.0">'
        f"<channel>{entries}</channel></rss>",
        encoding="utf-8",
    )
    return path


def as_shopify(folder: Path, products: list[Item]) -> Path:
    """Two rows a product, a photo in each."""
    rows: list[tuple[str, ...]] = [
        ("Handle", "Title", "Vendor", "Type", "Published", "Option1 Name", "Option1 Value",
         "Variant Price", "Image Src", "Image Position", "Fabric (product.metafields.custom.fabric)")
    ]  # fmt: skip
    for one in products:
        front, back = one.images
        rows += [
            (one.id, one.title, one.brand, one.category, "true", "Size", "S", one.price, front, "1",
             one.fabric),
            (one.id, "", "", "", "", "", "M", one.price, back, "2", ""),
        ]  # fmt: skip
    return _table(folder / "products_export.csv", rows)


def _values(one: Item) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "category": one.category,
        "brand": one.brand,
        "price": float(one.price),
        "currency": "EUR",
        "images": list(one.images),
        "fabric": one.fabric,
    }


def _table(path: Path, rows: list[tuple[str, ...]], *, delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


FORMATS: tuple[Callable[[Path, list[Item]], Path], ...] = (
    as_csv,
    as_jsonl,
    as_parquet,
    as_google_table,
    as_google_xml,
    as_shopify,
)


class Shop:
    """A catalog with fake models before it."""

    def __init__(self, url: str, photos: Path) -> None:
        self.catalog = open_catalog(url)
        self.store = FolderImageStore(photos)
        self.parser, self.embedder = FakePhotoParser(), FakeEmbedder()

    def import_(self, feed: Path, *, images: Path) -> None:
        mapper = PhotoMapper(
            photo_parser=self.parser, embedder=self.embedder, image_store=self.store
        )
        report = import_feed(
            open_feed(feed), catalog=self.catalog, mapper=mapper, images_dir=images
        )
        assert report.errors == ()
        assert report.new == report.products == report.indexed == len(COLOURS) * len(SHADES)

    def answers(self) -> list[Any]:
        """What searches by photo, likeness, words and filter answer."""
        index = LiveIndex(
            self.catalog, embedder_version=self.embedder.version, dimension=self.embedder.dimension
        )
        index.open()
        matcher = Matcher(self.parser, self.embedder, index, self.catalog, self.store)
        asked = [
            SearchRequest(k=12),
            SearchRequest(k=5, category="Jeans"),
            SearchRequest(k=8, filter=parse_filter('fabric = "silk" AND price < 25')),
            SearchRequest(k=8, filter=parse_filter('brand = "Acme; Söhne"'), fold=True),
            SearchRequest(k=12, colour="#1428c8"),
        ]
        found: list[Any] = []
        for colour in COLOURS:
            for request in asked:
                answer = matcher.search(fake_photo(colour, width=70), request).to_json()
                found.append(_matches(answer["garments"][0]["matches"]))
        for product in self.catalog.list_products():
            similar = matcher.similar(product.id, SimilarRequest(k=6)).to_json()
            found.append(_matches(similar["matches"]))
        found.append([product.id for product in self.catalog.search_text("maxi söhne")])
        return found


def _matches(matches: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(one["product"], one["image"], one["score"]) for one in matches]


def content(catalog: Catalog) -> list[Any]:
    """What the feed said, of every product."""
    return [
        (one.id, one.title, one.category, one.brand, one.price, one.currency, one.url,
         dict(one.attributes), one.collections, [image.region for image in catalog.images(one.id)])
        for one in catalog.all_products()
    ]  # fmt: skip


# One in the quick tests: the format whose products are read from the most rows.
CASES = [
    (as_shopify, ".jsonl"),
    *(
        pytest.param(*case, marks=pytest.mark.slow)
        for case in [
            *((written, ".jsonl") for written in FORMATS if written is not as_shopify),
            (as_csv, ".csv"),
        ]
    ),
]


@pytest.mark.parametrize(("written", "suffix"), CASES)
def test_export_of_sqlite_gives_the_same_answers_in_postgres(
    written: Callable[[Path, list[Item]], Path],
    suffix: str,
    tmp_path: Path,
    postgres_database_url: str,
) -> None:
    feed = written(tmp_path, list(items(tmp_path)))
    ours = Shop(f"sqlite:///{tmp_path / 'garb.db'}", tmp_path / "ours")
    ours.import_(feed, images=tmp_path)
    export = tmp_path / f"export{suffix}"
    write_feed(lambda: catalog_records(ours.catalog, copied=False), export)
    theirs = Shop(postgres_database_url, tmp_path / "theirs")
    theirs.import_(export, images=tmp_path)
    assert content(theirs.catalog) == content(ours.catalog)
    expected = ours.answers()
    assert sum(map(len, expected)) > 100
    assert theirs.answers() == expected
    for shop in (ours, theirs):
        shop.catalog.close()


def test_export_with_its_photos_gives_the_same_products_and_the_same_first_matches(
    tmp_path: Path,
) -> None:
    """The copies are the stored JPEGs, encoded once more when they are imported."""
    feed = as_csv(tmp_path, list(items(tmp_path)))
    ours = Shop(f"sqlite:///{tmp_path / 'ours.db'}", tmp_path / "ours")
    ours.import_(feed, images=tmp_path)
    write_feed(lambda: catalog_records(ours.catalog, copied=True), tmp_path / "export.jsonl")
    copy_photos(ours.catalog, ours.store, tmp_path / "copies")
    theirs = Shop(f"sqlite:///{tmp_path / 'theirs.db'}", tmp_path / "theirs")
    theirs.import_(tmp_path / "export.jsonl", images=tmp_path / "copies")
    assert content(theirs.catalog) == content(ours.catalog)
    for one, other in zip(ours.answers()[:-1], theirs.answers()[:-1], strict=True):
        assert one[0][0] == other[0][0]
        assert one[0][2] == pytest.approx(other[0][2], abs=0.05)
    for shop in (ours, theirs):
        shop.catalog.close()
