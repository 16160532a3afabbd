"""Whether a version may take the place of the active one: by figures on the same held-out photos."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmentation.errors import ModelError
from segmentation.evaluation.metrics import merged_names
from segmentation.models import ModelKind, ModelStore, ModelVersion

# The figure of a card that decides which of two versions is better, where both have it. Segmenters
# are compared by their categories.
DECIDING_FIGURE = {
    ModelKind.SEGMENTER: "mask_ap",
    ModelKind.PARSER: "mean_iou",
    ModelKind.EMBEDDER: "r@1",
}
Figures = Mapping[str, Any]


def refuse_when_worse(version: ModelVersion, active: ModelVersion, store: ModelStore) -> None:
    """Raises ModelError when the version is worse, or when nothing says that it is not."""
    if version.name == active.name:
        return
    if version.kind is ModelKind.SEGMENTER:
        _refuse_worse_segmenter(version, active, store)
    else:
        _refuse_worse_figure(version, active)


def _refuse_worse_segmenter(version: ModelVersion, active: ModelVersion, store: ModelStore) -> None:
    pair = _same_photos(version, active, store)
    shared = sorted(_known(version, pair.new) & _known(active, pair.old))
    if not shared:
        return  # Nothing that both know, so nothing that it could be worse in.
    new = sum(pair.new[name]["mask_ap"] for name in shared) / len(shared)
    old = sum(pair.old[name]["mask_ap"] for name in shared) / len(shared)
    if new < old:
        lost = min(shared, key=lambda name: pair.new[name]["mask_ap"] - pair.old[name]["mask_ap"])
        raise ModelError(
            f"{version.name} is worse than the active {active.name} on the same held-out photos: "
            f"mask AP {new:.3f} against {old:.3f} over {len(shared)} categories that both know, "
            f"most in {lost} ({pair.new[lost]['mask_ap']:.3f} against "
            f"{pair.old[lost]['mask_ap']:.3f}); --force activates it all the same"
        )


@dataclass(frozen=True, slots=True)
class _Pair:
    """Figures by category of two versions on one set of photos."""

    new: Mapping[str, Figures]
    old: Mapping[str, Figures]


def _same_photos(version: ModelVersion, active: ModelVersion, store: ModelStore) -> _Pair:
    """Figures of both on one set of photos, a card's first. Raises ModelError without any."""
    identities = [_identity(version), _identity(active)]
    for identity in [*identities, *reversed(store.recorded_figures(version))]:
        new = _figures_on(identity, version, active, store)
        old = _figures_on(identity, active, version, store)
        if new is not None and old is not None:
            return _Pair(new["per_category"], old["per_category"])
    if not any(identities):
        raise ModelError(
            f"neither {version.name} nor the active {active.name} says on which photos it was "
            f"measured. {_measure(version)} and {_measure(active)} on the same held-out photos, "
            "or activate it with --force"
        )
    lacking = active if identities[0] else version
    told = version if identities[0] else active
    raise ModelError(
        f"{lacking.name} was not measured on the held-out photos of {told.name}, so nothing says "
        f"which is better. {_measure(lacking)} on those photos, or activate with --force"
    )


def _measure(version: ModelVersion) -> str:
    return (
        f"Run: garb segmenter evaluate ANNOTATIONS --photos DIR --held-out --version {version.name}"
    )


def _identity(version: ModelVersion) -> str | None:
    identity = version.card.get("figures", {}).get("held_out_identity")
    return identity if isinstance(identity, str) else None


def _figures_on(
    identity: str | None, version: ModelVersion, other: ModelVersion, store: ModelStore
) -> Figures | None:
    """From the version's card, else the other's (where it began from this one), else the record."""
    if identity is None:
        return None
    found: Any = None
    if identity == _identity(version):
        found = version.card["figures"].get("held_out")
    before = other.card.get("figures", {}).get("before", {})
    if found is None and identity == _identity(other) and before.get("version") == version.name:
        found = before.get("held_out")
    if found is None:
        found = store.recorded_figures(version).get(identity)
    return found if isinstance(found, Mapping) and "per_category" in found else None


def _known(version: ModelVersion, per_category: Mapping[str, Figures]) -> set[str]:
    """The measured categories that a version knows, itself or by what its own merge to."""
    merges = merged_names(version.card.get("categories", ()), frozenset(per_category))
    return set(merges.values())


def _refuse_worse_figure(version: ModelVersion, active: ModelVersion) -> None:
    name = DECIDING_FIGURE[version.kind]
    new, old = _figure(version.card, name), _figure(active.card, name)
    if new is not None and old is not None and new < old:
        raise ModelError(
            f"{version.name} has {name} {new:.3f}, the active {active.name} {old:.3f}; "
            "--force activates it all the same"
        )


def _figure(card: Mapping[str, Any], name: str) -> float | None:
    figures = card.get("figures", {})
    value = figures.get("held_out", figures).get(name)
    return float(value) if isinstance(value, int | float) else None


class EarlierVersions:
    """Which versions were active before the active one, the latest last: the way back is open.

    A file beside the versions, which the servers share. A version that is gone back to takes those
    after it off the list, so a model that was forced in and left again is judged anew.
    """

    def __init__(self, models_dir: Path, kind: ModelKind) -> None:
        self._file = models_dir / ".earlier" / f"{kind.value}.json"

    def names(self) -> list[str]:
        """The first is the one that was active first."""
        try:
            listed = json.loads(self._file.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        return (
            [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
        )

    def moved(self, *, from_name: str, to_name: str) -> None:
        """Another version became active."""
        names = self.names()
        if from_name == to_name:
            return
        back = to_name in names
        names = names[: names.index(to_name)] if back else [*names, from_name]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_name(self._file.name + ".tmp")
        temporary.write_text(json.dumps(names), "utf-8")
        os.replace(temporary, self._file)
