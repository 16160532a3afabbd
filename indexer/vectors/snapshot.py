"""The index on disk: plain arrays and a manifest, so that a start need not read every row.

No FAISS file is written. FAISS loads bit-flipped files silently, and a flat index is its vectors:
adding them again costs one copy. Files are named by their content and the manifest is replaced as
the last step, so a reader finds the old snapshot or the new one, whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.errors import IndexDamaged

FORMAT = 1
MANIFEST = "manifest.json"

# Files that no manifest names are kept this long for readers that hold the manifest before.
_KEEP_SECONDS = 600.0

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
    """``rows``: `ROW_TYPE` (n,), ascending by image id; ``vectors``: float16 (n, dimension)."""

    embedder: str
    sequence: int
    rows: Rows
    vectors: npt.NDArray[np.float16]
    product_ids: tuple[str, ...]


def save_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Replace what the folder holds; on any error (OSError: disk full) the old snapshot stays."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "vectors.npy": _npy(snapshot.vectors),
        "rows.npy": _npy(snapshot.rows),
        "products.json": json.dumps(snapshot.product_ids).encode(),
    }
    files = {}
    for name, data in contents.items():
        digest = hashlib.sha256(data).hexdigest()
        stem, suffix = name.split(".")
        stored = f"{stem}-{digest[:16]}.{suffix}"
        _write(folder / stored, data)
        files[name] = {"file": stored, "sha256": digest, "bytes": len(data)}
    body = {
        "format": FORMAT,
        "embedder": snapshot.embedder,
        "dimension": int(snapshot.vectors.shape[1]),
        "count": len(snapshot.rows),
        "sequence": snapshot.sequence,
        "files": files,
    }
    _write(folder / MANIFEST, _manifest_bytes(body))
    _sync_folder(folder)
    _remove_unnamed(folder, {str(entry["file"]) for entry in files.values()})


def load_snapshot(folder: Path, *, embedder: str, dimension: int) -> Snapshot | None:
    """Read the folder's snapshot; None where there is none. Every byte is checked before it is used.

    Raises:
        IndexDamaged: anything differs from the manifest, or it is of another embedder or format.
    """
    try:
        raw = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IndexDamaged(f"{folder / MANIFEST}: {error.strerror}") from error
    body = _checked_manifest(raw, folder / MANIFEST)
    for name, wanted in (("format", FORMAT), ("embedder", embedder), ("dimension", dimension)):
        if body[name] != wanted:
            raise IndexDamaged(f"the snapshot's {name} is {body[name]!r}, not {wanted!r}")
    contents = {name: _checked_file(folder, entry) for name, entry in body["files"].items()}
    snapshot = Snapshot(
        embedder=embedder,
        sequence=body["sequence"],
        rows=np.load(io.BytesIO(contents["rows.npy"]), allow_pickle=False),
        vectors=np.load(io.BytesIO(contents["vectors.npy"]), allow_pickle=False),
        product_ids=tuple(json.loads(contents["products.json"])),
    )
    if len(snapshot.rows) != body["count"] or snapshot.vectors.shape != (body["count"], dimension):
        raise IndexDamaged("the snapshot's arrays are not as long as its manifest says")
    return snapshot


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


def _checked_file(folder: Path, entry: dict[str, Any]) -> bytes:
    path = folder / str(entry["file"])
    try:
        # One byte more than promised is enough to know that a file is too long.
        with path.open("rb") as file:
            data = file.read(int(entry["bytes"]) + 1)
    except OSError as error:
        raise IndexDamaged(f"{path}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise IndexDamaged(f"{path} differs from its sha256")
    return data


def _npy(array: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_unnamed(folder: Path, named: set[str]) -> None:
    now = time.time()
    for path in folder.iterdir():
        ours = path.name.startswith((".new-", "vectors-", "rows-", "products-"))
        if ours and path.name not in named and now - path.stat().st_mtime > _KEEP_SECONDS:
            path.unlink(missing_ok=True)
