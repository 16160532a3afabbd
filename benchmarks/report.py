"""Runs the benchmarks one after another, prints a table and writes docs/performance.md.

    python -m benchmarks.report [--lines FILE]

``--lines`` also keeps every JSON line in a file, and takes from it those of commands that ran to their
end before: a run that was cut off goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
# Drawing and embedding takes minutes and gives the same: both sizes grow from one file.
SEEDS = ("--seeds", "var/bench/embedded.npy")
BUSY = (
    "**The machine was busy.** Where the load average is above the number of cores, other work took most of the "
    "processor: seconds of the clock are several times too many, requests a second too few, and threads that "
    "wait for one another spin, which adds CPU time as well, to torch's most. Run `make bench` on an idle machine "
    "for figures to quote."
)
PAGE = REPOSITORY / "docs" / "performance.md"


@dataclass(frozen=True, slots=True)
class Section:
    """A command, and what its figures say to a reader."""

    title: str
    text: str
    module: str
    options: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        return " ".join(("python -m", f"benchmarks.{self.module}", *self.options))


SECTIONS = (
    Section(
        "A photo to its matches",
        "`fast` is Garb with `GARB_PROFILE=fast`, `torch` Garb with the same networks in plain torch; `peer` is "
        "torchvision's default Mask R-CNN with ViT-B-32 and a flat index, its weights random. The photo is of 550×832, and "
        "somebody of 0.7 of its height is looked at closer: one more pass of the segmenter, but not in `fast`.",
        "stages",
    ),
    Section(
        "A million vectors",
        "On one thread, milliseconds of CPU time. `garb` is the served index while it grows from rows, merges and is "
        "changed; `garb_opened` the next start from its snapshot, every page of it read for the memory.",
        "vectors",
        (*SEEDS, "--cases", "garb,garb_opened,garb_choices,ivf_flat_fp16,ivf_pq_refined,numpy"),
    ),
    Section(
        "A server",
        "`of_what_the_cores_allow`: requests a second over cores ÷ CPU seconds a request, 1 at best. A client whom the "
        "server turns away (503) waits as it is told and tries again.",
        "serving",
    ),
    Section(
        "An import", "Product photos through every stage, models loaded before.", "import_rate"
    ),
    Section("A server's size", "Without the trainer.", "install_size"),
    Section(
        "200,000 vectors beside graphs",
        "A graph of a million takes longer to build than the rest of this page.",
        "vectors",
        (*SEEDS, "--count", "200000", "--cases", "garb,garb_opened,usearch,hnswlib,numpy"),
    ),
)


@dataclass(frozen=True, slots=True)
class Run:
    """What one command printed, when, and how busy the machine was before and after."""

    command: str
    began: str
    seconds: float
    load_before: float
    load_after: float
    lines: tuple[dict[str, Any], ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=Path, help="keep, and go on from, the lines in this file")
    kept: Path | None = parser.parse_args().lines
    known = _read(kept) if kept is not None and kept.exists() else {}
    runs = {}
    for section in SECTIONS:
        if section.command not in known:
            known[section.command] = _run(section)
            if kept is not None:
                _write(kept, known.values())
        runs[section] = known[section.command]
        print(f"\n{section.title} ({section.command})\n{_table(runs[section].lines)}", flush=True)
        PAGE.write_text(_page(runs))


def _run(section: Section) -> Run:
    began, started, load = datetime.now(UTC), time.perf_counter(), os.getloadavg()[0]
    arguments = [sys.executable, "-m", f"benchmarks.{section.module}", *section.options]
    printed = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Run(
        command=section.command,
        began=f"{began:%Y-%m-%d %H:%M} UTC",
        seconds=time.perf_counter() - started,
        load_before=load,
        load_after=os.getloadavg()[0],
        lines=tuple(json.loads(line) for line in printed.splitlines()),
    )


def _page(runs: dict[Section, Run]) -> str:
    parts = [
        "# Performance",
        "`make bench` writes this page, section by section. Compare rows of one table, which come from one run; on a machine that does other "
        "work too, compare CPU time.",
        f"{_machine()}; {_versions()}.",
    ]
    if any(run.load_before > _cores() for run in runs.values()):
        parts.append(BUSY)
    for section, run in runs.items():
        load = f"load average {run.load_before:.1f} before and {run.load_after:.1f} after"
        parts += [
            f"## {section.title}",
            section.text,
            f"```\n{section.command}\n```",
            _table(run.lines),
            f"{run.began}, {run.seconds:.0f} s, {load}.",
        ]
    return "\n\n".join(parts) + "\n"


def _table(lines: Sequence[dict[str, Any]]) -> str:
    rows = ["| case | |", "| --- | --- |"]
    for line in lines:
        figures = {name: value for name, value in line.items() if name != "case"}
        rows.append(f"| {line['case']} | {_figures(figures)} |")
    return "\n".join(rows)


def _figures(figures: dict[str, Any]) -> str:
    shown = []
    for name, value in figures.items():
        text = f"({_figures(value)})" if isinstance(value, dict) else f"{value}"
        shown.append(f"{name} {text}")
    return " · ".join(shown)


def _machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return f"{_cores()} cores of {model}"


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _versions() -> str:
    names = ("numpy", "faiss-cpu", "openvino", "torch")
    return ", ".join(f"{name} {version(name)}" for name in names)


def _read(path: Path) -> dict[str, Run]:
    runs = [Run(**json.loads(line)) for line in path.read_text().splitlines()]
    return {run.command: run for run in runs}


def _write(path: Path, runs: Iterable[Run]) -> None:
    path.write_text("".join(json.dumps(asdict(run)) + "\n" for run in runs))


if __name__ == "__main__":
    main()
