"""One photo to its matches, stage by stage, with the usual road beside it.

The peer is what one would put together without Garb: torchvision's default Mask R-CNN at 800 px, open_clip's
ViT-B-32 for each garment and a flat torch index, all eager. Its weights are random, which costs the
same time; so that it does the same work, it is given as many garments as Garb finds: four in the photo
that is drawn, which is of 550×832. A second peer is Garb with its own networks run by plain torch at the
same input sizes: what the exported graphs are worth. ``fast`` is Garb with ``GARB_PROFILE=fast``. One
runtime a process: two thread pools in one process slow each other down.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.import_rate import import_products
from indexer.bootstrap import open_services
from indexer.matching import SearchRequest
from indexer.settings import Settings
from segmentation.photo import read_photo
from wardrobe.draw import draw_wardrobe

PRODUCTS = 44
# The first whose photo shows somebody in four garments that are all found.
SEED = 4


def main() -> None:
    arguments = _arguments()
    if arguments.case in {"garb", "fast"}:
        return _print(_measure_garb(arguments))
    if arguments.case == "torch":
        # Only this process and the peer's may load torch.
        from benchmarks.torch_graph import serve_with_torch  # noqa: PLC0415

        serve_with_torch(arguments.threads)
        return _print(_measure_garb(arguments))
    if arguments.case == "peer":
        return _print(_measure_peer(arguments))
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw_wardrobe(Path(folder) / "shop", products=PRODUCTS, photos=1, seed=SEED)
        photo = arguments.photo or drawn.street_photos[0]
        home = Path(folder) / "home"
        settings = Settings.from_env({"GARB_HOME": str(home)})
        import_products(drawn.products, settings)
        garb = _in_own_process("garb", photo, arguments, home)
        fast = _in_own_process("fast", photo, arguments, home)
        torch = _in_own_process("torch", photo, arguments, home)
        arguments.garments = max(1, garb["garments"])
        peer = _in_own_process("peer", photo, arguments, home)
    ratios: dict[str, Any] = {"case": "ratio"}
    for unit in ("ms", "cpu_ms"):
        own = garb[f"total_{unit}"]
        ratios |= {
            f"peer_over_garb_{unit}": round(peer[f"total_{unit}"] / own, 1),
            f"torch_over_garb_{unit}": round(torch[f"total_{unit}"] / own, 2),
            f"garb_over_fast_{unit}": round(own / fast[f"total_{unit}"], 2),
        }
    _print(ratios)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path, help="a street photo; one is drawn without it")
    parser.add_argument("--n", type=int, default=15, help="medians of this many searches")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--case", choices=("garb", "fast", "torch", "peer"), help=argparse.SUPPRESS)
    parser.add_argument("--garments", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_own_process(
    case: str, photo: Path, arguments: argparse.Namespace, home: Path
) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.stages", "--case", case, "--photo", str(photo)]
    command += ["--n", str(arguments.n), "--threads", str(arguments.threads), "--home", str(home)]
    command += ["--garments", str(arguments.garments)]
    threads = {name: str(arguments.threads) for name in ("OMP_NUM_THREADS", "GARB_THREADS")}
    finished = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **threads}
    )
    print(finished.stdout, end="", flush=True)
    measured: dict[str, Any] = json.loads(finished.stdout)
    return measured


def _measure_garb(arguments: argparse.Namespace) -> dict[str, Any]:
    profile = "fast" if arguments.case == "fast" else "default"
    environment = {"GARB_HOME": str(arguments.home), "GARB_THREADS": str(arguments.threads)}
    settings = Settings.from_env(environment | {"GARB_PROFILE": profile})
    with open_services(settings) as services:
        loaded_mb = _peak_mb()

        def once() -> dict[str, float]:
            started, used = time.perf_counter(), time.process_time()
            photo = read_photo(arguments.photo)
            decode_ms = (time.perf_counter() - started) * 1000
            answer = services.matcher.search(photo, SearchRequest(), decode_ms=decode_ms)
            cpu_ms = (time.process_time() - used) * 1000
            return dict(answer.timings_ms) | {"garments": len(answer.garments), "cpu": cpu_ms}

        measured = medians(once, arguments.n)
    return _line(arguments.case, arguments, measured, loaded_mb)


def _measure_peer(arguments: argparse.Namespace) -> dict[str, Any]:
    # Only this process may load torch.
    import open_clip  # noqa: PLC0415
    import torch  # noqa: PLC0415
    from torchvision.models.detection import maskrcnn_resnet50_fpn_v2  # noqa: PLC0415

    logging.disable(logging.WARNING)  # open_clip warns that the weights are random, as they should
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    detector = maskrcnn_resnet50_fpn_v2(
        weights=None,
        weights_backbone=None,
        box_score_thresh=0.0,
        box_detections_per_img=arguments.garments,
    ).eval()
    clip, _, _ = open_clip.create_model_and_transforms("ViT-B-32", pretrained=None)
    clip.eval()
    index = torch.nn.functional.normalize(torch.randn(PRODUCTS, 512))
    loaded_mb = _peak_mb()

    def once() -> dict[str, float]:
        clock, used = [time.perf_counter()], time.process_time()
        photo = read_photo(arguments.photo)
        clock.append(time.perf_counter())
        image = torch.from_numpy(np.ascontiguousarray(photo.pixels.transpose(2, 0, 1))) / 255
        found = detector([image])[0]
        clock.append(time.perf_counter())
        crops = [_crop(image, box.tolist()) for box in found["boxes"]]
        crops += [_crop(image, [0, 0, photo.width, photo.height])] * (
            arguments.garments - len(crops)
        )
        vectors = torch.nn.functional.normalize(clip.encode_image(torch.cat(crops)))
        clock.append(time.perf_counter())
        (vectors @ index.T).topk(10)
        clock.append(time.perf_counter())
        names = ("decode", "segment", "embed", "search")
        stages = {name: (clock[i + 1] - clock[i]) * 1000 for i, name in enumerate(names)}
        cpu_ms = (time.process_time() - used) * 1000
        total_ms = (clock[-1] - clock[0]) * 1000
        return stages | {"total": total_ms, "garments": len(crops), "cpu": cpu_ms}

    def _crop(image: Any, box: list[float]) -> Any:
        x0, y0, x1, y1 = (int(side) for side in box)
        crop = image[None, :, y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
        return torch.nn.functional.interpolate(crop, (224, 224), mode="bilinear")

    with torch.inference_mode():
        measured = medians(once, max(3, arguments.n // 3))
    return _line("peer", arguments, measured, loaded_mb)


def medians(once: Callable[[], dict[str, float]], count: int) -> dict[str, float]:
    once()  # The first search allocates and, for some backends, compiles.
    runs: dict[str, list[float]] = defaultdict(list)
    for _ in range(count):
        for name, value in once().items():
            runs[name].append(value)
    return {name: round(statistics.median(values), 2) for name, values in runs.items()}


def _line(
    case: str, arguments: argparse.Namespace, measured: dict[str, float], loaded_mb: float
) -> dict[str, Any]:
    total, garments, cpu = (measured.pop(name) for name in ("total", "garments", "cpu"))
    return {
        "case": case,
        "total_ms": total,
        "total_cpu_ms": cpu,
        "stages_ms": measured,
        "garments": int(garments),
        "loaded_mb": loaded_mb,
        "peak_mb": _peak_mb(),
        "threads": arguments.threads,
    }


def _peak_mb() -> float:
    """The most memory this process ever held, in MB (Linux counts it in KiB)."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 0)


def _print(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    main()
