"""Trains the classifier of patterns that is bundled, and writes it with its card.

It learns from real garments cut out by their labels (photos whose number ends in 7 left out), plain
ones dressed in drawn cloth, those of `tests/real_data/patterns.csv`, and drawn products.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.pattern_data import Sample, drawn_samples, dressed_samples, real_samples
from segmentation.garment import Cutout
from segmentation.models import GRAPH, WEIGHTS, sha256_of
from segmentation.pattern import CLASSES, INPUT, OUTPUT, pixels_of
from segmentation.training.export import export_onnx, load_weights, round_to_half, save_weights

CROP_PX = 112
WIDTH = 64
DRESSED, DRAWN = 2500, 200
# How many of a batch come from each source.
BATCH = {"dressed": 20, "smooth": 12, "labelled": 14, "drawn": 4}


class PatternNetwork(nn.Module):
    """Cut-outs, (n, 4, side, side) → scores of `CLASSES`, (n, 6); only cloth is looked at."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inside, outside, stride in ((4, 24, 2), (24, 40, 2), (40, 56, 2), (56, WIDTH, 1)):
            layers += [
                nn.Conv2d(inside, outside, 3, stride, 1, bias=False),
                nn.BatchNorm2d(outside),
                nn.ReLU(inplace=True),
            ]
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(2 * WIDTH, len(CLASSES))

    def forward(self, cutouts: Tensor) -> Tensor:
        found = self.features(cutouts)
        cloth = F.avg_pool2d(cutouts[:, 3:], 8)
        total = cloth.sum((2, 3)) + 1e-3
        mean = (found * cloth).sum((2, 3)) / total
        spread = ((found - mean[..., None, None]) ** 2 * cloth).sum((2, 3)) / total
        scores: Tensor = self.head(self.dropout(torch.cat([mean, torch.sqrt(spread + 1e-4)], 1)))
        return scores


def _augmented(sample: Sample, rng: np.random.Generator) -> Cutout:
    """A square of the cut-out, larger or smaller, mirrored, in other colours."""
    pixels, alpha = sample.cutout.pixels, sample.cutout.alpha
    side = int(np.clip(CROP_PX / rng.uniform(0.75, 1.35), 80, pixels.shape[0]))
    for _ in range(8):  # Where there is cloth.
        y, x = rng.integers(0, pixels.shape[0] - side + 1, 2)
        if (alpha[y : y + side, x : x + side] > 127).mean() > 0.15:
            break
    size = (CROP_PX, CROP_PX)
    window = (slice(y, y + side), slice(x, x + side))
    cloth, shown = (
        np.asarray(cv2.resize(layer[window], size, interpolation=cv2.INTER_LINEAR), np.uint8)
        for layer in (pixels, alpha)
    )
    if rng.random() < 0.5:
        cloth, shown = cloth[:, ::-1], shown[:, ::-1]
    gain, lift = rng.uniform(0.75, 1.25, 3), rng.uniform(-20, 20, 3)
    tinted = np.clip(cloth[..., rng.permutation(3)] * gain + lift, 0, 255).astype(np.uint8)
    return Cutout(tinted, np.ascontiguousarray(shown))


def train(
    sources: dict[str, list[Sample]], *, steps: int, seed: int, start: Path | None
) -> PatternNetwork:
    """AdamW with a warm-up and a cosine, each batch as `BATCH` says; ``start``: weights to go on from."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = PatternNetwork().train()
    if start is not None:
        network.load_state_dict(load_weights(start / WEIGHTS))
    by_pattern = {name: _by_pattern(samples) for name, samples in sources.items()}
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.02)
    highest = 4e-3 if start is None else 1.5e-3
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, highest, total_steps=steps, pct_start=0.1
    )
    for step in range(steps):
        chosen = [_one_of(by_pattern[name], rng) for name in sources for _ in range(BATCH[name])]
        inputs = np.stack([pixels_of(_augmented(sample, rng)) for sample in chosen])
        wanted = torch.tensor([sample.pattern for sample in chosen])
        loss = F.cross_entropy(network(torch.from_numpy(inputs)), wanted, label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if step % 50 == 0:
            print(json.dumps({"step": step, "loss": round(loss.item(), 3)}), flush=True)
    return network.eval()


def _by_pattern(samples: Sequence[Sample]) -> list[list[Sample]]:
    patterns = sorted({sample.pattern for sample in samples})
    return [[one for one in samples if one.pattern == pattern] for pattern in patterns]


def _one_of(by_pattern: Sequence[Sequence[Sample]], rng: np.random.Generator) -> Sample:
    """Every pattern of a source as often: among real garments most are of none with a name."""
    samples = by_pattern[int(rng.integers(len(by_pattern)))]
    return samples[int(rng.integers(len(samples)))]


def publish(network: PatternNetwork, folder: Path, card: Mapping[str, object]) -> None:
    """Graph, weights and card."""
    folder.mkdir(parents=True, exist_ok=True)
    round_to_half(network)
    save_weights(network, folder / WEIGHTS)
    example = (torch.zeros(1, 4, 224, 224),)
    export_onnx(
        network,
        example,
        folder / GRAPH,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_axes={INPUT: {0: "n"}, OUTPUT: {0: "n"}},
    )
    sums = {name: sha256_of(folder / name) for name in (GRAPH, WEIGHTS)}
    text = json.dumps({**card, "sha256": sums}, indent=2, ensure_ascii=False)
    (folder / "card.json").write_text(text + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the folder to write")
    parser.add_argument("--data", type=Path, default=os.environ.get("GARB_DATA"))
    parser.add_argument("--init", type=Path, help="a folder that this command wrote: go on from it")
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    labelled, smooth = real_samples(arguments.data)
    sources = {
        "dressed": dressed_samples(smooth, DRESSED, arguments.seed),
        "smooth": smooth,
        "labelled": labelled,
        "drawn": drawn_samples(DRAWN, arguments.seed),
    }
    counts = {name: len(samples) for name, samples in sources.items()}
    print(json.dumps(counts), flush=True)
    network = train(sources, steps=arguments.steps, seed=arguments.seed, start=arguments.init)
    card = {
        "kind": "pattern",
        "classes": list(CLASSES),
        "input": {"size_px": 224},
        "recipe": {
            "steps": arguments.steps,
            "seed": arguments.seed,
            "batch": BATCH,
            "samples": counts,
        },
        "data": "street photos with pixel labels (Clothing Co-Parsing, Apache-2.0; numbers that end "
        "in 7 left out), patterns labelled by eye in tests/real_data/patterns.csv, drawn cloth",
        "licences": ["Apache-2.0"],
    }
    publish(network, arguments.out, card)


if __name__ == "__main__":
    main()
