"""The index on disk: plain arrays and a manifest, so that a start need not read every row.

The merged part's files are named and never written again; the vectors that came since are written
with every snapshot, and a flat FAISS index is made of them: adding them again costs one copy. Files
are named by their content and the manifest is replaced as the last step, so a reader finds the old
snapshot or the new one, whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.errors import IndexDamaged
from indexer.vectors.exact import is_among
from indexer.vectors.files import (
    TEMPORARY,
    Entry,
    checked_bytes,
    npy_bytes,
    write_named,
    write_whole,
)
from indexer.vectors.merged import MergedPart, load_part

FORMAT = 3
MANIFEST = "manifest.json"
_WRITTEN = ("vectors.npy", "rows.npy", "products.json")

# Files that no manifest names are kept this long for readers that hold the manifest before, and
# those of a merge until it is done.
_KEEP_SECONDS = 600.0
_KEEP_MERGED_SECONDS = 3600.0

ROW_TYPE = np.dtype(
    [
        ("image_id", "<i8"),
        ("sequence", "<i8"),
        ("product", "<i4"),  # place in the list of product ids
        ("position", "<i4"),
        ("category", "<i2"),  # place in GARMENT_CATEGORIES, -1 where unmapped
    ]
)
Rows = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """``rows``: `ROW_TYPE` (n,), ascending by image id.

    ``word``: what the database holds at ``sequence``, and no other one does.

    ``vectors``: float16 (m, dimension), of the rows that are not `in_merged`, in their order.
    """

    embedder: str
    sequence: int
    rows: Rows
    vectors: npt.NDArray[np.float16]
    product_ids: tuple[str, ...]
    merged: MergedPart | None = None
    word: str = ""


def in_merged(rows: Rows, merged: MergedPart | None) -> npt.NDArray[np.bool_]:
    """Which rows have their vectors in the merged part: those that did not change since.

    Every change of a row takes a newer number, so the numbers tell.
    """
    if merged is None:
        return np.zeros(len(rows), np.bool_)
    held: npt.NDArray[np.bool_] = is_among(rows["image_id"], merged.ids)
    return held & (rows["sequence"] <= merged.sequence)


def save_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Replace what the folder holds; on any error (OSError: disk full) the old snapshot stays."""
    folder.mkdir(parents=True, exist_ok=True)
    merged = snapshot.merged
    if merged is not None:
        _require(folder, merged.files)
    contents = {
        "vectors.npy": npy_bytes(snapshot.vectors),
        "rows.npy": npy_bytes(snapshot.rows),
        "products.json": json.dumps(snapshot.product_ids).encode(),
    }
    files = {name: write_named(folder, name, data) for name, data in contents.items()}
    named = files if merged is None else files | merged.files
    body = {
        "format": FORMAT,
        "embedder": snapshot.embedder,
        "dimension": int(snapshot.vectors.shape[1]),
        "count": len(snapshot.rows),
        "sequence": snapshot.sequence,
        "word": snapshot.word,
        "files": named,
        "merged_sequence": None if merged is None else merged.sequence,
    }
    write_whole(folder / MANIFEST, _manifest_bytes(body))
    _remove_unnamed(folder, {str(entry["file"]) for entry in named.values()})


def load_snapshot(folder: Path, *, embedder: str, dimension: int) -> Snapshot | None:
    """Read the folder's snapshot; None where there is none. Every byte is checked before it is used.

    Raises:
        IndexDamaged: anything differs from the manifest, or it is of another embedder or format.
    """
    body = _manifest(folder)
    if body is None:
        return None
    for name, wanted in (("format", FORMAT), ("embedder", embedder), ("dimension", dimension)):
        if body[name] != wanted:
            raise IndexDamaged(f"the snapshot's {name} is {body[name]!r}, not {wanted!r}")
    files = body["files"]
    contents = {name: checked_bytes(folder, files[name]) for name in _WRITTEN}
    snapshot = Snapshot(
        embedder=embedder,
        sequence=body["sequence"],
        rows=np.load(io.BytesIO(contents["rows.npy"]), allow_pickle=False),
        vectors=np.load(io.BytesIO(contents["vectors.npy"]), allow_pickle=False),
        product_ids=tuple(json.loads(contents["products.json"])),
        merged=_merged(folder, body),
        word=body["word"],
    )
    recent = int(np.count_nonzero(~in_merged(snapshot.rows, snapshot.merged)))
    if len(snapshot.rows) != body["count"] or snapshot.vectors.shape != (recent, dimension):
        raise IndexDamaged("the snapshot's arrays are not as long as its manifest says")
    return snapshot


def load_merged(folder: Path, *, embedder: str, newer_than: int) -> MergedPart | None:
    """The merged part that the folder's manifest names, if it holds changes after ``newer_than``.

    Raises:
        IndexDamaged: anything differs from the manifest.
    """
    body = _manifest(folder)
    if body is None or (body["format"], body["embedder"]) != (FORMAT, embedder):
        return None
    sequence = body["merged_sequence"]
    return _merged(folder, body) if sequence is not None and sequence > newer_than else None


def _merged(folder: Path, body: dict[str, Any]) -> MergedPart | None:
    sequence = body["merged_sequence"]
    if sequence is None:
        return None
    entries = {name: entry for name, entry in body["files"].items() if name not in _WRITTEN}
    return load_part(folder, entries, sequence=sequence)


def _manifest(folder: Path) -> dict[str, Any] | None:
    try:
        raw = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IndexDamaged(f"{folder / MANIFEST}: {error.strerror}") from error
    return _checked_manifest(raw, folder / MANIFEST)


def _require(folder: Path, files: dict[str, Entry]) -> None:
    """A part that another process has merged and removed meanwhile must not be named again."""
    for entry in files.values():
        (folder / str(entry["file"])).stat()


def _manifest_bytes(body: dict[str, Any]) -> bytes:
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return (json.dumps(body | {"sha256": digest}, sort_keys=True, indent=2) + "\n").encode()


def _checked_manifest(raw: bytes, path: Path) -> dict[str, Any]:
    try:
        document = json.loads(raw)
        body = {name: value for name, value in document.items() if name != "sha256"}
    except (ValueError, AttributeError, RecursionError) as error:
        raise IndexDamaged(f"{path} cannot be read") from error
    # Byte for byte what would be written: its own checksum, and nothing around it.
    if _manifest_bytes(body) != raw:
        raise IndexDamaged(f"{path} differs from its own sha256")
    return body


def _remove_unnamed(folder: Path, named: set[str]) -> None:
    now = time.time()
    for path in folder.iterdir():
        if path.name in named:
            continue
        age = now - path.stat().st_mtime
        written = path.name.startswith(("vectors-", "rows-", "products-"))
        merged = path.name.startswith((TEMPORARY, "merged_"))
        if (written and age > _KEEP_SECONDS) or (merged and age > _KEEP_MERGED_SECONDS):
            path.unlink(missing_ok=True)
