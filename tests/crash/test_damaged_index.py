"""Damaged index files: refused before anything reads them, and the answers come from the rows."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from indexer.bootstrap import Services
from indexer.errors import IndexDamaged
from indexer.generation import Shelf
from indexer.index_check import DriftKind
from indexer.live_index import LiveIndex
from indexer.vectors.snapshot import MANIFEST, load_snapshot
from tests.crash.snapshots import with_snapshots
from tests.indexer.memory_catalog import DIMENSION, MemoryCatalog, unit
from tests.search_api.answers import BLUE, RED
from tests.search_api.conftest import empty_database, serve, services

__all__ = ["empty_database", "services"]
PRODUCTS = 40


@dataclass
class Folder:
    """A snapshot's folder to be damaged, and one of an earlier moment of the same catalog."""

    path: Path
    earlier: Path
    rng: np.random.Generator

    def any_file(self, *, but_manifest: bool = False) -> Path:
        files = [one for one in sorted(self.path.iterdir()) if one.name != MANIFEST]
        files += [] if but_manifest else [self.path / MANIFEST]
        return files[int(self.rng.integers(len(files)))]

    def sign(self, change: Callable[[dict[str, Any]], None]) -> None:
        """A manifest that says something else, with the sha256 that belongs to it."""
        body = json.loads((self.path / MANIFEST).read_bytes())
        del body["sha256"]
        change(body)
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        text = json.dumps(body | {"sha256": digest}, sort_keys=True, indent=2) + "\n"
        (self.path / MANIFEST).write_text(text, encoding="utf-8")


def flip_bits(folder: Folder) -> None:
    path = folder.any_file()
    data = bytearray(path.read_bytes())
    for _ in range(int(folder.rng.integers(1, 9))):
        data[folder.rng.integers(len(data))] ^= 1 << int(folder.rng.integers(8))
    path.write_bytes(data)


def truncate(folder: Folder) -> None:
    path = folder.any_file()
    data = path.read_bytes()
    path.write_bytes(data[: folder.rng.integers(len(data))])


def lengthen(folder: Folder) -> None:
    path = folder.any_file()
    path.write_bytes(path.read_bytes() + folder.rng.bytes(int(folder.rng.integers(1, 5_000))))


def empty(folder: Folder) -> None:
    folder.any_file().write_bytes(b"")


def zeros_or_noise(folder: Folder) -> None:
    """What a file system may leave of a page that was never written."""
    path = folder.any_file()
    size = path.stat().st_size
    path.write_bytes(bytes(size) if folder.rng.random() < 0.5 else folder.rng.bytes(size))


def lose(folder: Folder) -> None:
    folder.any_file(but_manifest=True).unlink()


def swap(folder: Folder) -> None:
    first, second = folder.rng.permutation(sorted(folder.path.iterdir()))[:2]
    contents = first.read_bytes(), second.read_bytes()
    second.write_bytes(contents[0])
    first.write_bytes(contents[1])


def put_a_folder_there(folder: Folder) -> None:
    path = folder.any_file()
    path.unlink()
    path.mkdir()


def take_content_of_earlier(folder: Folder) -> None:
    """A whole, well-formed file, but of another moment."""
    path = folder.any_file(but_manifest=True)
    others = [one.read_bytes() for one in sorted(folder.earlier.iterdir())]
    others = [content for content in others if content != path.read_bytes()]
    path.write_bytes(others[int(folder.rng.integers(len(others)))])


def take_manifest_of_earlier(folder: Folder) -> None:
    """Its own files are not there."""
    shutil.copy(folder.earlier / MANIFEST, folder.path / MANIFEST)


def say_another_dimension(folder: Folder) -> None:
    wrong = int(folder.rng.choice([0, -1, 8, 17, 2**31, 10**12]))
    folder.sign(lambda body: body.update(dimension=wrong))


def say_another_embedder(folder: Folder) -> None:
    folder.sign(lambda body: body.update(embedder=f"other-{folder.rng.integers(100)}"))


def say_another_format(folder: Folder) -> None:
    folder.sign(lambda body: body.update(format=int(folder.rng.integers(100, 200))))


def give_the_sha_of_another(folder: Folder) -> None:
    def change(body: dict[str, Any]) -> None:
        names = folder.rng.permutation(sorted(body["files"]))
        body["files"][names[0]]["sha256"] = body["files"][names[1]]["sha256"]

    folder.sign(change)


def write_nonsense(folder: Folder) -> None:
    nonsense = [b"[]", b"null", b'"text"', b"{}", b"\xff\xfe", b"[" * 100_000, b'{"format": 1}']
    choice = int(folder.rng.integers(len(nonsense)))
    (folder.path / MANIFEST).write_bytes(nonsense[choice])


DAMAGES: tuple[Callable[[Folder], None], ...] = (
    flip_bits,
    truncate,
    lengthen,
    empty,
    zeros_or_noise,
    lose,
    swap,
    put_a_folder_there,
    take_content_of_earlier,
    take_manifest_of_earlier,
    say_another_dimension,
    say_another_embedder,
    say_another_format,
    give_the_sha_of_another,
    write_nonsense,
)


@pytest.fixture
def catalog() -> MemoryCatalog:
    made = MemoryCatalog()
    for number, vector in enumerate(unit(np.random.default_rng(5), PRODUCTS)):
        made.put(f"p{number}", vector, category="dress")
    return made


@pytest.fixture
def no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would read an index file's content fails the test instead."""

    def called(*_: object, **__: object) -> None:
        raise AssertionError("a damaged file was read")

    for module, name in (
        (np, "load"),
        (faiss, "read_index"),
        (faiss, "deserialize_index"),
        (Shelf, "load"),
    ):
        monkeypatch.setattr(module, name, called)


def open_index(catalog: MemoryCatalog, folder: Path) -> LiveIndex:
    index = LiveIndex(catalog, embedder_version="fake", dimension=DIMENSION, snapshot_dir=folder)
    index.open()
    return index


@pytest.fixture
def folders(catalog: MemoryCatalog, tmp_path: Path) -> Callable[[int], Folder]:
    """Makes a whole snapshot's folder, ready to be damaged; one after another."""
    index = open_index(catalog, tmp_path / "earlier")
    index.save_snapshot()
    catalog.put("p0", unit(np.random.default_rng(6), 1)[0], image_id=1)
    open_index(catalog, tmp_path / "whole").save_snapshot()

    def make(seed: int) -> Folder:
        target = tmp_path / "damaged"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(tmp_path / "whole", target)
        earlier = tmp_path / "earlier" / "fake"
        return Folder(target / "fake", earlier, np.random.default_rng(seed))

    return make


def damage_and_open(catalog: MemoryCatalog, make: Callable[[int], Folder], *, count: int) -> None:
    for number in range(count):
        folder = make(number)
        whole = {one.name: one.read_bytes() for one in folder.path.iterdir()}
        damage = DAMAGES[number % len(DAMAGES)]
        damage(folder)
        now = {one.name: one.read_bytes() for one in folder.path.iterdir() if one.is_file()}
        assert now != whole, f"{damage.__name__}, {number}: nothing is damaged"
        with pytest.raises(IndexDamaged):
            load_snapshot(folder.path, embedder="fake", dimension=DIMENSION)
        index = open_index(catalog, folder.path.parent)
        assert index.damage, f"{damage.__name__}, {number}"
        assert [drift.kind for drift in index.verify()] == [DriftKind.DAMAGED]
        rows = catalog.rows.values()
        found, _ = index.generation().vectors.search(np.ones(DIMENSION, np.float32), PRODUCTS + 1)
        assert sorted(found) == sorted(row.image_id for row in rows)


@pytest.mark.usefixtures("no_reader")
def test_damaged_files_are_refused_unread(
    catalog: MemoryCatalog, folders: Callable[[int], Folder]
) -> None:
    damage_and_open(catalog, folders, count=6 * len(DAMAGES))


@pytest.mark.slow
@pytest.mark.usefixtures("no_reader")
def test_a_thousand_damaged_files_are_refused_unread(
    catalog: MemoryCatalog, folders: Callable[[int], Folder]
) -> None:
    damage_and_open(catalog, folders, count=1_005)


def test_a_whole_snapshot_is_read(
    catalog: MemoryCatalog, folders: Callable[[int], Folder], no_reader: None
) -> None:
    """Else the tests above would pass with files that nobody looks at."""
    with pytest.raises(AssertionError, match="was read"):
        open_index(catalog, folders(0).path.parent)


# A folder in a file's place is nothing that a later snapshot could be renamed over.
@pytest.mark.parametrize("damage", [one for one in DAMAGES if one is not put_a_folder_there])
def test_server_answers_from_the_rows_and_mends_the_files_as_it_ends(
    services: Services, damage: Callable[[Folder], None]
) -> None:
    for server in serve(with_snapshots(services)):
        server.put("a", RED)
    folder = services.settings.snapshot_dir / services.embedder.version
    folder.rename(folder.parent / "earlier")
    for server in serve(with_snapshots(services)):
        server.put("b", BLUE)
    damage(Folder(folder, folder.parent / "earlier", np.random.default_rng(3)))
    damaged = with_snapshots(services)
    assert damaged.index.damage
    for server in serve(damaged):
        assert server.client.get("/readyz").status_code == 200
        for product_id, colour in (("a", RED), ("b", BLUE)):
            matches = server.search(colour).json()["garments"][0]["matches"]
            assert matches[0]["product"]["id"] == product_id
            assert len(matches) == 2
    assert with_snapshots(services).index.verify() == []
