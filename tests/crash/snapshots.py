"""Services with fake models whose index is kept on disk, as a server's is."""

from __future__ import annotations

from dataclasses import replace

from indexer.bootstrap import Services
from indexer.live_index import LiveIndex
from indexer.matching import Matcher


def with_snapshots(services: Services) -> Services:
    """The same services, and their index opened from the snapshot's folder."""
    index = LiveIndex(
        services.catalog,
        embedder_version=services.embedder.version,
        dimension=services.embedder.dimension,
        snapshot_dir=services.settings.snapshot_dir,
    )
    index.open()
    matcher = Matcher(services.photo_parser, services.embedder, index, services.catalog)
    return replace(services, index=index, matcher=matcher)
