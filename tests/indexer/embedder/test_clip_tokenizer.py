"""The tokenizer that serves CLIP gives what open_clip's own gives, without torch."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import ftfy
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from open_clip.tokenizer import SimpleTokenizer, get_clean_fn
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from indexer.embedder import clip_export
from indexer.embedder.clip_tokenizer import ClipTokenizer
from segmentation.errors import ModelError


@pytest.fixture(scope="module", params=[("lower", 77), ("canonicalize", 32), ("whitespace", 16)])
def tokenizers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SimpleTokenizer, ClipTokenizer]:
    """open_clip's tokenizer, and the one that serves it."""
    cleaning, context_length = request.param
    theirs = SimpleTokenizer(clean=cleaning, context_length=context_length)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    card = clip_export._export_tokenizer(theirs, path)
    assert (card["cleaning"], card["context_length"]) == (cleaning, context_length)
    return theirs, ClipTokenizer(path, **card)


# The two libraries know different versions of Unicode, and differ in what the older one lacks.
SETTLED = st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs", "Cn"])
SHOP_WORDS = st.sampled_from(
    ["women's", "T-shirt", "ÉTÉ", "&amp;", "49,90€", "50%", "s.oliver", "it'll", "ｆｕｌｌ", "👗", "don’t", "x_y"]
)  # fmt: skip


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example("a\u0345b \u03451")
@given(st.lists(st.text(SETTLED, max_size=30) | SHOP_WORDS, max_size=30).map(" ".join))
def test_words_become_the_same_tokens_as_in_open_clip(
    tokenizers: tuple[SimpleTokenizer, ClipTokenizer], text: str
) -> None:
    theirs, ours = tokenizers
    # Mended mojibake can be any character, one of a newer Unicode too.
    assume(all(unicodedata.category(letter) != "Cn" for letter in ftfy.fix_text(text)))
    np.testing.assert_array_equal(ours([text]), theirs([text]).numpy())


class WordTokenizer:
    """A fast tokenizer of the hub in open_clip's wrapping, as CLIPA has it: separators become 0."""

    context_length = 6
    strip_sep_token = True
    clean_fn = staticmethod(get_clean_fn("canonicalize"))

    def __init__(self) -> None:
        words = Tokenizer(
            models.WordLevel({"[PAD]": 9, "[SEP]": 3, "[UNK]": 1, "dress": 5}, unk_token="[UNK]")
        )
        words.pre_tokenizer = pre_tokenizers.Whitespace()
        words.post_processor = processors.TemplateProcessing(
            single="$A [SEP]", special_tokens=[("[SEP]", 3)]
        )
        words.enable_truncation(6)
        words.enable_padding(length=6, pad_id=9, pad_token="[PAD]")
        self.backend_tokenizer = words
        self.is_fast = True
        self.sep_token_id = 3
        self.tokenizer = self

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        encoded = self.backend_tokenizer.encode_batch([self.clean_fn(text) for text in texts])
        tokens = torch.tensor([one.ids for one in encoded])
        return torch.where(tokens == 3, 0, tokens)


def test_a_tokenizer_of_the_hub_is_served_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    ours = ClipTokenizer(path, **clip_export._export_tokenizer(WordTokenizer(), path))
    assert ours(["A DRESS!", "dress " * 9]).tolist() == [[1, 5, 0, 9, 9, 9], [5, 5, 5, 5, 5, 0]]


def test_a_tokenizer_that_would_read_otherwise_is_refused(tmp_path: Path) -> None:
    class Reversing(WordTokenizer):
        def __call__(self, texts: Sequence[str]) -> torch.Tensor:
            return super().__call__(texts).flip(1)

    class Slow(WordTokenizer):
        def __init__(self) -> None:
            super().__init__()
            self.is_fast = False

    for tokenizer in (Reversing(), Slow()):
        with pytest.raises(ModelError, match="without torch"):
            clip_export._export_tokenizer(tokenizer, tmp_path / "tokenizer.json")
