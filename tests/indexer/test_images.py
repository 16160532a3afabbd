from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from indexer.errors import ImageStoreError
from indexer.images import FolderImageStore, FsspecImageStore, ImageStore, open_image_store

JPEG = b"\xff\xd8" + bytes(range(256)) * 40 + b"\xff\xd9"
NAME = hashlib.sha256(JPEG).hexdigest()
IN_MEMORY = "memory://shop/images"
STORED = f"/shop/images/{NAME[:2]}/{NAME}.jpg"


@pytest.fixture
def memory() -> Iterator[MemoryFileSystem]:
    """What stands for all that is not a folder; its pipes write in place."""
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, memory: MemoryFileSystem) -> ImageStore:
    return open_image_store(str(tmp_path) if request.param == "folder" else IN_MEMORY)


def test_a_url_opens_fsspec_and_everything_else_a_folder(tmp_path: Path) -> None:
    assert isinstance(open_image_store(IN_MEMORY), FsspecImageStore)
    assert isinstance(open_image_store(str(tmp_path)), FolderImageStore)
    assert isinstance(open_image_store(f"file://{tmp_path}"), FolderImageStore)


def test_a_photo_is_read_as_it_was_put(store: ImageStore) -> None:
    assert store.put(JPEG) == NAME
    assert store.put(JPEG) == NAME
    assert store.read(NAME) == JPEG


@pytest.mark.parametrize("name", ["0" * 64, "../secret", NAME.upper()])
def test_what_is_not_there_or_no_sha256_is_refused(store: ImageStore, name: str) -> None:
    with pytest.raises(ImageStoreError):
        store.read(name)


def test_a_photo_that_is_there_whole_is_not_written_again(memory: MemoryFileSystem) -> None:
    store = open_image_store(IN_MEMORY)
    store.put(JPEG)
    modified = memory.modified(STORED)
    store.put(JPEG)
    assert memory.modified(STORED) == modified


@pytest.mark.parametrize("there", [0, 1, len(JPEG) // 2, len(JPEG) - 1])
def test_a_photo_that_is_there_in_part_is_written_again(
    memory: MemoryFileSystem, there: int
) -> None:
    memory.pipe_file(STORED, JPEG[:there])
    store = open_image_store(IN_MEMORY)
    assert store.put(JPEG) == NAME
    assert store.read(NAME) == JPEG


def test_a_write_that_broke_off_is_told_of_and_mended_by_the_next(
    memory: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = MemoryFileSystem.pipe_file

    def broken(files: MemoryFileSystem, path: str, value: bytes) -> None:
        whole(files, path, value[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    store = open_image_store(IN_MEMORY)
    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "pipe_file", broken)
        with pytest.raises(ImageStoreError, match="cannot store a photo"):
            store.put(JPEG)
    store.put(JPEG)
    assert store.read(NAME) == JPEG
