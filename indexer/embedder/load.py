"""Which class runs a version of the embedder: its card says the family."""

from __future__ import annotations

from indexer.embedder import clip
from indexer.embedder.base import Embedder
from indexer.embedder.clip import ClipEmbedder
from indexer.embedder.siamese import SiameseEmbedder
from segmentation.execution import ALL_CORES, Execution
from segmentation.models import ModelVersion


def load_embedder(version: ModelVersion, execution: Execution = ALL_CORES) -> Embedder:
    """Verify and load a version.

    Raises:
        ModelDamaged: a file differs from the card, or the card lacks what serving needs.
        MissingDependency: no runtime, or no tokenizer for a version that reads words.
    """
    if version.card.get("family") == clip.FAMILY:
        return ClipEmbedder(version, execution)
    return SiameseEmbedder(version, execution)
