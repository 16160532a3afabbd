"""An open_clip model → a version of the embedder: two graphs, a tokenizer, a card, checked.

Needs torch: only the import reads this.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer, get_clean_fn
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn

from indexer.embedder.clip import FAMILY, IMAGES, TEXT_GRAPH, TOKENIZER, TOKENS, VECTORS
from indexer.embedder.clip_source import LoadedClip, load_clip, parse_source
from indexer.embedder.clip_tokenizer import Cleaning, ClipTokenizer
from segmentation.errors import ModelError
from segmentation.execution import Execution, Profile
from segmentation.graph import load_graph
from segmentation.models import GRAPH, WEIGHTS, ModelKind, ModelStore, ModelVersion, sha256_of
from segmentation.training.export import export_onnx, save_weights

LEAST_PARITY = 0.9999
# What the served tokenizer must read as open_clip's does; no model is taken in on trust.
CHECKED_TEXTS = (
    "a red dress",
    "Women's Black Leather Ankle-Boots, size 38.5 (EU)",
    "  T-shirt &amp; jeans_set \n with 3/4 sleeves!! ",
    "été: robe à fleurs — 49,90 €",
    "黒いドレス 👗 50% off",
    "",
    "long " * 90,
)
Say = Callable[[str], None]
# open_clip has no types, and no base class of its networks or tokenizers.
OpenClip = Any
OpenClipTokenizer = Any


def import_clip(text: str, store: ModelStore, *, say: Say = lambda line: None) -> ModelVersion:
    """Make a version of what ``clip:`` names; the same weights again are the version there is.

    Raises:
        ModelError: it cannot be fetched or read, or cannot be served without torch.
    """
    source = parse_source(text)
    say(f"loading {source}")
    clip = load_clip(source)
    with tempfile.TemporaryDirectory(prefix="garb-clip-") as temporary:
        folder = Path(temporary)
        save_weights(clip.network, folder / WEIGHTS)
        name = _version_name(source.model, sha256_of(folder / WEIGHTS))
        known = {version.name: version for version in store.list(ModelKind.EMBEDDER)}
        if name in known:
            return known[name]
        card = {"source": str(source), **_export(clip, folder, say), "licences": []}

        def write(target: Path) -> None:
            for file in folder.iterdir():
                # Not moved: safetensors lets nobody else read what it writes.
                shutil.copyfile(file, target / file.name)

        return store.create(ModelKind.EMBEDDER, name, write=write, card=card)


def _version_name(model: str, digest: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", model.lower().removeprefix("hf-hub:")).strip("-")
    return f"clip-{slug[:60]}-{digest[:10]}"


def _export(clip: LoadedClip, folder: Path, say: Say) -> dict[str, Any]:
    """Write graphs and tokenizer; returns their part of the card."""
    text = _export_tokenizer(clip.tokenizer, folder / TOKENIZER)
    picture = _image_input(clip.network)
    side = picture["size_px"]
    noise = torch.randn(4, 3, side, side, generator=torch.Generator().manual_seed(0))
    say("exporting the image tower")
    picture_tower = _UnitVectors(clip.network, clip.network.encode_image)
    images = _export_tower(picture_tower, noise, folder / GRAPH, IMAGES)
    say("exporting the text tower")
    tokens = clip.tokenizer(list(CHECKED_TEXTS))
    text_tower = _UnitVectors(clip.network, clip.network.encode_text)
    texts = _export_tower(text_tower, tokens, folder / TEXT_GRAPH, TOKENS)
    say(f"least cosine to the network: images {images.parity:.6f}, texts {texts.parity:.6f}")
    if images.dimension != texts.dimension:
        raise ModelError("the two towers give vectors of different length")
    return {
        "family": FAMILY,
        "architecture": f"open_clip {type(clip.network).__name__}",
        "dimension": images.dimension,
        "input": picture,
        "text": text,
        "parity_cosine": {"image": images.parity, "text": texts.parity},
    }


def _image_input(network: OpenClip) -> dict[str, Any]:
    """What of open_clip's transform is left for a square picture."""
    wanted = network.visual.preprocess_cfg
    height, width = np.broadcast_to(wanted["size"], 2).tolist()
    if height != width:
        raise ModelError(f"it reads pictures of {width}×{height} px: only square ones are served")
    return {
        "size_px": height,
        "mean": list(wanted["mean"]),
        "std": list(wanted["std"]),
        "interpolation": wanted["interpolation"],
        "layout": "NCHW float32: (RGB / 255 − mean) / std of the cut-out on grey; any batch",
    }


@dataclass(frozen=True, slots=True)
class _Tower:
    """``parity``: the least cosine between graph and network."""

    dimension: int
    parity: float


class _UnitVectors(nn.Module):
    """One ``encode`` method of a network as a module that can be traced."""

    def __init__(self, network: OpenClip, encode: Callable[..., Tensor]) -> None:
        super().__init__()
        self.network = network
        self._encode = encode

    def forward(self, rows: Tensor) -> Tensor:
        return self._encode(rows, normalize=True)


def _export_tower(tower: nn.Module, rows: Tensor, path: Path, input_name: str) -> _Tower:
    """Trace a tower into a file. Raises ModelError when the graph differs from the network."""
    batch = {0: "n"}
    try:
        with torch.no_grad():
            expected = tower(rows).numpy()
        with _attention_in_steps():
            export_onnx(
                tower,
                (rows[:2],),
                path,
                input_names=[input_name],
                output_names=[VECTORS],
                dynamic_axes={input_name: batch, VECTORS: batch},
            )
        answer = load_graph(path, Execution(profile=Profile.EXACT)).run({input_name: rows.numpy()})[
            VECTORS
        ]
    except Exception as error:  # The exporter, the checker and the runtimes raise their own kinds.
        reason = str(error).partition("\n")[0]
        raise ModelError(f"the tower of {input_name} cannot be exported ({reason})") from error
    parity = float((answer * expected).sum(axis=1).min())
    if not parity >= LEAST_PARITY:
        raise ModelError(
            f"the exported tower of {input_name} differs from the network (cosine {parity:.5f})"
        )
    return _Tower(expected.shape[1], round(parity, 6))


@contextmanager
def _attention_in_steps() -> Iterator[None]:
    """torch's fused attention has no operator in ONNX."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _export_tokenizer(tokenizer: OpenClipTokenizer, path: Path) -> dict[str, Any]:
    """Write ``tokenizer.json``; returns the card's part, after it read the checked texts alike."""
    expected = tokenizer(list(CHECKED_TEXTS)).numpy()
    if isinstance(tokenizer, SimpleTokenizer):
        _byte_pairs(tokenizer).save(str(path))
    elif getattr(getattr(tokenizer, "tokenizer", None), "is_fast", False):
        # It was told how far to cut and fill when it read the checked texts.
        tokenizer.tokenizer.backend_tokenizer.save(str(path))
    else:
        raise ModelError(f"its {type(tokenizer).__name__} cannot be served without torch")
    strips = getattr(tokenizer, "strip_sep_token", False)
    text = {
        "context_length": tokenizer.context_length,
        "cleaning": next(one for one in Cleaning if get_clean_fn(one) is tokenizer.clean_fn),
        "zeroed_token": tokenizer.tokenizer.sep_token_id if strips else None,
    }
    served = ClipTokenizer(path, **text)
    if not np.array_equal(served(CHECKED_TEXTS), expected):
        raise ModelError("its tokenizer reads words otherwise without torch than with it")
    return text


def _byte_pairs(tokenizer: SimpleTokenizer) -> Tokenizer:
    """open_clip's own byte-pair encoding, as the `tokenizers` library spells it."""
    start, end = (tokenizer.decoder[number] for number in tokenizer.all_special_ids)
    merges = sorted(tokenizer.bpe_ranks, key=tokenizer.bpe_ranks.__getitem__)
    pairs = Tokenizer(models.BPE(tokenizer.encoder, merges, end_of_word_suffix="</w>"))
    # To open_clip's pattern the Greek iota below a letter is no letter, and no other sign either.
    pairs.normalizer = normalizers.Replace("\u0345", " ")
    pairs.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(f"(?i){tokenizer.pat.pattern}"), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    pairs.add_special_tokens([start, end])
    pairs.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}",
        special_tokens=[(one, tokenizer.encoder[one]) for one in (start, end)],
    )
    pairs.enable_truncation(tokenizer.context_length)
    pairs.enable_padding(length=tokenizer.context_length, pad_id=0, pad_token=tokenizer.decoder[0])
    return pairs
