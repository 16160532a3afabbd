from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.embedder.colour_signature import DIMENSION as COLOURS
from indexer.embedder.crop_store import CropStore
from indexer.embedder.items import Crop, Cut
from indexer.embedder.network import COLOUR_CHANNELS, DIMENSION, SiameseNetwork
from indexer.embedder.publish import start_network, train_embedder
from indexer.embedder.siamese import SiameseEmbedder
from indexer.embedder.training import held_out_retrieval, train_network
from indexer.embedder.training_batches import (
    Items,
    TrainingPlan,
    batch_plan,
    groups_alike,
    to_tensor,
)
from indexer.embedder.views import plain_view
from segmentation.errors import ModelDamaged, ModelError
from segmentation.execution import Execution
from segmentation.models import ModelKind, ModelStore, ModelVersion
from segmentation.training.export import load_weights

PLAN = TrainingPlan(
    epochs=1,
    size_px=32,
    served_px=64,
    garments_a_batch=4,
    categories_a_batch=2,
    recolours_a_batch=1,
    precision="32-true",
)


def small_store(*, garments: int = 12) -> CropStore:
    generator = np.random.default_rng(0)
    pixels = np.full((garments, 48, 48, 4), 60, np.uint8)
    pixels[..., :3] = generator.integers(0, 255, (garments, 1, 1, 3))
    pixels[..., 3] = 0
    pixels[:, 8:40, 12:36, 3] = 255
    crops = tuple(
        Crop(
            item=f"street/{i:04d}/top" if i % 3 else f"catalog/{i}",
            category="top" if i % 2 else "skirt",
            area_share=0.2,
            validation=i % 10 == 7,
            cut=Cut.LABELS if i % 3 else Cut.BACKDROP,
        )
        for i in range(garments)
    )
    return CropStore(crops, pixels, "test")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ModelVersion:
    folder = tmp_path_factory.mktemp("trained")
    result = train_embedder(
        small_store(),
        plan=PLAN,
        start="none",
        folder=folder / "work",
        models=ModelStore(folder / "models", {}),
    )
    assert set(result.metrics) == {"queries", "gallery", "r@1", "r@5", "r@10", "mrr", "worn"}
    return result.version


def test_the_mean_lies_half_way_between_start_and_end(
    trained: ModelVersion, tmp_path: Path
) -> None:
    def go_on(*, average: bool) -> ModelVersion:
        result = train_embedder(
            small_store(),
            plan=PLAN,
            start=trained,
            folder=tmp_path / "work",
            models=ModelStore(tmp_path / f"models-{average}", {}),
            average=average,
        )
        return result.version

    # The second finds the first one's training finished.
    end, mean = go_on(average=False), go_on(average=True)
    assert (end.card["averaged_with_start"], mean.card["averaged_with_start"]) == (False, True)
    first, last, half = (load_weights(v.weights_path)["head.weight"] for v in (trained, end, mean))
    assert not torch.equal(first, last)
    assert torch.allclose(half, (first + last) / 2, atol=1e-3)


def test_a_resumed_training_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    def run(folder: Path, *stops: int | None) -> dict[str, torch.Tensor]:
        for stop in stops:
            torch.manual_seed(0)
            network = SiameseNetwork().eval()
            train_network(
                network, small_store(), plan=PLAN, folder=folder, start="none", stop_after=stop
            )
        return network.state_dict()

    whole = run(tmp_path / "whole", None)
    broken = run(tmp_path / "broken", 1, None)
    assert all(torch.equal(value, broken[name]) for name, value in whole.items())


def test_no_validation_garment_is_trained_on() -> None:
    items = Items(small_store())
    vectors = np.eye(len(items.names), dtype=np.float32)
    planned = {name for batch in batch_plan(items, PLAN, vectors) for name in batch}
    assert planned == set(items.names)
    assert not any(name.split("/")[1].endswith("7") for name in planned if "street" in name)


def test_garments_alike_meet_in_one_group() -> None:
    angles = np.radians([0, 90, 5, 95, 10, 100, 180])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert groups_alike(vectors, 3) == [[0, 2, 4], [1, 3, 5], [6]]


def test_a_held_out_product_is_sought_by_its_worn_photo_and_never_trained_on() -> None:
    store = small_store()
    product = Crop("catalog/shirt-7", "top", 0.2, validation=True, cut=Cut.BACKDROP)
    with_worn = CropStore(
        (*store.crops, product, product),
        np.concatenate([store.pixels, store.pixels[:1], store.pixels[:1]]),
        "worn",
    )
    network = SiameseNetwork().eval()
    assert held_out_retrieval(network, store, plan=PLAN)["worn"] is None
    figures = held_out_retrieval(network, with_worn, plan=PLAN)["worn"]
    assert figures["queries"] == 1
    assert "catalog/shirt-7" not in Items(with_worn).names
    # The picture of the worn one is the product's own, and the first crop of the store is its twin.
    assert figures["r@5"] == 1.0


def test_what_is_not_measured_has_no_figure() -> None:
    store = small_store()
    nothing = tuple(replace(crop, validation=False) for crop in store.crops)
    network = SiameseNetwork().eval()
    figures = held_out_retrieval(network, replace(store, crops=nothing), plan=PLAN)
    assert figures["queries"] == 0
    assert figures.keys() == {"queries", "gallery", "worn"}


def test_two_views_show_both_photos_of_a_garment() -> None:
    store = small_store(garments=4)
    pixels = np.concatenate([store.pixels, 255 - store.pixels[:1]])
    pixels[..., 3] = 255
    both = CropStore((*store.crops, store.crops[0]), pixels, "both")
    names = (store.crops[0].item, store.crops[1].item)
    batch, labels = Items(both).batch(names, step=0, plan=replace(PLAN, recolours_a_batch=0))
    assert labels.tolist() == [labels[0], labels[1]] * 2
    means = batch[:, :3].mean(dim=(1, 2, 3))
    assert abs(means[0] - means[2]) > abs(means[1] - means[3])


def test_two_views_are_cut_in_two_ways_where_there_are_two() -> None:
    store = small_store(garments=4)
    labelled = store.crops[1]
    served = replace(labelled, cut=Cut.SERVED)
    pixels = np.concatenate([store.pixels, store.pixels[1:2], 255 - store.pixels[1:2]])
    pixels[..., 3] = 255
    thrice = CropStore((*store.crops, labelled, served), pixels, "thrice")
    items, plan = Items(thrice), replace(PLAN, recolours_a_batch=0)
    for step in range(8):
        batch, _ = items.batch((labelled.item, store.crops[0].item), step=step, plan=plan)
        means = batch[:, :3].mean(dim=(1, 2, 3))
        assert abs(means[0] - means[2]) > abs(means[1] - means[3])


def test_what_the_segmenter_found_is_trained_on_and_not_measured_on() -> None:
    store = small_store()
    served = tuple(replace(crop, cut=Cut.SERVED) for crop in store.crops)
    both = CropStore(store.crops + served, np.concatenate([store.pixels, store.pixels]), "both")
    network = SiameseNetwork().eval()
    figures = held_out_retrieval(network, store, plan=PLAN)
    assert held_out_retrieval(network, both, plan=PLAN) == figures
    assert Items(both).names == Items(store).names
    assert not any(map(Items(both).has_several_photos, Items(both).names))


def test_recoloured_copies_are_nobodys() -> None:
    items = Items(small_store())
    _, labels = items.batch(items.names[:4], step=0, plan=PLAN)
    assert labels.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 4]


def test_a_store_of_one_garment_is_refused() -> None:
    with pytest.raises(ModelError):
        Items(small_store(garments=1))


def test_another_plan_does_not_resume_this_one(tmp_path: Path) -> None:
    for plan in (PLAN, replace(PLAN, seed=1)):
        train_network(
            SiameseNetwork(), small_store(), plan=plan, folder=tmp_path, start="none", stop_after=1
        )
    assert len(list(tmp_path.glob("checkpoint-*.pt"))) == 2


def test_colours_are_pooled_from_cloth_alone() -> None:
    torch.manual_seed(0)
    network = SiameseNetwork().eval()
    cutouts = to_tensor([plain_view(small_store().pixels[0], size_px=64)], 64)
    noisy = cutouts.clone()
    noisy[:, :3] += 0.8 * (noisy[:, 3:] == 0)
    with torch.no_grad():
        pooled, other = network.pool(cutouts), network.pool(noisy)
    colours = slice(0, 2 * COLOUR_CHANNELS)
    assert torch.allclose(pooled[:, colours], other[:, colours], atol=0.02)


def test_an_empty_mask_still_gives_a_unit_vector(trained: ModelVersion) -> None:
    embedder = SiameseEmbedder(trained, Execution(threads=1))
    view = plain_view(small_store().pixels[0], size_px=32)
    empty = replace(view, alpha=np.zeros_like(view.alpha))
    assert np.linalg.norm(embedder.embed([empty]), axis=1) == pytest.approx([1.0], abs=1e-4)


def test_served_vectors_have_unit_length_and_keep_their_order(trained: ModelVersion) -> None:
    embedder = SiameseEmbedder(trained, Execution(threads=1))
    cutouts = [plain_view(crop, size_px=224) for crop in small_store().pixels[:7]]
    vectors = embedder.embed(cutouts)
    # What opens the index without a model goes by the card.
    assert vectors.shape == (7, embedder.dimension) == (7, trained.card["dimension"])
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(7), abs=1e-4)
    order = [3, 0, 6, 2, 5, 1, 4]
    again = embedder.embed([cutouts[i] for i in order])
    assert again == pytest.approx(vectors[order], abs=1e-5)
    assert embedder.embed([cutouts[4]]) == pytest.approx(vectors[4:5], abs=1e-5)
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_the_graph_gives_the_vectors_of_the_network(trained: ModelVersion) -> None:
    assert trained.card["parity_cosine"] >= 0.999
    assert trained.kind is ModelKind.EMBEDDER
    assert trained.card["dimension"] == DIMENSION + COLOURS
    assert sum(path.stat().st_size for path in trained.folder.iterdir()) < 30_000_000


def test_a_changed_graph_is_refused(trained: ModelVersion, tmp_path: Path) -> None:
    for path in trained.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelDamaged):
        SiameseEmbedder(replace(trained, folder=tmp_path), Execution(threads=1))


def test_training_goes_on_from_a_version(trained: ModelVersion) -> None:
    network = start_network(small_store(), plan=PLAN, start=trained)
    again = SiameseNetwork()
    again.load_state_dict(load_weights(trained.weights_path))
    for name, value in network.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])


def test_a_version_that_pools_otherwise_is_no_start(trained: ModelVersion) -> None:
    # Its weights would fit, and mean something else.
    older = replace(trained, card={**trained.card, "architecture": "pooled by the mean"})
    with pytest.raises(ModelError, match="another network"):
        start_network(small_store(), plan=PLAN, start=older)
