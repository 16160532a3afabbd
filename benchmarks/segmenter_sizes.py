"""What the segmenter's precision, input size and number of proposals cost in average precision and in time.

Each case is the bundled version exported anew with so many proposals, and run at a size. Labelled
photos of which none was trained on, as `garb segmenter evaluate` takes them:

    python -m benchmarks.segmenter_sizes ANNOTATIONS --photos DIR [--names FILE] [--cases f32:300:576x384]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from indexer.bootstrap import open_models
from indexer.settings import Settings
from segmentation.annotations.read import read_annotations
from segmentation.evaluation.metrics import evaluate_instances
from segmentation.execution import Execution, Profile
from segmentation.graph import Array, Graph, load_graph
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.network import build_network
from segmentation.mask_rcnn.predict import MaskRCNNCore, canvas_tensor
from segmentation.models import GRAPH, ModelKind, ModelVersion
from segmentation.photo import read_photo
from segmentation.training.export import load_weights
from segmentation.training.segmenter import write_segmenter

CASES = "f32:300:576x384,bf16:300:576x384,bf16:150:576x384,bf16:150:480x320,bf16:150:384x256"
PROFILES = {"f32": Profile.EXACT, "bf16": Profile.DEFAULT}


class TimedGraph:
    """Counts the CPU seconds of a graph's runs."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.cpu_seconds: list[float] = []

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        used = time.process_time()
        found = self._graph.run(inputs)
        self.cpu_seconds.append(time.process_time() - used)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--names", type=Path)
    parser.add_argument("--cases", default=CASES, help="precision:proposals:HEIGHTxWIDTH, …")
    arguments = parser.parse_args()
    annotated = read_annotations(arguments.annotations, [arguments.photos], names=arguments.names)
    version = open_models(Settings.from_env()).get(ModelKind.SEGMENTER)
    with tempfile.TemporaryDirectory() as folder:
        for case in arguments.cases.split(","):
            precision, proposals, size = case.split(":")
            height, width = (int(side) for side in size.split("x"))
            preprocessing = {**version.card["preprocessing"], "size": [height, width]}
            card = {**version.card, "preprocessing": preprocessing}
            example = torch.from_numpy(canvas_tensor(read_photo(annotated[0].path), version.card))
            path = Path(folder) / proposals / GRAPH
            if not path.exists():
                path.parent.mkdir()
                _export(version, int(proposals), example, path.parent)
            graph = TimedGraph(
                load_graph(
                    path,
                    Execution(threads=1, profile=PROFILES[precision]),
                    input_shapes={"image": (1, 3, height, width)},
                )
            )
            figures = evaluate_instances(MaskRCNNCore(graph, card), annotated).as_json()
            kept = ("mask_ap", "mask_ap50", "box_ap", "person_iou", "photos")
            cpu_ms = round(1000 * statistics.median(graph.cpu_seconds), 1)
            document: dict[str, Any] = {"case": case, "network_cpu_ms": cpu_ms}
            print(json.dumps(document | {name: figures[name] for name in kept}), flush=True)


def _export(version: ModelVersion, proposals: int, example: torch.Tensor, folder: Path) -> None:
    network = build_network(
        Architecture(version.card["recipe"]["architecture"]),
        classes=len(version.card["categories"]),
        proposals=proposals,
    ).eval()
    network.load_state_dict(load_weights(version.weights_path))
    write_segmenter(network, example, folder)


if __name__ == "__main__":
    main()
