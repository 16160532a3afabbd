"""CLIP without torch against open_clip with it, on a small model with random weights."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from typer.testing import CliRunner

from indexer.embedder import clip_export, clip_source
from indexer.embedder.base import TextEmbedder
from indexer.embedder.clip import ClipEmbedder, ImageInput, Interpolation
from indexer.embedder.clip_export import CHECKED_TEXTS, import_clip
from indexer.embedder.clip_source import ClipSource, parse_source
from indexer.embedder.load import load_embedder
from indexer.embedder.siamese import SiameseEmbedder
from search_api.cli import build
from segmentation.errors import MissingDependency, ModelDamaged, ModelError
from segmentation.execution import Execution
from segmentation.garment import Cutout
from segmentation.models import GRAPH, WEIGHTS, ModelKind, ModelStore, ModelVersion

MODEL = "test-tiny"
SIZE_PX = 64
WORDS = ["a red dress", "blue jeans, ripped", "", "Schuhe für den Sommer", "tie " * 100]


TRANSFORMER = {"width": 64, "heads": 2, "layers": 2}
TEXT = {**TRANSFORMER, "context_length": 77, "vocab_size": 49408}
VIT = {"image_size": SIZE_PX, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16}


def random_checkpoint(model: str, config: dict[str, Any], folder: Path) -> Path:
    """Random weights, as open_clip's own training writes them, of a model that it comes to know."""
    (folder / f"{model}.json").write_text(json.dumps({"embed_dim": 24, **config}), "utf-8")
    open_clip.add_model_config(folder / f"{model}.json")
    torch.manual_seed(0)
    network = open_clip.create_model(model)
    torch.save({"epoch": 1, "state_dict": network.state_dict()}, folder / "epoch_1.pt")
    return folder / "epoch_1.pt"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a model small enough for a test."""
    config = {"vision_cfg": VIT, "text_cfg": TEXT}
    return random_checkpoint(MODEL, config, tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return ModelStore(tmp_path_factory.mktemp("models"), {})


@pytest.fixture(scope="module")
def version(checkpoint: Path, store: ModelStore) -> ModelVersion:
    return import_clip(f"{MODEL}:{checkpoint}", store)


@pytest.fixture(scope="module")
def embedder(version: ModelVersion) -> ClipEmbedder:
    return ClipEmbedder(version, Execution(threads=1))


@pytest.fixture(scope="module")
def network(checkpoint: Path) -> Any:
    """The same weights in open_clip, in evaluation mode."""
    return open_clip.create_model(MODEL, pretrained=str(checkpoint)).eval()


def _cutouts(count: int, *, side: int = 224) -> list[Cutout]:
    random = np.random.default_rng(0)
    alpha = np.full((side, side), 255, np.uint8)
    return [Cutout(random.integers(0, 256, (side, side, 3), np.uint8), alpha) for _ in range(count)]


def _least_cosine(found: Any, expected: torch.Tensor) -> float:
    return float((found * expected.detach().numpy()).sum(axis=1).min())


def test_both_towers_give_what_open_clip_gives(embedder: ClipEmbedder, network: Any) -> None:
    transform = image_transform_v2(PreprocessCfg(**network.visual.preprocess_cfg), is_train=False)
    # More than one batch, and none that is a power of two.
    cutouts = _cutouts(21)
    pictures = torch.stack([transform(Image.fromarray(cutout.pixels)) for cutout in cutouts])
    with torch.no_grad():
        images = network.encode_image(pictures, normalize=True)
        texts = network.encode_text(open_clip.get_tokenizer(MODEL)(WORDS), normalize=True)
    assert _least_cosine(embedder.embed(cutouts), images) >= 0.9999
    assert _least_cosine(embedder.embed_texts(WORDS), texts) >= 0.9999
    assert embedder.embed([]).shape == embedder.embed_texts([]).shape == (0, 24)


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        {
            "quick_gelu": True,
            "vision_cfg": {"image_size": SIZE_PX, "layers": [1, 1, 1, 1], "width": 16},
            "text_cfg": TEXT,
        },
        {
            "vision_cfg": {
                "image_size": SIZE_PX, "timm_model_name": "convnext_atto", "timm_pool": "",
            },
            "text_cfg": TEXT,
        },
        {
            "custom_text": True,
            "vision_cfg": {
                **VIT, "attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True,
            },
            "text_cfg": {**TEXT, "context_length": 76, "embed_cls": True, "output_tokens": True},
            "multimodal_cfg": {**TEXT, "context_length": 76, "attn_pooler_heads": 2},
        },
    ],
    ids=["resnet", "convnext", "coca"],
)  # fmt: skip
def test_other_architectures_give_what_open_clip_gives(
    config: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    model = f"test-{request.node.callspec.id}"
    version = import_clip(
        f"{model}:{random_checkpoint(model, config, tmp_path)}", ModelStore(tmp_path, {})
    )
    assert min(version.card["parity_cosine"].values()) >= 0.9999


def test_card_tells_what_serving_needs_and_where_it_is_from(version: ModelVersion) -> None:
    card = version.card
    assert card["source"] == f"clip:{MODEL}:epoch_1.pt"
    assert (card["dimension"], card["input"]["size_px"]) == (24, SIZE_PX)
    assert card["text"] == {"context_length": 77, "cleaning": "lower", "zeroed_token": None}
    assert min(card["parity_cosine"].values()) >= 0.9999
    assert set(card["sha256"]) == {WEIGHTS, GRAPH, "text.onnx", "tokenizer.json"}


def test_same_weights_again_are_the_version_there_is(
    version: ModelVersion, checkpoint: Path, store: ModelStore, tmp_path: Path
) -> None:
    again = tmp_path / "another-name.pt"
    again.write_bytes(checkpoint.read_bytes())
    assert import_clip(f"{MODEL}:{again}", store).name == version.name
    assert len(store.list(ModelKind.EMBEDDER)) == 1


def test_a_version_travels_as_one_zip(
    version: ModelVersion, store: ModelStore, embedder: ClipEmbedder, tmp_path: Path
) -> None:
    store.export_zip(ModelKind.EMBEDDER, version.name, tmp_path / "clip.zip")
    other = ModelStore(tmp_path / "models", {})
    loaded = load_embedder(
        other.import_zip(ModelKind.EMBEDDER, tmp_path / "clip.zip"), Execution(threads=1)
    )
    assert isinstance(loaded, TextEmbedder)
    np.testing.assert_allclose(loaded.embed_texts(WORDS), embedder.embed_texts(WORDS), atol=1e-6)


def test_the_import_command_takes_names_of_clip_beside_zips(
    version: ModelVersion, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GARB_HOME", str(tmp_path))
    named = CliRunner().invoke(build(), ["embedder", "import", f"clip:{MODEL}:{checkpoint}"])
    assert named.stdout == f"{version.name}\n"
    missing = CliRunner().invoke(build(), ["embedder", "import", str(tmp_path / "gone.zip")])
    assert isinstance(missing.exception, ModelError)


def test_the_card_chooses_the_class(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SiameseEmbedder, "__init__", lambda self, version, execution: None)
    siamese = replace(version, card={**version.card, "family": "siamese"})
    assert isinstance(load_embedder(version, Execution(threads=1)), ClipEmbedder)
    assert isinstance(load_embedder(siamese, Execution(threads=1)), SiameseEmbedder)
    assert not isinstance(SiameseEmbedder, TextEmbedder)


@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size_px", [160, 224, 336])
def test_cutouts_are_prepared_as_by_open_clips_transform(
    size_px: int, interpolation: str, resize_mode: str
) -> None:
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
    wanted = PreprocessCfg(
        size=size_px, mean=mean, std=std, interpolation=interpolation, resize_mode=resize_mode
    )
    (cutout,) = _cutouts(1)
    expected = image_transform_v2(wanted, is_train=False)(Image.fromarray(cutout.pixels))
    ours = ImageInput(
        size_px, np.float32(mean), np.float32(std), Interpolation[interpolation.upper()]
    )
    np.testing.assert_allclose(ours.preprocess(cutout), expected.numpy(), atol=1e-6)


def test_a_graph_that_differs_is_refused(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noise:
        def run(self, inputs: dict[str, Any]) -> dict[str, Any]:
            rows = len(next(iter(inputs.values())))
            return {"vectors": np.full((rows, 24), 24**-0.5, np.float32)}

    monkeypatch.setattr(clip_export, "load_graph", lambda path, execution: Noise())
    store = ModelStore(tmp_path, {})
    with pytest.raises(ModelError, match="images differs from the network"):
        import_clip(f"{MODEL}:{checkpoint}", store)
    assert store.list(ModelKind.EMBEDDER) == []


@pytest.mark.parametrize(
    ("named", "source"),
    [
        ("ViT-B-32/laion2b_s34b_b79k", ClipSource("ViT-B-32", tag="laion2b_s34b_b79k")),
        ("ViT-B/32/openai", ClipSource("ViT-B-32", tag="openai")),
        ("hf-hub:org/name", ClipSource("hf-hub:org/name")),
        ("RN50:/a/b:c.pt", ClipSource("RN50", checkpoint=Path("/a/b:c.pt"))),
    ],
)
def test_the_three_forms_of_a_name(named: str, source: ClipSource) -> None:
    assert parse_source(named) == source


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("ViT-B-32", "names no weights: write clip:MODEL/TAG"),
        ("ViT-B-32:", "names no weights"),
        ("hf-hub:", "no name behind hf-hub"),
        ("ViT-B-33:/a.pt", "did you mean one of: ViT-B-32"),
        ("ViT-B-32/nobody", "there are: openai, "),
    ],
)
def test_a_name_that_means_nothing_is_told_what_there_is(named: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        parse_source(named)


@pytest.mark.parametrize("named", ["ViT-B-32/openai", "RN50/cc12m", "hf-hub:org/name"])
def test_without_a_network_the_reason_is_one_line(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clip_source, "_hub_answers", lambda: False)
    monkeypatch.setattr(clip_source.hub, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"cannot be reached.*import a checkpoint") as caught:
        import_clip(named, ModelStore(tmp_path, {}))
    assert str(caught.value).startswith(f"clip:{named}: huggingface.co")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_hub_that_listens_is_asked_and_one_that_does_not_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clip_source.urllib.request, "getproxies", dict)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(
            clip_source.hub, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}"
        )
        assert clip_source._hub_answers()
    assert not clip_source._hub_answers()
    # Behind a proxy only the proxy can tell.
    monkeypatch.setattr(clip_source.urllib.request, "getproxies", lambda: {"http": "proxy"})
    assert clip_source._hub_answers()


class Canary:
    """Its unpickling leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_checkpoint_of_something_else_is_refused_and_never_run(
    checkpoint: Path, tmp_path: Path
) -> None:
    other, hostile, noise = (tmp_path / name for name in ("other.pt", "hostile.pt", "noise.pt"))
    torch.save({"weight": torch.zeros(3)}, other)
    torch.save({"state_dict": Canary(tmp_path / "canary")}, hostile)
    noise.write_bytes(b"no checkpoint" * 9)
    for file in (other, hostile, noise):
        with pytest.raises(ModelError, match=f"not a checkpoint of {MODEL}"):
            import_clip(f"{MODEL}:{file}", ModelStore(tmp_path, {}))
    with pytest.raises(ModelError, match="no such file"):
        import_clip(f"{MODEL}:{tmp_path / 'gone.pt'}", ModelStore(tmp_path, {}))
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("lost", ["dimension", "input", "text"])
def test_card_without_what_serving_needs_is_damaged(lost: str, version: ModelVersion) -> None:
    card = {name: value for name, value in version.card.items() if name != lost}
    with pytest.raises(ModelDamaged, match="not the card of a CLIP model"):
        ClipEmbedder(replace(version, card=card), Execution(threads=1))


@pytest.mark.parametrize("length", [-1, 0, 10**12, 8_193, 77.0, "77", True, None, [77], 76, 78])
def test_card_whose_context_length_is_not_the_tokenizers_is_damaged(
    length: object, version: ModelVersion
) -> None:
    card = {**version.card, "text": {**version.card["text"], "context_length": length}}
    with pytest.raises(ModelDamaged, match=r"text\.context_length") as raised:
        ClipEmbedder(replace(version, card=card), Execution(threads=1))
    assert str(raised.value).startswith(str(version.folder))
    assert "\n" not in str(raised.value)


def test_without_the_extra_the_reason_names_it(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingDependency, match=r"garb\[clip\]"):
        ClipEmbedder(version, Execution(threads=1))


def test_checked_texts_reach_past_the_context() -> None:
    tokens = open_clip.get_tokenizer(MODEL)(list(CHECKED_TEXTS))
    assert (tokens[:, -1] != 0).any()
