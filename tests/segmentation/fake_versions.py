"""A stand-in for the database's choice of versions, for commands that need none."""

from __future__ import annotations

from collections.abc import Mapping

from segmentation.models import ModelKind, ModelStore, ModelVersion


class NoVersions:
    """Fails when asked for a version."""

    def store(self) -> ModelStore:
        raise AssertionError("this command needs no versions")

    def active(self, kind: ModelKind) -> ModelVersion:
        raise AssertionError(f"this command needs no {kind}")

    def activate(self, version: ModelVersion, *, force: bool) -> None:
        raise AssertionError(f"this command does not activate {version.name}")

    def coverage(self, kind: ModelKind) -> Mapping[str, float]:
        raise AssertionError(f"this command needs no coverage of {kind}")
