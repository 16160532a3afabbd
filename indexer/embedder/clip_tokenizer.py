"""Words → the token numbers that a CLIP text tower was trained on, without torch.

A version holds its tokenizer as ``tokenizer.json`` of the `tokenizers` library, which also cuts and
fills up to the context length. Before it stands open_clip's cleaning, which is repeated here.
"""

from __future__ import annotations

import html
import string
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segmentation.errors import MissingDependency, ModelDamaged

Tokens = npt.NDArray[np.int64]

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Cleaning(StrEnum):
    """What open_clip does to a text first, by its own names."""

    LOWER = "lower"
    WHITESPACE = "whitespace"
    CANONICALIZE = "canonicalize"


class ClipTokenizer:
    """Safe to share between threads."""

    def __init__(
        self, path: Path, *, cleaning: Cleaning, context_length: int, zeroed_token: int | None
    ) -> None:
        """Read a tokenizer.

        Args:
            path: ``tokenizer.json``.
            context_length: tokens a text.
            zeroed_token: the number that 0 takes the place of (CLIPA strips separators so).

        Raises:
            MissingDependency: `tokenizers` or `ftfy` is not installed.
            ModelDamaged: the file holds no tokenizer, or one that gives another number of tokens.
        """
        try:
            import ftfy  # noqa: PLC0415 - an extra
            from tokenizers import Tokenizer  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise MissingDependency('CLIP needs a tokenizer: pip install "garb[clip]"') from error
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # The library raises nothing narrower.
            raise ModelDamaged(f"{path}: not a tokenizer ({error})") from error
        shortest_and_longest = self._tokenizer.encode_batch(["", "a " * context_length])
        if any(len(encoded.ids) != context_length for encoded in shortest_and_longest):
            raise ModelDamaged(
                f"{path}: it does not cut and fill texts to {context_length} tokens, the "
                "text.context_length of the card"
            )
        self._fix_text = ftfy.fix_text
        self._cleaning = cleaning
        self._context_length = context_length
        self._zeroed_token = zeroed_token

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """int64 ``(n, context_length)``."""
        cleaned = [clean(self._fix_text(text), self._cleaning) for text in texts]
        tokens = np.zeros((len(texts), self._context_length), np.int64)
        for row, encoded in zip(tokens, self._tokenizer.encode_batch(cleaned), strict=True):
            row[:] = encoded.ids
        if self._zeroed_token is not None:
            tokens[tokens == self._zeroed_token] = 0
        return tokens


def clean(text: str, cleaning: Cleaning) -> str:
    """open_clip's cleaning of a text whose mojibake is mended already."""
    text = html.unescape(html.unescape(text)).strip()
    if cleaning is Cleaning.CANONICALIZE:
        text = text.replace("_", " ").translate(_NO_PUNCTUATION)
    text = " ".join(text.split())
    return text if cleaning is Cleaning.WHITESPACE else text.lower()
