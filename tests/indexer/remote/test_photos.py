"""Which road a source takes, and what the stores give."""

from __future__ import annotations

import builtins
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from indexer.errors import PhotoNotFetched
from indexer.remote.photos import is_url, open_remote_photos
from indexer.remote.store_photos import StorePhotos
from indexer.settings import Settings
from segmentation.errors import MissingDependency
from segmentation.photo import MAX_BYTES

STORE = "memory://shop/photos"


@pytest.fixture
def files() -> Iterator[Any]:
    """fsspec's file system in memory."""
    found = fsspec.filesystem("memory")
    found.pipe_file("/shop/photos/a.jpg", b"photo")
    found.pipe_file("/other/secret.jpg", b"secret")
    yield found
    found.store.clear()


def test_urls_are_told_from_names_of_files() -> None:
    assert all(map(is_url, ("https://x/a.jpg", "HTTP://x", "s3://bucket/a.jpg", "file:///etc")))
    assert not any(map(is_url, ("a.jpg", "/a.jpg", "a/b:c.jpg", "://a", "data:image/png,")))


def test_a_photo_below_a_named_prefix_is_read(files: Any) -> None:
    found = StorePhotos([STORE]).fetch(f"{STORE}/a.jpg")
    assert found is not None
    assert found.data == b"photo"


@pytest.mark.parametrize(
    "url",
    [
        "memory://other/secret.jpg",
        "memory://shop/photos-of-others/a.jpg",
        "memory://shop/photos/../../other/secret.jpg",
        "memory://shop/photos/a.jpg::file:///etc/passwd",
        "simplecache::memory://shop/photos/a.jpg",
        "file:///etc/passwd",
        "s3://bucket/a.jpg",
    ],
)
def test_a_photo_elsewhere_is_refused(files: Any, url: str) -> None:
    with pytest.raises(PhotoNotFetched, match="GARB_PHOTO_STORES"):
        StorePhotos([STORE]).fetch(url)


def test_a_photo_that_is_not_there_or_too_large_is_one_line(files: Any) -> None:
    stores = StorePhotos([STORE + "/"])
    with pytest.raises(PhotoNotFetched, match="no such file"):
        stores.fetch(f"{STORE}/none.jpg")
    files.pipe_file("/shop/photos/large.jpg", bytes(MAX_BYTES + 1))
    with pytest.raises(PhotoNotFetched, match="bytes"):
        stores.fetch(f"{STORE}/large.jpg")


class _Versioned:
    """What a driver of an object store tells and does."""

    def __init__(self) -> None:
        self.reads = 0

    def info(self, path: str) -> dict[str, Any]:
        return {"name": path, "size": 5, "ETag": '"1"'}

    def open(self, path: str, mode: str) -> io.BytesIO:
        self.reads += 1
        if "forbidden" in path:
            raise RuntimeError("An error occurred (AccessDenied)\nwhen calling")
        return io.BytesIO(b"photo")


def test_a_version_that_is_known_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = _Versioned()
    monkeypatch.setattr(fsspec.core, "url_to_fs", lambda url: (driver, url))
    stores = StorePhotos(["s3://bucket"])
    found = stores.fetch("s3://bucket/a.jpg")
    assert found is not None
    assert stores.fetch("s3://bucket/a.jpg", unless=found.validator) is None
    assert driver.reads == 1
    with pytest.raises(PhotoNotFetched, match="AccessDenied") as caught:
        stores.fetch("s3://bucket/forbidden.jpg")
    assert "\n" not in str(caught.value)


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **options: Any) -> Any:
        if name == "s3fs":
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependency, match=r"garb\[s3\]"):
        StorePhotos(["s3://bucket"]).fetch("s3://bucket/a.jpg")


def test_the_settings_decide_what_is_allowed(tmp_path: Path, files: Any) -> None:
    environ = {"GARB_HOME": str(tmp_path), "GARB_PHOTO_STORES": STORE}
    with open_remote_photos(Settings.from_env(environ)) as remote:
        assert remote.fetch(f"{STORE}/a.jpg") is not None
        with pytest.raises(PhotoNotFetched, match="GARB_PHOTO_NETWORKS"):
            remote.fetch("http://127.0.0.1:1/a.jpg")
