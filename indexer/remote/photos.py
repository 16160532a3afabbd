"""The one way to a photo that lies elsewhere: which road a source takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Protocol

from indexer.remote.addresses import AddressPolicy
from indexer.remote.connect import GuardedBackend
from indexer.remote.http_photos import FetchedPhoto, HttpPhotos
from indexer.remote.store_photos import StorePhotos
from indexer.settings import Settings

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


class PhotoFetcher(Protocol):
    """Fetches photos by URL. Safe to share between threads."""

    def fetch(self, url: str, *, unless: str | None = None) -> FetchedPhoto | None:
        """The photo; None when it is still the one that ``unless`` names. Raises PhotoNotFetched."""
        ...


class RemotePhotos:
    """Photos by http(s), and from the stores that the settings name."""

    def __init__(self, http: HttpPhotos, stores: StorePhotos) -> None:
        self._http = http
        self._stores = stores

    def fetch(self, url: str, *, unless: str | None = None) -> FetchedPhoto | None:
        """As `PhotoFetcher.fetch`."""
        scheme = _SCHEME.match(url)
        is_http = scheme is not None and scheme[1].lower() in ("http", "https")
        return (self._http if is_http else self._stores).fetch(url, unless=unless)


def is_url(source: str) -> bool:
    """Whether an image's name leads elsewhere."""
    return _SCHEME.match(source) is not None


@contextmanager
def open_remote_photos(settings: Settings) -> Iterator[RemotePhotos]:
    """As GARB_PHOTO_NETWORKS and GARB_PHOTO_STORES allow. Nothing is opened before a photo is."""
    backend = GuardedBackend(AddressPolicy(settings.photo_networks))
    with closing(HttpPhotos(backend)) as http:
        yield RemotePhotos(http, StorePhotos(settings.photo_stores))
