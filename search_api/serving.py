"""The services that answer now: when another version becomes active they are swapped whole."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from indexer.bootstrap import Services, Storage, load_services
from indexer.errors import ImportStopped
from indexer.ingest.again import embed_again
from segmentation.models import BUNDLED, ModelKind

LOOK_SECONDS = 2.0
# A version that cannot be loaded (its folder is still being copied, say) is tried again later.
RETRY_SECONDS = 30.0
# By then other processes have followed too, and what they had begun is written.
LATE_SECONDS = 30.0

log = logging.getLogger("garb.models")


class Serving:
    """Holds the bundle. A request takes `current` once and stays with it to its end."""

    def __init__(
        self, services: Services, *, load: Callable[[Storage], Services] = load_services
    ) -> None:
        self._current = services
        self._load = load
        self._catch_up_at: list[float] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="garb-models", daemon=True)

    @property
    def current(self) -> Services:
        """What answers now."""
        return self._current

    def start(self) -> None:
        """Follow the catalog and its active versions on daemon threads until `close`."""
        self._current.index.start_polling()
        self._thread.start()

    def close(self) -> None:
        """Stop following, and leave a snapshot of the index."""
        self._stopping.set()
        self._thread.join()
        self._current.index.stop()
        self._current.index.save_if_changed()

    def follow(self) -> bool:
        """Load and swap if other versions are active than these; whether it did.

        Both bundles are held in memory until the last request has left the old one.

        Raises:
            GarbError: the database does not answer, or a version cannot be loaded.
        """
        old = self._current
        if _is_active(old):
            return False
        fresh = self._load(old)
        fresh.index.start_polling()
        self._current = fresh
        old.index.stop()
        log.info("serving with %s", ", ".join(_loaded(fresh).values()))
        return True

    def catch_up(self) -> None:
        """Embed what was written with the versions before, while processes followed.

        Raises:
            GarbError: the database does not answer, or a stored photo is gone.
        """

        def go_on(_: int) -> None:
            if self._stopping.is_set():
                raise ImportStopped("the server is shutting down")

        now = self._current
        embed_again(catalog=now.catalog, mapper=now.mapper(), on_progress=go_on)

    def _watch(self) -> None:
        wait = LOOK_SECONDS
        while not self._stopping.wait(wait):
            try:
                if self.follow():
                    self._catch_up_at = [time.monotonic(), time.monotonic() + LATE_SECONDS]
                wait = LOOK_SECONDS
            except Exception as error:  # Whatever it is, the old models go on serving.
                log.error("the active models cannot be loaded, the old ones serve: %s", error)
                wait = RETRY_SECONDS
            if self._catch_up_at and self._catch_up_at[0] <= time.monotonic():
                del self._catch_up_at[0]
                try:
                    self.catch_up()
                except Exception as error:
                    log.error("what was written with the old models is not embedded: %s", error)


def _is_active(services: Services) -> bool:
    # No row says `bundled` once a version was activated, so it never means another one.
    return all(
        services.catalog.active_model(kind.value) in (BUNDLED, name)
        for kind, name in _loaded(services).items()
    )


def _loaded(services: Services) -> dict[ModelKind, str]:
    return {
        ModelKind.SEGMENTER: services.photo_parser.version,
        ModelKind.PARSER: services.photo_parser.parser_version,
        ModelKind.EMBEDDER: services.embedder.version,
    }
