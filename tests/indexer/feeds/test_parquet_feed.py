"""Parquet keeps its types; damage is named and costs only what lies behind it."""

from __future__ import annotations

import builtins
import datetime
import decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.errors import FeedError
from indexer.feeds.open import open_feed
from indexer.feeds.record import BadRow, ProductRecord
from segmentation.errors import MissingDependency


def _write(folder: Path, columns: dict[str, Any], **options: Any) -> Path:
    path = folder / "feed.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_types_are_kept_and_what_is_missing_is_left_out(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        {
            "id": pa.array([1, 2]),
            "title": ["Dress", None],
            "price": [79.5, float("nan")],
            "image": pa.array([["a|b.jpg", "c.jpg"], None]),
            "size": [42, None],
            "sale": [True, None],
            "cost": pa.array([decimal.Decimal("9.90"), None]),
            "since": pa.array([datetime.datetime(2026, 5, 4, 3, 2, 1), None], pa.timestamp("ns")),
            "colour": pa.array(["navy", None]).dictionary_encode(),
        },
    )
    assert list(open_feed(path)) == [
        ProductRecord(
            id="1",
            title="Dress",
            price=79.5,
            images=("a|b.jpg", "c.jpg"),
            attributes={
                "size": 42.0,
                "sale": True,
                "cost": "9.90",
                "since": "2026-05-04 03:02:01.000000000",
                "colour": "navy",
            },
            line=1,
        ),
        ProductRecord(id="2", line=2),
    ]
    assert open_feed(path).count_hint() == 2


def test_a_bad_row_is_named_by_its_number(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        {
            "id": ["1", "", "3", "4"],
            "price": ["79.00 EUR", "1", "cheap", None],
            "raw": [None, None, None, b"\0\1"],
        },
    )
    good, *bad = list(open_feed(path))
    assert isinstance(good, ProductRecord)
    assert (good.price, good.currency) == (79.0, "EUR")
    assert all(isinstance(row, BadRow) for row in bad)
    assert [(row.line, row.id) for row in bad] == [(2, None), (3, "3"), (4, "4")]


def test_rows_before_damaged_bytes_are_read(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        {"id": [f"product {number}" for number in range(3000)]},
        row_group_size=500,
        compression="zstd",
        use_dictionary=False,
    )
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    path.write_bytes(data)
    *good, last = list(open_feed(path))
    assert all(isinstance(row, ProductRecord) for row in good)
    assert isinstance(last, BadRow)
    assert last.line == len(good) + 1
    assert len(good) >= 1000


@pytest.mark.parametrize("kept", [4, 8, 100])
def test_a_file_that_is_cut_off_is_one_line(tmp_path: Path, kept: int) -> None:
    path = _write(tmp_path, {"id": ["1"]})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(FeedError, match="not a Parquet file") as caught:
        open_feed(path)
    assert "\n" not in str(caught.value)


def test_columns_are_checked(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="no column 'id'"):
        open_feed(_write(tmp_path, {"title": ["x"]}))


def test_without_pyarrow_the_message_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _write(tmp_path, {"id": ["1"]})
    real = builtins.__import__

    def without(name: str, *rest: Any, **options: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependency, match=r"garb\[parquet\]"):
        open_feed(path)
