import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.embedding_ablation import Flipped, Remembered, WithColours
from benchmarks.import_rate import growth, shared_out
from benchmarks.retrieval_baselines import ColourHistogram
from benchmarks.stages import medians
from indexer.embedder.base import Vectors
from indexer.embedder.colour_signature import colour_signature
from indexer.evaluation.finders import WholePhotos
from segmentation.cutout import cut_out
from segmentation.garment import Box, Cutout, Garment
from segmentation.photo import Photo
from tests.fakes import fake_photo
from wardrobe.draw import draw_wardrobe

ROOT = Path(__file__).resolve().parents[2]


def lines_of(module: str, *options: str) -> list[dict[str, Any]]:
    finished = subprocess.run(
        [sys.executable, "-m", module, *options],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return [json.loads(line) for line in finished.stdout.splitlines()]


def test_median_leaves_out_the_first_run() -> None:
    times = iter((100.0, 3.0, 1.0, 2.0))
    assert medians(lambda: {"total": next(times)}, 3) == {"total": 2.0}


def test_growth_is_that_of_the_second_half() -> None:
    steep_then_flat = {count: float(min(count, 500)) for count in range(0, 1001, 50)}
    assert growth(steep_then_flat) == {"slope": 0.0, "error": 0.0}
    noise = np.random.default_rng(0).normal(size=200)
    found = growth({20 * i: 600 + 0.1 * i + noise[i] for i in range(200)})
    assert found is not None
    assert abs(found["slope"] - 5) < 3 * found["error"] < 1
    assert growth({1: 5.0, 2: 6.0}) is None


def test_products_share_pictures_in_turn(tmp_path: Path) -> None:
    feed = tmp_path / "products.csv"
    feed.write_text("id,image\na,a.jpg\nb,b.jpg\n")
    assert shared_out(feed, 5).read_text().split() == [
        "id,image",
        *("a-0,a.jpg", "b-1,b.jpg", "a-2,a.jpg", "b-3,b.jpg", "a-4,a.jpg"),
    ]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_import_rate_prints_one_line() -> None:
    (line,) = lines_of("benchmarks.import_rate", "--products", "11", "--pictures", "4")
    assert line["products"] == line["indexed"] == 11
    assert line["products_per_second"] > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_stages_print_garb_its_peers_and_their_ratios() -> None:
    lines = lines_of("benchmarks.stages", "--n", "3")
    assert [line["case"] for line in lines] == ["garb", "fast", "torch", "peer", "ratio"]
    garb, _, torch, peer, ratio = lines
    assert garb["garments"] == 4
    assert torch["garments"] == garb["garments"], "the same networks see the same"
    assert peer["garments"] == garb["garments"], "the peer does the same work"
    assert {"decode", "segment", "parse", "embed", "search"} <= garb["stages_ms"].keys()
    assert ratio["peer_over_garb_cpu_ms"] > 1


def test_a_mirror_image_has_the_same_vector_once_both_are_averaged() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    alpha = np.full((32, 32), 255, np.uint8)
    alpha[:, :8] = 0
    mirrored = Cutout(pixels[:, ::-1], alpha[:, ::-1])
    embedder = Flipped(LeftAndRight())
    vectors = embedder.embed([Cutout(pixels, alpha), mirrored])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)


def test_colours_beside_a_vector_count_by_their_weight() -> None:
    photos = [fake_photo(colour) for colour in ((200, 30, 40), (20, 40, 200))]
    cutouts = [cut_out(photo, WholePhotos().of_product(photo, None)) for photo in photos]
    embedder = AllTheSame()
    red, blue = WithColours(embedder, embedder.dimension, 0.25).embed(cutouts)
    of_red, of_blue = map(colour_signature, cutouts)
    assert of_red @ of_blue < 0.9
    assert red @ blue == pytest.approx(0.75 + 0.25 * of_red @ of_blue, abs=1e-5)
    red, blue = WithColours(embedder, embedder.dimension, 0.0).embed(cutouts)
    assert red @ blue == pytest.approx(1)


def test_a_photo_is_looked_at_once_and_cropped_as_asked() -> None:
    looked: list[str | None] = []

    class Finder(WholePhotos):
        def of_product(self, photo: Photo, category: str | None) -> Garment:
            looked.append(category)
            return super().of_product(photo, category)

    finder = Remembered(Finder())
    photo = fake_photo((200, 30, 40))
    for _ in range(2):
        whole = finder.of_product(photo, "dress")
        finder.of_query(photo, "dress", None)
    assert looked == ["dress", "dress"]  # once as a product, once as a query
    finder.crop = lambda photo, garment: replace(garment, box=Box(0, 0, 5, 5))
    assert finder.of_product(photo, "dress").box != whole.box
    assert len(looked) == 2


class LeftAndRight:
    """A vector that differs between mirror images."""

    version, dimension = "fake", 2

    def embed(self, cutouts: Sequence[Cutout]) -> Vectors:
        sides = [(one.pixels[:, :16].mean(), 2 * one.pixels[:, 16:].mean()) for one in cutouts]
        vectors = np.array(sides, np.float32)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


class AllTheSame:
    version, dimension = "fake", 2

    def embed(self, cutouts: Sequence[Cutout]) -> Vectors:
        return np.tile(np.array([[1, 0]], np.float32), (len(cutouts), 1))


def test_colours_are_told_apart_by_their_histogram() -> None:
    photos = [fake_photo(colour) for colour in ((200, 30, 40), (205, 30, 40), (20, 40, 200))]
    finder = WholePhotos()
    cutouts = [cut_out(photo, finder.of_product(photo, None)) for photo in photos]
    vectors = ColourHistogram().embed(cutouts)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


@pytest.mark.slow
@pytest.mark.skipif("GARB_IMAGENET_WEIGHTS" not in os.environ, reason="no ImageNet weights")
def test_baselines_print_a_line_a_peer(tmp_path: Path) -> None:
    drawn = draw_wardrobe(tmp_path, products=4, photos=2, seed=1)
    lines = lines_of("benchmarks.retrieval_baselines", str(drawn.products), str(drawn.queries))
    assert [line["case"] for line in lines] == ["imagenet", "colours"]
    assert all({"r@1", "r@5", "r@10", "by_view", "gallery"} <= line.keys() for line in lines)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_same_cut_in_red_is_among_the_first_three_for_nine_in_ten() -> None:
    options = ("--products", "40", "--queries", "12", "--seed", "2")
    lines = lines_of("benchmarks.this_but_red", *options)
    found = {(line["case"], line["way"]): line["r@3"] for line in lines}
    assert found["product", "words 0.25"] >= 0.9
    assert found["photo", "words 0.25"] > found["photo", "colour 0.5"] - 0.1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_patterns_of_drawn_garments_are_mostly_told_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GARB_DATA", raising=False)  # Drawn ones alone.
    (line,) = lines_of("benchmarks.patterns", "--drawn", "60")
    assert line["garments"] > 30
    assert line["accuracy"] > 0.7
    assert sum(sum(row.values()) for row in line["confusion"].values()) == line["garments"]
