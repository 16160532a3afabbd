"""Photos from an object store such as ``s3://…``, or any file system that fsspec knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from indexer.errors import PhotoNotFetched
from indexer.remote.http_photos import FetchedPhoto
from segmentation.errors import MissingDependency
from segmentation.photo import MAX_BYTES

# What the drivers call a version of a file, best first.
_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "LastModified", "last_modified", "mtime")


class StorePhotos:
    """Reads only below the prefixes that the operator named: a feed must not choose the bucket."""

    def __init__(self, prefixes: Sequence[str]) -> None:
        self._prefixes = tuple(prefix.rstrip("/") + "/" for prefix in prefixes)

    def fetch(self, url: str, *, unless: str | None = None) -> FetchedPhoto | None:
        """As `HttpPhotos.fetch`.

        Raises:
            PhotoNotFetched: outside the prefixes, not there, too large, or the store fails.
            MissingDependency: the driver of this kind of store is not installed.
        """
        if not self._is_allowed(url):
            raise PhotoNotFetched("the address is not below a prefix that GARB_PHOTO_STORES names")
        files, path = _file_system(url)
        try:
            told = files.info(path)
            validator = _validator(told)
            if validator is not None and validator == unless:
                return None
            with files.open(path, "rb") as file:
                data = bytes(file.read(MAX_BYTES + 1))
        except FileNotFoundError as error:
            raise PhotoNotFetched("no such file in the store") from error
        except Exception as error:  # Every driver has its own kinds.
            reason = " ".join(str(error).split()) or type(error).__name__
            message = f"the store does not give the photo: {reason}"
            raise PhotoNotFetched(message) from error
        if len(data) > MAX_BYTES:
            raise PhotoNotFetched(f"the photo has more than {MAX_BYTES:,} bytes")
        return FetchedPhoto(data, validator)

    def _is_allowed(self, url: str) -> bool:
        # "::" chains file systems in fsspec, ".." leaves a folder in some of them.
        plain = "::" not in url and ".." not in url.split("/")
        return plain and any(url.startswith(prefix) for prefix in self._prefixes)


def _file_system(url: str) -> tuple[Any, str]:
    scheme = url.partition("://")[0]
    try:
        import fsspec  # noqa: PLC0415 - slow to load, and most feeds need none

        files, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        extra = "pip install 'garb[s3]'" if scheme == "s3" else "install its fsspec driver"
        raise MissingDependency(f"photos from {scheme}:// need a driver: {extra}") from error
    except ValueError as error:
        raise PhotoNotFetched(f"the address cannot be read: {error}") from error
    return files, path


def _validator(told: dict[str, Any]) -> str | None:
    version = next((told[name] for name in _VERSIONS if told.get(name)), None)
    return None if version is None else f"store {version} {told.get('size')}"
