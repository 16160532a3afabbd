"""Prometheus: base units, and labels that cannot grow (route templates, never ids)."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class Metrics:
    """One registry a server, so that two in one process do not meet."""

    def __init__(self) -> None:
        # Without: a series more beside each, that tells when this process began to count.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "garb_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "garb_http_request_seconds",
            "Time from the first byte of a request to the end of its answer.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._stage_seconds = Histogram(
            "garb_stage_seconds",
            "Time a photo spends in a stage.",
            ("stage",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "garb_photos_in_flight", "Photos running and waiting.", registry=self.registry
        )
        self.products = Gauge(
            "garb_index_products", "Products that can be found.", registry=self.registry
        )
        self.sequence = Gauge(
            "garb_index_sequence",
            "Last change of the catalog in the index.",
            registry=self.registry,
        )

    def count_request(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """``route``: the template, or ``unmatched``."""
        known = method if method in METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._request_seconds.observe(seconds)

    def observe_stages(self, timings_ms: Mapping[str, float]) -> None:
        """``timings_ms``: milliseconds by stage, as an answer carries them."""
        for stage, milliseconds in timings_ms.items():
            self._stage_seconds.labels(stage).observe(milliseconds / 1000.0)

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)
