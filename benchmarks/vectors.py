"""A million vectors: what Garb's index answers, how fast and from how much memory, beside its peers.

    python -m benchmarks.vectors [--count 1000000] [--products 3000] [--cases garb,…] [--seeds FILE]

Each case runs in a process of its own on one thread and prints one JSON line; `many_vectors` says what
the vectors are. Milliseconds are CPU time of the searching thread, so that other work on the machine
counts little. Recall is of the ten nearest by brute force over the same float16 vectors.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import vector_garb, vector_peers
from benchmarks.many_vectors import draw_and_embed, grow
from benchmarks.vector_case import Case, Floats, K


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument(
        "--products", type=int, default=3_000, help="how many are drawn and embedded"
    )
    parser.add_argument(
        "--seeds", type=Path, help="a .npy of the embeddings, made if it is not there"
    )
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder is not None:
        line = {"case": f"vectors: {arguments.cases}"}
        print(json.dumps(line | CASES[arguments.cases](Case(arguments.folder))), flush=True)
        return
    with tempfile.TemporaryDirectory() as name:
        _prepare(Path(name), arguments)
        for case in arguments.cases.split(","):
            command = [sys.executable, "-m", "benchmarks.vectors", "--cases", case]
            one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            subprocess.run(
                [*command, "--folder", name], check=True, env={**os.environ, **one_thread}
            )


def _prepare(folder: Path, arguments: argparse.Namespace) -> None:
    seeds = arguments.seeds or folder / "embedded.npy"
    if not seeds.exists():
        seeds.parent.mkdir(parents=True, exist_ok=True)
        threads = len(os.sched_getaffinity(0))
        np.save(seeds, draw_and_embed(arguments.products, threads=threads))
    embedded = np.load(seeds)
    grown = grow(embedded, arguments.count)
    np.save(folder / "vectors.npy", grown.vectors)
    np.save(folder / "queries.npy", grown.queries)
    np.save(folder / "nearest.npy", _nearest(grown.queries, grown.vectors))
    line = {"case": "vectors: made", "count": arguments.count, "dimension": embedded.shape[1]}
    line |= {"embedded": len(embedded), "queries": len(grown.queries)}
    names = ("scale", "near_own", "near_grown", "spread_own", "spread_grown")
    print(json.dumps(line | {name: round(getattr(grown, name), 3) for name in names}), flush=True)


def _nearest(queries: Floats, vectors: npt.NDArray[np.float16]) -> npt.NDArray[np.int64]:
    """The `K` best rows of each query, by brute force."""
    rows: list[npt.NDArray[np.int64]] = []
    scores: list[Floats] = []
    for start in range(0, len(vectors), 50_000):
        block = queries @ vectors[start : start + 50_000].astype(np.float32).T
        best = np.argpartition(-block, K, axis=1)[:, :K]
        scores.append(np.take_along_axis(block, best, axis=1))
        rows.append(best + start)
    order = np.argsort(-np.concatenate(scores, axis=1), axis=1)[:, :K]
    return np.take_along_axis(np.concatenate(rows, axis=1), order, axis=1)


CASES: dict[str, Callable[[Case], dict[str, Any]]] = {
    "garb": vector_garb.garb,
    "garb_opened": vector_garb.garb_opened,
    "garb_choices": vector_garb.garb_choices,
    "ivf_flat_fp16": vector_peers.ivf("IVF{lists},SQfp16", 32),
    "ivf_sq8": vector_peers.ivf("IVF{lists},SQ8", 32),
    "ivf_pq_refined": vector_peers.ivf("IVF{lists},PQ82x4fs,RFlat", 32),
    "flat_fp16": vector_peers.flat,
    "numpy": vector_peers.brute_force,
    "usearch": vector_peers.usearch,
    "hnswlib": vector_peers.hnswlib,
}

if __name__ == "__main__":
    main()
