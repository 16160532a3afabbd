"""Records → a feed that reads back as the same records."""

from __future__ import annotations

import csv
import json
import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

from indexer.errors import FeedError
from indexer.feeds.record import FIELDS, AttributeValue, ProductRecord
from segmentation.garment import Box

Records = Callable[[], Iterable[ProductRecord]]


def write_feed(records: Records, path: Path) -> int:
    """Write a feed whole or not at all; returns how many products it holds.

    JSON lines keep everything; CSV turns attributes into text. ``records`` is called several times.

    Raises:
        FeedError: another extension, a value that CSV cannot hold, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".jsonl"):
        raise FeedError(f"{path}: an export is a .csv or a .jsonl file")
    write = _write_jsonl if suffix == ".jsonl" else _write_csv
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            with partial.open("w", encoding="utf-8", newline="") as file:
                count = write(records, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise FeedError(f"{path}: {error.strerror or error}") from error
    return count


def _write_jsonl(records: Records, file: IO[str]) -> int:
    count = 0
    for record in records():
        values: dict[str, Any] = {"id": record.id}
        values |= {name: getattr(record, name) for name in FIELDS[1:] if getattr(record, name)}
        if record.price is not None:
            values["price"] = record.price
        if record.images:
            values["images"] = list(record.images)
        if any(record.boxes):
            values["boxes"] = [box and [box.x0, box.y0, box.x1, box.y1] for box in record.boxes]
        if record.collections:
            values["collections"] = list(record.collections)
        if record.attributes:
            values["attributes"] = dict(record.attributes)
        file.write(json.dumps(values, ensure_ascii=False) + "\n")
        count += 1
    return count


def _write_csv(records: Records, file: IO[str]) -> int:
    most_images, has_boxes, attributes = 1, False, dict[str, None]()
    for record in records():
        most_images = max(most_images, len(record.images))
        has_boxes = has_boxes or any(record.boxes)
        attributes |= dict.fromkeys(record.attributes)
    # Else numbered columns, because a file's name may hold the separator of a list.
    plain = most_images == 1 and not any("|" in name for one in records() for name in one.images)
    ends = [""] if plain else [f"_{number}" for number in range(1, most_images + 1)]
    images = [f"{name}{end}" for name in ("image", "box")[: 1 + has_boxes] for end in ends]
    # With this line end Python 3.11 quotes a field that holds a lone carriage return.
    writer = csv.writer(file, lineterminator="\r\n")
    columns = [*FIELDS, *images, "collections"]
    if taken := attributes.keys() & columns:
        raise FeedError(f"an attribute is named {min(taken)!r} too, export a .jsonl file instead")
    writer.writerow([*columns, *attributes])
    count = 0
    for record in records():
        writer.writerow(
            [
                *(_field(getattr(record, name)) for name in FIELDS),
                *_filled(record.images, most_images),
                *(_filled(map(_box_text, record.boxes), most_images) if has_boxes else ()),
                _joined(record, record.collections),
                *(_attribute(record, name) for name in attributes),
            ]
        )
        count += 1
    return count


def _filled(texts: Iterable[str], width: int) -> list[str]:
    found = list(texts)
    return found + [""] * (width - len(found))


def _box_text(box: Box | None) -> str:
    return "" if box is None else ",".join(map(_text, (box.x0, box.y0, box.x1, box.y1)))


def _field(value: str | float | None) -> str:
    if isinstance(value, float):
        # Never 1e+16: a price is read back as plain digits.
        text = repr(value)
        return text if "e" not in text else f"{value:.20f}".rstrip("0").rstrip(".")
    return value or ""


def _attribute(record: ProductRecord, name: str) -> str:
    value = record.attributes.get(name, "")
    return _joined(record, value) if isinstance(value, tuple) else _text(value)


def _joined(record: ProductRecord, values: Iterable[AttributeValue]) -> str:
    texts = [_text(value) for value in values]
    if any("|" in text for text in texts):
        raise FeedError(f"product {record.id!r}: a value holds '|', export a .jsonl file instead")
    return "|".join(texts)


def _text(value: AttributeValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)
