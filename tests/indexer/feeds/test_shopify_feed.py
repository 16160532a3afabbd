"""The rows of one handle become one product; what is not for sale is left out and named."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from indexer.errors import FeedError
from indexer.feeds.open import open_feed
from indexer.feeds.record import BadRow, ProductRecord

Rows = list[ProductRecord | BadRow]

_FIRST = {
    "Handle": "maxi",
    "Title": "Maxi dress",
    "Body (HTML)": "<p>Long\nwords</p>",
    "Vendor": "Acme",
    "Product Category": "Apparel & Accessories > Clothing",
    "Type": "Dresses",
    "Tags": "summer, silk, summer",
    "Published": "true",
    "Option1 Name": "Size",
    "Option1 Value": "S",
    "Option2 Name": "Colour",
    "Option2 Value": "navy",
    "Variant SKU": "M-S",
    "Variant Grams": "400",
    "Variant Inventory Policy": "deny",
    "Variant Price": "79.00",
    "Variant Compare At Price": "99.00",
    "Image Src": "https://cdn.example/2.jpg",
    "Image Position": "2",
    "Image Alt Text": "from behind",
    "SEO Title": "Buy it",
    "Fabric (product.metafields.custom.fabric)": "silk",
    "Variant Image": "https://cdn.example/navy.jpg",
    "Cost per item": "12.00",
    "Price / International": "85.00",
    "Status": "active",
}
_HEADER = list(_FIRST)
_SECOND = {
    "Handle": "maxi",
    "Option1 Value": "M",
    "Option2 Value": "navy",
    "Variant SKU": "M-M",
    "Variant Price": "75.00",
    "Image Src": "https://cdn.example/1.jpg",
    "Image Position": "1",
    "Variant Image": "https://cdn.example/2.jpg",
}
_THIRD = {"Handle": "maxi", "Image Src": "https://cdn.example/10.jpg", "Image Position": "10"}


def _csv(*rows: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _HEADER, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _rows(folder: Path, text: str) -> Rows:
    path = folder / "products_export.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return list(open_feed(path))


def _product(row: ProductRecord | BadRow) -> ProductRecord:
    assert isinstance(row, ProductRecord), row
    return row


def test_variants_and_extra_photos_are_one_product(tmp_path: Path) -> None:
    hat = {"Handle": "hat", "Title": "Hat", "Type": "Hats", "Status": "active"}
    rows = _rows(tmp_path, _csv(_FIRST, _SECOND, _THIRD, hat))
    assert rows[0] == ProductRecord(
        id="maxi",
        title="Maxi dress",
        category="Dresses",
        brand="Acme",
        price=75.0,
        images=tuple(f"https://cdn.example/{name}.jpg" for name in ("1", "2", "10", "navy")),
        attributes={
            "tags": ("summer", "silk"),
            "sku": ("M-S", "M-M"),
            "Size": ("S", "M"),
            "Colour": ("navy",),
            "compare_at_price": 99.0,
            "Fabric (product.metafields.custom.fabric)": "silk",
        },
        line=2,
    )
    assert [(row.id, row.line) for row in rows] == [("maxi", 2), ("hat", 6)]


def test_what_the_shop_pays_never_becomes_an_attribute(tmp_path: Path) -> None:
    (row,) = _rows(tmp_path, _csv(_FIRST))
    assert "12.00" not in str(row)
    assert "Buy it" not in str(row)


def test_the_header_since_2024_gives_the_same(tmp_path: Path) -> None:
    new = {
        "Handle": "URL handle",
        "Body (HTML)": "Description",
        "Product Category": "Product category",
        "Published": "Published on online store",
        "Option1 Name": "Option1 name",
        "Option1 Value": "Option1 value",
        "Variant SKU": "SKU",
        "Variant Price": "Price",
        "Variant Compare At Price": "Compare-at price",
        "Image Src": "Product image URL",
        "Image Position": "Image position",
        "Variant Image": "Variant image URL",
    }
    old = _csv(_FIRST, _SECOND, _THIRD)
    header, rest = old.split("\n", 1)
    renamed = ",".join(new.get(name, name) for name in header.strip().split(","))
    assert _rows(tmp_path, f"{renamed}\n{rest}") == _rows(tmp_path, old)


def test_a_product_without_options_has_none(tmp_path: Path) -> None:
    only = {
        "Handle": "bag",
        "Title": "Bag",
        "Option1 Name": "Title",
        "Option1 Value": "Default Title",
    }
    (row,) = _rows(tmp_path, _csv(only))
    assert not _product(row).attributes


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("Status", "draft", "status is draft"),
        ("Status", "Archived", "status is archived"),
        ("Published", "FALSE", "not published"),
        ("Variant Price", "cheap", "'cheap'"),
    ],
)
def test_what_is_not_for_sale_or_wrong_is_named(
    tmp_path: Path, column: str, value: str, reason: str
) -> None:
    bad, good = _rows(
        tmp_path, _csv({**_FIRST, column: value}, _SECOND, {"Handle": "hat", "Title": "Hat"})
    )
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.id) == (2, "maxi")
    assert reason in bad.reason
    assert good.id == "hat"


def test_a_wrong_price_of_a_variant_is_named_by_its_own_line(tmp_path: Path) -> None:
    (bad,) = _rows(tmp_path, _csv(_FIRST, {**_SECOND, "Variant Price": "-5"}))
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.id) == (4, "maxi")


def test_a_broken_row_does_not_split_the_product_around_it(tmp_path: Path) -> None:
    lines = _csv(_FIRST, _SECOND, _THIRD).splitlines(keepends=True)
    broken = "".join(
        [*lines[:3], "maxi,too,short\n", ",no handle" + "," * (len(_HEADER) - 2) + "\n", *lines[3:]]
    )
    rows = _rows(tmp_path, broken)
    assert [(row.line, row.id) for row in rows if isinstance(row, BadRow)] == [
        (4, "maxi"),
        (5, None),
    ]
    (product,) = (row for row in rows if isinstance(row, ProductRecord))
    assert len(product.images) == 4


def test_what_is_left_of_a_product_without_its_first_row_is_no_product(tmp_path: Path) -> None:
    lines = _csv({**_FIRST, "Status": "draft"}, _SECOND, _THIRD).splitlines(keepends=True)
    rows = _rows(tmp_path, "".join([lines[0], "maxi,too,short\n", *lines[3:]]))
    assert [(type(row), row.line, row.id) for row in rows] == [
        (BadRow, 2, "maxi"),
        (BadRow, 3, "maxi"),
    ]


def test_a_description_may_go_on_for_hundreds_of_lines(tmp_path: Path) -> None:
    (row,) = _rows(tmp_path, _csv({**_FIRST, "Body (HTML)": "<p>\n" * 600}))
    assert _product(row).title == "Maxi dress"


def test_bytes_that_are_no_text_cost_their_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "products_export.csv"
    path.write_bytes(
        b"Handle,Title,Vendor,Variant SKU\nmaxi,Maxi,Acme,1\nmaxi,,,\xe9\nhat,Hat,Acme,2\n"
    )
    rows = list(open_feed(path))
    assert [(row.line, row.id) for row in rows] == [(3, "maxi"), (2, "maxi"), (4, "hat")]
    assert isinstance(rows[0], BadRow)
    assert "variant sku" in rows[0].reason


def test_a_handle_that_comes_again_later_is_a_second_product_that_the_import_names(
    tmp_path: Path,
) -> None:
    rows = _rows(tmp_path, _csv(_FIRST, {"Handle": "hat", "Title": "Hat"}, _SECOND))
    assert [row.id for row in rows] == ["maxi", "hat", "maxi"]


def test_columns_that_are_there_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="twice"):
        _rows(tmp_path, "Handle,Vendor,Variant SKU,SKU\n")
