"""Tags in a shop's own words, told from cut-outs by an embedder that reads words: CLIP's zero-shot
classification (Radford et al. 2021, section 3.1).

A file has a line for each question, the possible answers to it separated by commas:

    long-sleeved, short-sleeved, sleeveless
    evening, office, beach
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from indexer.catalog.rows import VectorRow
from indexer.embedder.base import Embedder, TextEmbedder
from indexer.settings import SettingsError
from indexer.vectors.base import Vectors

PROMPT = "a photo of a {} garment"
# What CLIP learned to multiply cosines by, which its training bounds by 100.
SCALE = 100.0
# An answer must be likelier than all others of its line together.
SURE = 0.5
MAX_CHARACTERS = 32
BATCH = 1000

Questions = tuple[tuple[str, ...], ...]

_LOG = logging.getLogger(__name__)


def load_shop_tags(path: Path | None, embedder: Embedder) -> ShopTags | None:
    """What the file asks for; None without a file, or, with a warning, where nobody reads words.

    Raises:
        SettingsError: the file cannot be read or used.
    """
    if path is None:
        return None
    questions = read_questions(path)
    if not isinstance(embedder, TextEmbedder):
        _LOG.warning(
            "GARB_TAGS has no effect: %s reads no words; a CLIP model does", embedder.version
        )
        return None
    return ShopTags(embedder, questions)


def read_questions(path: Path) -> Questions:
    """The lines of a file, without empty ones and those that begin with ``#``.

    Raises:
        SettingsError: no such file, a line with less than two words, or a word that is too long.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"GARB_TAGS: {path} cannot be read: {error}") from error
    questions = []
    for number, line in enumerate(lines, 1):
        answers = dict.fromkeys(" ".join(part.lower().split()) for part in line.split(","))
        answers.pop("", None)
        if not answers or line.lstrip().startswith("#"):
            continue
        if len(answers) < 2 or any(len(one) > MAX_CHARACTERS for one in answers):
            raise SettingsError(
                f"GARB_TAGS: {path}, line {number}: two tags or more, separated by commas, "
                f"each of at most {MAX_CHARACTERS} characters"
            )
        questions.append(tuple(answers))
    return tuple(questions)


class TaggedCatalog(Protocol):
    """What tagging needs of the catalog."""

    def changes_since(
        self, sequence: int, *, embedder: str, limit: int = 10_000
    ) -> Sequence[VectorRow]: ...

    def write_shop_tags(self, tags: Mapping[int, Sequence[str]]) -> None: ...


def tag_photos(catalog: TaggedCatalog, shop_tags: ShopTags) -> int:
    """Tag every photo anew by the vector that is stored of it; how many there were."""
    sequence = count = 0
    while rows := catalog.changes_since(sequence, embedder=shop_tags.embedder, limit=BATCH):
        vectors = {row.image_id: row.vector for row in rows if row.vector is not None}
        if vectors:
            told = shop_tags.tags_of(np.stack(list(vectors.values())).astype(np.float32))
            catalog.write_shop_tags(dict(zip(vectors, told, strict=True)))
        count += len(vectors)
        sequence = rows[-1].sequence
    return count


class ShopTags:
    """`tags_of` may be called from several threads at once."""

    def __init__(self, embedder: TextEmbedder, questions: Questions) -> None:
        self._embedder = embedder
        self._questions = questions
        self._answers: list[Vectors] | None = None
        self._reading = threading.Lock()

    @property
    def embedder(self) -> str:
        """The version whose vectors it reads."""
        return self._embedder.version

    def tags_of(self, vectors: Vectors) -> list[tuple[str, ...]]:
        """The tags of each cut-out's vector: of every question the answer that is sure, if one is.

        Args:
            vectors: float32 (n, dimension), unit length, of this embedder.
        """
        found: list[list[str]] = [[] for _ in vectors]
        for question, answers in zip(self._questions, self._read(), strict=True):
            logits = SCALE * vectors @ answers.T
            likely = np.exp(logits - logits.max(axis=1, keepdims=True))
            shares = likely / likely.sum(axis=1, keepdims=True)
            for tags, share in zip(found, shares, strict=True):
                best = int(share.argmax())
                if share[best] > SURE:
                    tags.append(question[best])
        return [tuple(dict.fromkeys(tags)) for tags in found]

    def _read(self) -> list[Vectors]:
        """Once, and only when a garment asks: the text tower takes seconds to load."""
        with self._reading:
            if self._answers is None:
                self._answers = [
                    self._embedder.embed_texts([PROMPT.format(answer) for answer in question])
                    for question in self._questions
                ]
            return self._answers
